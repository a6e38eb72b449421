import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { newApiKey } from '@ngome/access'
import { ManualClock, Secret, systemClock, systemRandom, type Random } from '@ngome/kernel'
import { type Endpoint, newCertificateRequest } from '@ngome/runtime'
import { TestAuthority } from '@ngome/testkit'
import type { Auditor } from './at-rest/auditor.ts'
import type { Probe } from './probe.ts'
import { apiKeysAreNotKept } from './probes/api-keys-are-not-kept.ts'
import { apiKeysAreUnguessable } from './probes/api-keys-are-unguessable.ts'
import { apiKeysRollAndEnd, type KeyRoller } from './probes/api-keys-roll-and-end.ts'
import { runProbes } from './run-probes.ts'

const issuerWith = (random: Random) => ({
  issueKeys: (count: number) => Promise.resolve(
    Array.from({ length: count }, () => newApiKey({ world: 'test', clock: systemClock, random }).text),
  ),
})

async function look<T>(probe: Probe<T>, target: T): Promise<{ status: string; evidence: string }> {
  const [result] = await runProbes([probe], target, new ManualClock(0))
  assert.ok(result)
  return result
}

test('keys from the operating system\'s generator hold', async () => {
  for (let run = 0; run < 50; run++) {
    const { status, evidence } = await look(apiKeysAreUnguessable, issuerWith(systemRandom))
    assert.equal(status, 'holds', evidence)
  }
})

let count = 0
const badGenerators: readonly { claim: string; random: Random }[] = [
  { claim: 'always the same bytes', random: { bytes: (length) => new Uint8Array(length).fill(0x55) } },
  { claim: 'a counter', random: { bytes: (length) => createHash('sha512').update('seed').digest().fill(++count, 0, 2).subarray(0, length) } },
  { claim: 'letters only', random: { bytes: (length) => systemRandom.bytes(length).map((byte) => 97 + (byte % 26)) } },
  { claim: 'half its bytes', random: { bytes: (length) => Uint8Array.from(systemRandom.bytes(length), (byte, at) => (at % 2 ? 0 : byte)) } },
]
for (const { claim, random } of badGenerators) {
  test(`keys from a generator of ${claim} fail`, async () => {
    assert.equal((await look(apiKeysAreUnguessable, issuerWith(random))).status, 'fails')
  })
}

test('keys that are too short fail', async () => {
  const short = { issueKeys: (keyCount: number) => Promise.resolve(Array.from({ length: keyCount }, () => new Secret('ngome_sk_test_short'))) }
  assert.equal((await look(apiKeysAreUnguessable, short)).status, 'fails')
})

let gateway: Endpoint
let authority: string
let dataFolder: string
let status = 200
/** What the server answers a key; `status` where nobody says otherwise. */
let statusOf: (authorization: string) => number = () => status
const server = { close: () => undefined as unknown }

before(async () => {
  dataFolder = mkdtempSync(join(tmpdir(), 'ngome-keys-'))
  const testAuthority = await TestAuthority.create()
  authority = testAuthority.pem
  const { csr, privateKey } = await newCertificateRequest('gateway')
  const cert = await testAuthority.issue(csr, 'gateway')
  const https = createServer({ cert, key: privateKey.expose((key) => key), minVersion: 'TLSv1.3' }, (request, response) => {
    response.writeHead(statusOf(request.headers.authorization ?? ''), { connection: 'close' }).end('{}')
  })
  await new Promise<void>((resolve) => https.listen(0, '127.0.0.1', resolve))
  server.close = () => https.close()
  gateway = { name: 'gateway', host: '127.0.0.1', port: (https.address() as AddressInfo).port }
})
after(() => {
  server.close()
  rmSync(dataFolder, { recursive: true })
})

/** A database without a row that matters: what the probe finds here lies in files. */
const emptyDatabase: Auditor = {
  query: <Row>(sql: string) => Promise.resolve((sql.includes('pg_class') ? [{ name: 'ngome.api_keys' }] : [{ rows: '1', hits: '0' }]) as unknown as readonly Row[]),
}
const leakyDatabase: Auditor = {
  query: <Row>(sql: string) => Promise.resolve((sql.includes('pg_class') ? [{ name: 'ngome.api_keys' }] : [{ rows: '1', hits: '1' }]) as unknown as readonly Row[]),
}

const issuer = issuerWith(systemRandom)

/** Issues a key and leaves something of it behind. */
function leaving(trace: (text: string) => string | Uint8Array): typeof issuer {
  return {
    issueKeys: async (keyCount) => {
      const keys = await issuer.issueKeys(keyCount)
      for (const key of keys) writeFileSync(join(dataFolder, 'trace'), key.expose(trace))
      return keys
    },
  }
}

test('a key that is nowhere holds', async () => {
  const found = await look(apiKeysAreNotKept, { ...issuer, gateway, authority, dataFolder, auditor: emptyDatabase })
  assert.equal(found.status, 'holds', found.evidence)
})

test('a key in a row fails', async () => {
  assert.equal((await look(apiKeysAreNotKept, { ...issuer, gateway, authority, dataFolder, auditor: leakyDatabase })).status, 'fails')
})

test('a key that does not work fails, for what is not used is not kept', async () => {
  status = 401
  assert.equal((await look(apiKeysAreNotKept, { ...issuer, gateway, authority, dataFolder, auditor: emptyDatabase })).status, 'fails')
  status = 200
})

const traces: readonly { claim: string; trace: (text: string) => string | Uint8Array }[] = [
  { claim: 'the key itself', trace: (text) => `authorization: Bearer ${text}` },
  { claim: 'its secret part', trace: (text) => text.slice(-49) },
  { claim: 'its random bytes', trace: (text) => Buffer.from(text.slice(-49, -6), 'base64url') },
  { claim: 'its SHA-256', trace: (text) => createHash('sha256').update(text).digest('hex') },
  { claim: 'its SHA-512 in base64', trace: (text) => createHash('sha512').update(text).digest('base64') },
  { claim: 'the SHA-256 of its secret part, as bytes', trace: (text) => createHash('sha256').update(text.slice(-49)).digest() },
  { claim: 'the key in base64', trace: (text) => Buffer.from(`x:${text}`).toString('base64') },
]
for (const { claim, trace } of traces) {
  test(`a file with ${claim} fails`, async () => {
    const found = await look(apiKeysAreNotKept, { ...leaving(trace), gateway, authority, dataFolder, auditor: emptyDatabase })
    rmSync(join(dataFolder, 'trace'))
    assert.equal(found.status, 'fails', found.evidence)
  })
}

type Keys = { readonly ended: Map<string, number>; readonly revoked: Set<string> }

/** A platform whose keys live in a map; `spoil` makes one thing of it wrong. */
async function rolls(spoil: (platform: KeyRoller, keys: Keys) => Partial<KeyRoller> = () => ({})): Promise<{ status: string; evidence: string }> {
  const keys: Keys = { ended: new Map(), revoked: new Set() }
  const textOf = (key: Secret<string>): string => key.expose((text) => `Bearer ${text}`)
  statusOf = (authorization) => (keys.revoked.has(authorization) || (keys.ended.get(authorization) ?? Infinity) <= clock.nowMs() ? 401 : 200)
  // Five seconds of overlap pass in a few milliseconds.
  const startedAtMs = systemClock.nowMs()
  const clock = { nowMs: () => startedAtMs + (systemClock.nowMs() - startedAtMs) * 20 }
  const platform: KeyRoller = {
    ...issuer,
    rollKey: async (key, overlapMs) => {
      const [successor] = await issuer.issueKeys(1)
      assert.ok(successor)
      keys.ended.set(textOf(key), clock.nowMs() + overlapMs)
      return { successor, endsAtMs: clock.nowMs() + overlapMs }
    },
    revokeKey: async (key) => void keys.revoked.add(textOf(key)),
  }
  try {
    return await look(apiKeysRollAndEnd, { ...platform, ...spoil(platform, keys), gateway, authority, clock })
  } finally {
    statusOf = () => status
  }
}

const sabotages: readonly { claim: string; spoil: (platform: KeyRoller, keys: Keys) => Partial<KeyRoller> }[] = [
  { claim: 'ends at once when it is rolled', spoil: ({ rollKey }, { ended }) => ({
    rollKey: async (key, overlapMs) => {
      const rolled = await rollKey(key, overlapMs)
      for (const text of ended.keys()) ended.set(text, 0)
      return rolled
    },
  }) },
  { claim: 'never ends when it is rolled', spoil: ({ rollKey }, { ended }) => ({
    rollKey: async (key, overlapMs) => {
      const rolled = await rollKey(key, overlapMs)
      ended.clear()
      return rolled
    },
  }) },
  { claim: 'has a successor that does not work', spoil: ({ rollKey }, { revoked }) => ({
    rollKey: async (key, overlapMs) => {
      const rolled = await rollKey(key, overlapMs)
      revoked.add(rolled.successor.expose((text) => `Bearer ${text}`))
      return rolled
    },
  }) },
  { claim: 'works on when it is revoked', spoil: () => ({ revokeKey: async () => undefined }) },
]
test('keys that roll and end hold', async () => {
  const found = await rolls()
  assert.equal(found.status, 'holds', found.evidence)
})
for (const { claim, spoil } of sabotages) {
  test(`a key that ${claim} fails`, async () => assert.equal((await rolls(spoil)).status, 'fails'))
}
