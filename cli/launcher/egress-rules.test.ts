import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { createServer, type AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { test } from 'node:test'
import { egressRules, egressTable, type Reach } from './egress-rules.ts'
import { findProgram } from './find-program.ts'
import { applyEgressRules, removeEgressRules } from './nftables.ts'
import { runProgram } from './run-program.ts'

const uid = 1_900_000_000
const reaches = (place: number): readonly Reach[] => [
  { name: 'custodian', uid, to: { kind: 'nothing' } },
  { name: 'simulator', uid: uid + 1, to: { kind: 'loopback' } },
  { name: 'gateway', uid: uid + 2, to: { kind: 'places', places: [{ address: '127.0.0.1', port: place }] } },
  { name: 'dispatcher', uid: uid + 3, to: { kind: 'internet', places: [{ address: '127.0.0.1', port: place }] } },
]

test('each data folder has a table of its own', () => {
  assert.match(egressTable('/var/lib/ngome'), /^ngome_[0-9a-f]{12}$/)
  assert.notEqual(egressTable('/var/lib/ngome'), egressTable('/var/lib/ngome2'))
})

test('whoever is not named by a rule is not touched', () => {
  assert.match(egressRules('t', []), /policy accept;\n {4}ct state established,related accept\n {2}}/)
})

/** Opens a connection as a user: `open`, or the error's code. */
const connectProgram = `
const { connect } = require('node:net')
const [host, port] = process.argv.slice(1)
const socket = connect({ host, port: Number(port), timeout: 3000 })
socket.on('connect', () => { console.log('open'); socket.destroy() })
socket.on('error', (error) => console.log(error.code))
socket.on('timeout', () => { console.log('silence'); socket.destroy() })
`

test('the kernel holds each process to its reach', async (t) => {
  const nft = findProgram('nft')
  const setpriv = findProgram('setpriv')
  if (process.getuid?.() !== 0 || nft === undefined || setpriv === undefined) return t.skip('needs root, nft and setpriv')
  const allowed = createServer((socket) => socket.destroy())
  const forbidden = createServer((socket) => socket.destroy())
  for (const server of [allowed, forbidden]) await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve))
  const port = (server: typeof allowed): number => (server.address() as AddressInfo).port
  const table = `ngome_test_${randomBytes(6).toString('hex')}`
  t.after(async () => {
    await removeEgressRules(nft, table)
    allowed.close()
    forbidden.close()
  })
  await applyEgressRules(nft, egressRules(table, reaches(port(allowed))))
  const connectAs = async (user: number, host: string, to: number): Promise<string> => {
    const argv = [setpriv, `--reuid=${user}`, `--regid=${user}`, '--clear-groups', process.execPath] as const
    return (await runProgram([...argv, '-e', connectProgram, host, String(to)])).stdout.trim()
  }
  const own = Object.values(networkInterfaces()).flat().find((at) => at?.internal === false && at.family === 'IPv4')?.address
  const cases: readonly (readonly [string, number, string, number, string])[] = [
    ['the custodian opens nothing', 0, '127.0.0.1', port(allowed), 'ECONNREFUSED'],
    ['the simulator stays on loopback', 1, '127.0.0.1', port(forbidden), 'open'],
    ['the gateway reaches its place', 2, '127.0.0.1', port(allowed), 'open'],
    ['the gateway reaches no other port', 2, '127.0.0.1', port(forbidden), 'ECONNREFUSED'],
    ['the dispatcher reaches its place', 3, '127.0.0.1', port(allowed), 'open'],
    ['the dispatcher reaches nothing else on loopback', 3, '127.0.0.1', port(forbidden), 'ECONNREFUSED'],
    ['another user is not touched', 9, '127.0.0.1', port(forbidden), 'open'],
    ...(own === undefined ? [] : [
      ['the simulator does not leave loopback', 1, '192.0.2.1', 9, 'ECONNREFUSED'] as const,
      ['the dispatcher does not reach the network behind', 3, '10.255.255.1', 9, 'ECONNREFUSED'] as const,
    ]),
  ]
  for (const [claim, offset, host, to, expected] of cases) assert.equal(await connectAs(uid + offset, host, to), expected, claim)
  await removeEgressRules(nft, table)
  assert.equal(await connectAs(uid + 2, '127.0.0.1', port(forbidden)), 'open', 'the rules are gone with the table')
})
