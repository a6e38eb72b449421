import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { apiKeyVerifier, newApiKey } from '@ngome/access'
import { Fault, newId, Secret, systemClock, systemRandom, type ApiKeyId, type Tenant } from '@ngome/kernel'
import { fixedPeppers, provenRow } from '../testing/proven-keys.ts'
import { ApiKeyCache } from './api-key-cache.ts'
import { Authenticator } from './authenticate.ts'
import { leaseMs, RevocationLease, type Revocations } from './revocation-lease.ts'

const from = { clock: systemClock, random: systemRandom }
type Change = { readonly apiKey: ApiKeyId; readonly merchant: Tenant['merchant'] }
type Read = { readonly answer: (changes?: readonly Change[]) => void; readonly fail: () => void }
/** As the lease has it: so often it looks whether somebody has waited long enough, and so often at most. */
const tickMs = 50
const ticksMax = 10

/** Lets every promise that is settled have its say. */
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve()
}

/** A lease whose clock and reads are the test's; it was read once, and holds. */
async function scene(t: TestContext, onChanges: (changes: readonly Change[]) => void = () => undefined) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const time = { nowMs: 1_000 }
  const reads: Read[] = []
  let counter = 0n
  const lease = new RevocationLease<Change>({
    source: {
      since: () => new Promise<Revocations<Change>>((resolve, reject) => reads.push({
        answer: (changes = []) => resolve({ counter: ++counter, changes }), fail: () => reject(new Error('away')),
      })),
    },
    monotonicMs: () => time.nowMs, onChanges, onError: () => undefined,
  })
  t.after(() => lease.stop())
  const next = async (): Promise<Read> => {
    const read = reads.shift()
    assert.ok(read, 'it reads')
    return read
  }
  const started = lease.start()
  ;(await next()).answer()
  await started
  const wait = (): { is: boolean | undefined } => {
    const seen: { is: boolean | undefined } = { is: undefined }
    void lease.whenHeld().then((isHeld) => { seen.is = isHeld })
    return seen
  }
  return { lease, time, reads, next, wait, pass: (ms: number) => {
    time.nowMs += ms
    t.mock.timers.tick(ms)
  } }
}

test('a request that finds the lease ended by a standstill waits for a read, which begins at once', async (t) => {
  const { lease, time, next, wait } = await scene(t)
  time.nowMs += 5_000
  assert.equal(lease.isHeld, false)
  const [first, second] = [wait(), wait()]
  await settled()
  assert.deepEqual([first.is, second.is], [undefined, undefined])
  ;(await next()).answer()
  await settled()
  assert.deepEqual([first.is, second.is, lease.isHeld], [true, true, true])
})

test('a read that began before the standstill vouches for nothing, and the one after it decides', async (t) => {
  const { lease, time, next, wait, pass } = await scene(t)
  pass(100)
  const before = await next()
  time.nowMs += leaseMs + 3_000
  const seen = wait()
  before.answer()
  await settled()
  assert.deepEqual([seen.is, lease.isHeld], [undefined, false])
  pass(1)
  ;(await next()).answer()
  await settled()
  assert.equal(seen.is, true)
})

test('a read that a standstill made fail is tried again; two in a row are the database\u2019s, and who comes then does not wait', async (t) => {
  const { time, reads, next, wait, pass } = await scene(t)
  pass(100)
  const before = await next()
  time.nowMs += 6_500
  const seen = wait()
  before.fail()
  await settled()
  assert.equal(seen.is, undefined)
  pass(1)
  ;(await next()).fail()
  await settled()
  assert.equal(seen.is, false)
  const later = wait()
  await settled()
  assert.deepEqual([later.is, reads.length], [false, 0])
  pass(100)
  ;(await next()).answer()
  await settled()
  const last = wait()
  await settled()
  assert.equal(last.is, true, 'a read that succeeds ends it')
})

test('a database that falls silent keeps nobody longer than the bound, and the next not at all', async (t) => {
  const { time, next, wait, pass } = await scene(t)
  time.nowMs += leaseMs
  const seen = wait()
  await next()
  for (let tick = 1; tick < ticksMax; tick++) pass(tickMs)
  await settled()
  assert.equal(seen.is, undefined)
  pass(tickMs)
  await settled()
  assert.equal(seen.is, false)
  const later = wait()
  await settled()
  assert.equal(later.is, false)
})

test('another standstill while somebody waits is one tick of the bound, however long it was', async (t) => {
  const { time, next, wait, pass } = await scene(t)
  time.nowMs += leaseMs
  const seen = wait()
  const read = await next()
  time.nowMs += 60_000
  pass(tickMs)
  await settled()
  assert.equal(seen.is, undefined)
  read.answer()
  await settled()
  pass(1)
  ;(await next()).answer()
  await settled()
  assert.equal(seen.is, true)
})

test('who waits when the gateway stops is refused', async (t) => {
  const { lease, time, wait } = await scene(t)
  time.nowMs += leaseMs
  const seen = wait()
  lease.stop()
  await settled()
  assert.deepEqual([seen.is, await lease.whenHeld()], [false, false])
})

test('a key that was revoked during the standstill is refused, another is served', async (t) => {
  const pepper = new Secret(systemRandom.bytes(32))
  const stored = new Map<ApiKeyId, ReturnType<typeof provenRow>>()
  const cache = new ApiKeyCache(async (id) => stored.get(id))
  const { lease, time, next } = await scene(t, (changes) => cache.forget(changes))
  const authenticator = new Authenticator({ peppers: fixedPeppers(new Map([[1, pepper]])), rows: cache, lease, clock: systemClock })
  const issue = () => {
    const tenant: Tenant = { merchant: newId('merchant', from), world: 'test' }
    const key = newApiKey({ world: 'test', ...from })
    const row = provenRow({ id: key.id, tenant, verifier: apiKeyVerifier(pepper, { ...key, tenant }), pepperVersion: 1, isRevoked: false, isMerchantFrozen: false, isVaultPlaintextAllowed: true })
    stored.set(key.id, row)
    const connection = {}
    return { row, call: async () => authenticator.authenticate(key.text.expose((text) => `Bearer ${text}`), connection) }
  }
  const [revoked, other] = [issue(), issue()]
  await revoked.call()
  await other.call()
  time.nowMs += 5_000
  stored.set(revoked.row.id, provenRow({ ...revoked.row, isRevoked: true }))
  const calls = [revoked.call(), other.call()] as const
  const outcomes = Promise.allSettled(calls)
  ;(await next()).answer([{ apiKey: revoked.row.id, merchant: revoked.row.tenant.merchant }])
  const [refused, served] = await outcomes
  assert.ok(refused.status === 'rejected' && refused.reason instanceof Fault)
  assert.equal(refused.reason.code, 'access/unauthenticated')
  assert.equal(served.status, 'fulfilled')
})
