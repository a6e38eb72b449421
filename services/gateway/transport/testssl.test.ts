import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer } from 'node:tls'
import { describe, test } from 'node:test'
import { TestAuthority } from '@ngome/testkit'
import { TestGateway } from '../testing/test-gateway.ts'

type Finding = { readonly id: string; readonly severity: string; readonly finding: string }

const isMissing = spawnSync('testssl', ['--version']).error !== undefined
/** What the local authority is to blame for, and nothing else: its certificate lives for a day and names no place of revocation. */
const ofLocalAuthority: readonly string[] = ['cert_revocation', 'cert_expirationStatus', 'cert_notAfter']
/** `WARN` is what the program could not look at. */
const mediumOrWorse: readonly string[] = ['MEDIUM', 'HIGH', 'CRITICAL', 'FATAL']
const testMsMax = 400_000

/** Everything that it found, of medium severity or worse; with what makes its own run a failure. */
async function found(port: number, authority: string, flags: readonly string[]): Promise<readonly Finding[]> {
  const folder = mkdtempSync(join(tmpdir(), 'ngome-testssl-'))
  try {
    const [file, ca] = [join(folder, 'found.json'), join(folder, 'ca.pem')]
    writeFileSync(ca, authority)
    const child = spawn('testssl', [
      '--warnings', 'off', '--quiet', '--color', '0', '--openssl-timeout', '5', '--connect-timeout', '5', '--ip', '127.0.0.1', '--nodns', 'none',
      '--add-ca', ca, '--jsonfile', file, ...flags, `localhost:${port}`,
    ], { stdio: 'ignore', env: { PATH: process.env['PATH'], HOME: folder, TERM: 'dumb' } })
    const kill = setTimeout(() => child.kill('SIGKILL'), testMsMax)
    await new Promise((resolve) => child.once('exit', resolve))
    clearTimeout(kill)
    return JSON.parse(readFileSync(file, 'utf8')) as readonly Finding[]
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const bad = (all: readonly Finding[]): readonly Finding[] =>
  all.filter(({ severity, id }) => mediumOrWorse.includes(severity) && !ofLocalAuthority.includes(id))

const options = { skip: isMissing ? 'needs the package testssl.sh' : false, timeout: testMsMax }

// Both mostly wait for the program's own pauses.
describe('testssl.sh', { concurrency: true }, () => {
  test('finds nothing of medium severity or worse that does not come from the local authority', options, async (t) => {
    const running = await TestGateway.start()
    t.after(() => running.close())
    const all = await found(running.port, running.custody.authority.pem, ['-p', '-s', '-f', '-S', '-h', '-U'])
    assert.ok(all.length > 60, `it looked at ${all.length} things only`)
    assert.equal(all.find(({ id }) => id === 'TLS1_3')?.severity, 'OK')
    assert.deepEqual(bad(all), [])
  })

  test('and finds what a server does that takes a suite without a certificate', options, async (t) => {
    const authority = await TestAuthority.create()
    const server = createServer({
      ...await authority.issueWithKey('gateway'), minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2', ciphers: 'AECDH-AES128-SHA:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0',
    }, (socket) => socket.on('error', () => undefined).end())
    server.on('tlsClientError', () => undefined)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.after(() => server.close())
    const all = await found((server.address() as AddressInfo).port, authority.pem, ['-s'])
    assert.ok(bad(all).some(({ id }) => id === 'cipherlist_aNULL'), JSON.stringify(all.map(({ id, severity }) => `${id} ${severity}`)))
  })
})
