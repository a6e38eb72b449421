import assert from 'node:assert/strict'
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import type { Pin, PinSet } from '@ngome/contracts'
import { ManualClock } from '@ngome/kernel'
import { signPinSet, spkiPin } from '@ngome/runtime'
import { TestAuthority } from '@ngome/testkit'
import { pinsMatchTheChain } from './probes/pins-match-the-chain.ts'
import { runProbes } from './run-probes.ts'

const dayMs = 86_400_000
const nowMs = Date.now()
const spare = `${'B'.repeat(42)}A=`

let authority: TestAuthority
let server: Server
let answer: { status: number; body: object }
let root: string
before(async () => {
  authority = await TestAuthority.create()
  root = spkiPin(new X509Certificate(authority.pem).publicKey)
  server = createServer({ ...await authority.issueWithKey('gateway'), minVersion: 'TLSv1.3' }, (_, response) => {
    response.writeHead(answer.status).end(JSON.stringify(answer.body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
after(() => {
  server.closeAllConnections()
  server.close()
})

const pinOf = (role: Pin['role'], spki: string, days = 300): Pin =>
  ({ spki_sha256: spki, role, not_before: new Date(nowMs - dayMs).toISOString(), not_after: new Date(nowMs + days * dayMs).toISOString() })

function setOf(change: Partial<PinSet> = {}): PinSet {
  return {
    version: 1, names: ['localhost'], issued_at: new Date(nowMs).toISOString(), expires_at: new Date(nowMs + 200 * dayMs).toISOString(),
    pins: [pinOf('current', root), pinOf('backup', spare)], ...change,
  }
}

async function verdictOf(set: PinSet, key = authority.statementKeys.privateKey, status = 200) {
  answer = { status, body: { object: 'pin_set', ...set, statement: signPinSet(set, key) } }
  const gateway = { name: 'localhost', host: '127.0.0.1', port: (server.address() as AddressInfo).port }
  const [result] = await runProbes([pinsMatchTheChain], {
    gateway, clock: new ManualClock(nowMs),
    custodian: { statementKey: () => Promise.resolve(authority.statementKeys.publicKey) },
    publicTransport: { addresses: [gateway], roots: [authority.pem] },
  }, new ManualClock(nowMs))
  assert.ok(result)
  return result
}

test('a set whose current pin is in the chain, with a backup that is not, holds', async () => {
  const { status, evidence } = await verdictOf(setOf())
  assert.equal(status, 'holds', evidence)
})

test('without a set it is unchecked: pinning is the operator\'s to begin', async () => {
  assert.equal((await verdictOf(setOf(), undefined, 404)).status, 'unchecked')
})

const sabotage: readonly (readonly [string, () => Promise<{ readonly status: string; readonly evidence: string }>, RegExp])[] = [
  ['a set that somebody else signed', () => verdictOf(setOf(), generateKeyPairSync('ed25519').privateKey), /not one that the custodian signed/],
  ['a set whose current pin is of no key in the chain', () => verdictOf(setOf({ pins: [pinOf('current', `${'C'.repeat(42)}A=`), pinOf('backup', spare)] })), /apps refuse it/],
  ['a set without a backup', () => verdictOf(setOf({ pins: [pinOf('current', root), pinOf('next', spare)] })), /no backup/],
  ['a set whose backup is over', () => verdictOf(setOf({ pins: [pinOf('current', root), pinOf('backup', spare, -0.5)] })), /no backup/],
  ['a backup that is served', () => verdictOf(setOf({ pins: [pinOf('current', root), pinOf('backup', root)] })), /backup no more/],
  ['a current pin whose time is over', () => verdictOf(setOf({ pins: [pinOf('current', root, -0.5), pinOf('backup', spare)] })), /apps refuse it/],
  ['a set that is over', () => verdictOf(setOf({ expires_at: new Date(nowMs).toISOString() })), /ended/],
  ['a set that is nearly over', () => verdictOf(setOf({ expires_at: new Date(nowMs + 6 * dayMs).toISOString() })), /ends/],
  ['an error in its place', () => verdictOf(setOf(), undefined, 500), /500/],
]
for (const [claim, run, says] of sabotage) {
  test(`${claim} fails`, async () => {
    const { status, evidence } = await run()
    assert.equal(status, 'fails', evidence)
    assert.match(evidence, says)
  })
}
