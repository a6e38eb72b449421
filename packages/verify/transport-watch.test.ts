import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import type { TlsObservation } from '@ngome/contracts'
import { ManualClock } from '@ngome/kernel'
import { observeTls } from '@ngome/runtime'
import { TestAuthority } from '@ngome/testkit'
import { transportIsWatched } from './probes/transport-is-watched.ts'
import { runProbes } from './run-probes.ts'

const hourMs = 3_600_000
const nowMs = Date.now()

let authority: TestAuthority
let server: Server
let port = 0
let observed: TlsObservation
before(async () => {
  authority = await TestAuthority.create()
  server = createServer({ ...await authority.issueWithKey('gateway'), minVersion: 'TLSv1.3' }, (_, response) => { response.end() })
  server.on('tlsClientError', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
  observed = await observeTls({ name: 'localhost', host: '127.0.0.1', port }, [authority.pem], nowMs)
})
after(() => {
  server.closeAllConnections()
  server.close()
})

type Evidence = { readonly verdict?: string; readonly ageMs?: number; readonly findings?: readonly string[]; readonly observed?: unknown }

async function verdictOf(evidence: Evidence, roots = [authority.pem], addresses = ['localhost']) {
  const row = {
    verdict: 'sound', findings: [], observed, ...evidence, checked_at: new Date(nowMs - (evidence.ageMs ?? 60_000)),
  }
  const [result] = await runProbes([transportIsWatched], {
    auditor: { query: <R>() => Promise.resolve([row] as readonly unknown[] as readonly R[]) },
    clock: new ManualClock(nowMs),
    publicTransport: { addresses: addresses.map((name) => ({ name, host: '127.0.0.1', port })), checkEveryMs: hourMs, roots },
  }, new ManualClock(nowMs))
  assert.ok(result)
  return result
}

test('evidence of this hour that is what we see ourselves holds', async () => {
  const { status, evidence } = await verdictOf({})
  assert.equal(status, 'holds', evidence)
})

test('a doubt is said, and holds', async () => {
  const { status, evidence } = await verdictOf({ findings: ['expires_in_30_days'] })
  assert.equal(status, 'holds', evidence)
  assert.match(evidence, /expires_in_30_days/)
})

const sabotage: readonly (readonly [string, () => Evidence, RegExp])[] = [
  ['evidence past its interval', () => ({ ageMs: hourMs + 301_000 }), /s old/],
  ['evidence of tomorrow', () => ({ ageMs: -86_400_000 }), /ahead of now/],
  ['evidence of an alarm', () => ({ verdict: 'flawed', findings: ['old_version_accepted'] }), /old_version_accepted/],
  ['evidence without what was seen', () => ({ observed: null }), /not whole/],
  ['evidence of another chain', () => ({ observed: { ...observed, chain: observed.chain.slice(0, 1) } }), /other authorities/],
  ['evidence of other suites', () => ({ observed: { ...observed, suites: [] } }), /does not have/],
]
for (const [claim, evidenceOf, says] of sabotage) {
  test(`${claim} fails`, async () => {
    const { status, evidence } = await verdictOf(evidenceOf())
    assert.equal(status, 'fails', evidence)
    assert.match(evidence, says)
  })
}

test('an address whose certificate is of nobody whom clients trust fails, whatever the evidence says', async () => {
  const { status, evidence } = await verdictOf({}, [(await TestAuthority.create()).pem])
  assert.equal(status, 'fails', evidence)
})

test('no address at all fails', async () => {
  assert.equal((await verdictOf({}, undefined, [])).status, 'fails')
})
