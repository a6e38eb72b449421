import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { newApiKey } from '@ngome/access'
import { Fault, newId, systemClock, systemRandom } from '@ngome/kernel'
import { problemIn } from '../testing/problem-in.ts'
import { TestGateway, type TestMerchant } from '../testing/test-gateway.ts'
import { ApiKeyCache } from './api-key-cache.ts'
import { KeyLookUps, lookUpsMax, lookUpsWaitingMax } from './key-look-ups.ts'

const from = { clock: systemClock, random: systemRandom }
const isUnavailable = (error: unknown): boolean => error instanceof Fault && error.code === 'store/unavailable'

test('so many look-ups go on at once, so many wait, and the next is refused; all places come back, also after failures', async () => {
  const ends: (() => void)[] = []
  let found = 0
  const lookUps = new KeyLookUps(async () => {
    found++
    await new Promise<void>((resolve) => ends.push(resolve))
    if (found % 2 === 0) throw new Error('away')
    return undefined
  })
  for (let round = 1; round <= 2; round++) {
    const all = Array.from({ length: lookUpsMax + lookUpsWaitingMax }, () => lookUps.find(newId('apiKey', from)).catch(() => undefined))
    await assert.rejects(lookUps.find(newId('apiKey', from)), isUnavailable)
    for (let ended = 0; ended < all.length; ended++) {
      assert.ok(ends.length <= lookUpsMax)
      ends.shift()?.()
      await new Promise((resolve) => { setImmediate(resolve) })
    }
    await Promise.all(all)
    assert.equal(found, round * all.length)
  }
})

test('look-ups of one key that come together are one, unless a revocation came between', async () => {
  const id = newId('apiKey', from)
  const ends: (() => void)[] = []
  const cache = new ApiKeyCache(() => new Promise<undefined>((resolve) => ends.push(() => resolve(undefined))))
  const first = [cache.load(id), cache.load(id), cache.load(id)]
  assert.equal(ends.length, 1)
  cache.forget([])
  const later = cache.load(id)
  assert.equal(ends.length, 2, 'what was read before the revocation is nothing to a request that came after it')
  ends.shift()?.()
  await new Promise((resolve) => { setImmediate(resolve) })
  assert.equal(ends.length, 1, 'and the first ones take the later reading')
  ends.shift()?.()
  assert.deepEqual(await Promise.all([...first, later]), [undefined, undefined, undefined, undefined])
})

let running: TestGateway
let merchant: TestMerchant

before(async () => {
  running = await TestGateway.start()
  merchant = await running.addMerchant()
})
after(() => running.close())

const unknownKey = (): string => newApiKey({ world: 'test', ...from }).text.expose((text) => text)
const order = { amount: '5.00', currency: 'EUR', network: 'mtn-sandbox', payer: { phone: '+46733123499' }, reference: 'r' }
const pay = (idempotencyKey: string): ReturnType<TestMerchant['client']['call']> =>
  merchant.client.call({ method: 'POST', path: '/v1/payments', body: order, idempotencyKey })

/** A database that is slow at this one thing, so that a flood holds whatever it gets. It finds no key. */
async function slowLookUps(seconds: number): Promise<void> {
  await running.database.asAdmin(`CREATE OR REPLACE FUNCTION ngome.find_api_key(wanted text)
    RETURNS TABLE (id text, merchant text, world text, verifier bytea, pepper_version integer, proof bytea, settings jsonb,
      revoked_at timestamptz, frozen_at timestamptz, vault_plaintext text)
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
      SELECT ''::text, ''::text, ''::text, ''::bytea, 1, ''::bytea, '{}'::jsonb, now(), now(), ''::text WHERE pg_sleep(${seconds}) IS NULL $$`)
}

test('a flood of unknown keys takes no connection from a known key\u2019s payments', { timeout: 60_000 }, async () => {
  assert.equal((await pay('known')).status, 201)
  await slowLookUps(1)
  const flood = Array.from({ length: 96 }, async () => {
    const answer = await running.client(unknownKey()).call({ path: '/v1/payments' })
    return `${answer.status} ${problemIn(answer).code}`
  })
  await new Promise((resolve) => { setTimeout(resolve, 800) })
  // Without a connection of the pool within its two seconds this would be 503.
  for (let count = 0; count < 10; count++) assert.equal((await pay(`during-${count}`)).status, 201)
  await slowLookUps(0)
  const answers = new Set(await Promise.all(flood))
  assert.ok(answers.has('401 access/unauthenticated'))
  assert.deepEqual([...answers].filter((one) => one !== '401 access/unauthenticated' && one !== '503 store/unavailable'), [])
})
