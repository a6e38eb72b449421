import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Fault, newId, Secret, systemClock, systemRandom, type ApiKeyId, type MerchantId } from '@ngome/kernel'
import { fixedPeppers, manualLease, provenRow } from '../testing/proven-keys.ts'
import { ApiKeyCache } from './api-key-cache.ts'
import { Authenticator } from './authenticate.ts'
import type { ProvenApiKey } from './prove-api-key.ts'
import { leaseMs, RevocationLease, type Revocations } from './revocation-lease.ts'

const from = { clock: systemClock, random: systemRandom }

test('the lease is counted from before the read, and ends when reading stops', async () => {
  let nowMs = 1_000
  const answers: (() => Promise<Revocations<never>>)[] = []
  const lease = new RevocationLease<never>({
    source: { since: () => (answers.shift() ?? (() => Promise.reject(new Error('away'))))() },
    monotonicMs: () => nowMs, onChanges: () => undefined, onError: () => undefined,
  })
  assert.equal(lease.isHeld, false, 'nothing was read yet')
  answers.push(async () => {
    nowMs += 500
    return { counter: 0n, changes: [] }
  })
  await lease.start()
  assert.equal(lease.ageMs, 500)
  nowMs = 1_000 + leaseMs - 1
  assert.equal(lease.isHeld, true)
  nowMs += 1
  assert.equal(lease.isHeld, false)
  lease.stop()
})

test('changes are passed on before the lease is renewed, and reading recovers by itself', { timeout: 30_000 }, async () => {
  const seen: string[] = []
  let isAway = true
  const lease: RevocationLease<string> = new RevocationLease<string>({
    source: {
      since: async (counter) => {
        if (isAway) throw new Error('away')
        return { counter: (counter ?? 0n) + 1n, changes: counter === null ? [] : [`after ${counter}`] }
      },
    },
    monotonicMs: () => performance.now(),
    onChanges: (changes) => seen.push(...changes, lease.isHeld ? 'held' : 'not held'),
    onRead: () => seen.push('read'),
    onError: () => seen.push('error'),
  })
  await lease.start()
  assert.deepEqual([seen, lease.isHeld], [['error'], false])
  isAway = false
  while (seen.length < 4) await sleep(10)
  lease.stop()
  assert.deepEqual(seen.slice(0, 4), ['error', 'read', 'after 1', 'held'])
  assert.equal(lease.isHeld, true)
})

const row = (id: ApiKeyId, merchant: MerchantId): ProvenApiKey => provenRow({
  id, tenant: { merchant, world: 'test' }, verifier: new Uint8Array(32), pepperVersion: 1, isRevoked: false, isMerchantFrozen: false, isVaultPlaintextAllowed: true,
})

test('a row that was being read while a revocation came is read again and not kept', async () => {
  const id = newId('apiKey', from)
  const merchant = newId('merchant', from)
  let reads = 0
  const cache: ApiKeyCache = new ApiKeyCache(async () => {
    reads++
    if (reads === 1) cache.forget([{ apiKey: id, merchant }])
    return { ...row(id, merchant), isRevoked: reads > 1 }
  })
  assert.equal((await cache.load(id))?.isRevoked, true)
  assert.equal(cache.cached(id), undefined)
})

test('a revocation forgets its key, a freeze all keys of its merchant, and no other', async () => {
  const merchants = [newId('merchant', from), newId('merchant', from)] as const
  const keys = [newId('apiKey', from), newId('apiKey', from), newId('apiKey', from)] as const
  const cache = new ApiKeyCache(async (id) => row(id, id === keys[2] ? merchants[1] : merchants[0]))
  for (const id of keys) await cache.load(id)
  cache.forget([{ apiKey: keys[0], merchant: merchants[0] }])
  assert.deepEqual(keys.map((id) => cache.cached(id) !== undefined), [false, true, true])
  cache.forget([{ apiKey: null, merchant: merchants[0] }])
  assert.deepEqual(keys.map((id) => cache.cached(id) !== undefined), [false, false, true])
})

test('without the lease nobody is served, whatever the key', async () => {
  const authenticator = new Authenticator({
    peppers: fixedPeppers(new Map([[1, new Secret(systemRandom.bytes(32))]])),
    rows: new ApiKeyCache(async () => undefined), lease: manualLease(false), clock: systemClock,
  })
  await assert.rejects(async () => authenticator.authenticate('Bearer x', {}), (error) => error instanceof Fault && error.code === 'access/lease_lost')
})
