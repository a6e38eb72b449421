import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { emit } from '@ngome/contracts'
import { newId, systemClock, systemRandom, type MerchantSigningKeyId } from '@ngome/kernel'
import { addTestMerchant, testAcceptance, testDatabase, type TestDatabase, type TestMerchant } from '@ngome/testkit'
import { readRevocations } from '../access/read-revocations.ts'
import type { Database } from '../database.ts'
import { keepHouse } from '../housekeeping.ts'
import { acceptPayment } from '../payments/accept-payment.ts'
import { findSigningKey } from './find-signing-key.ts'
import { insertSigningKey } from './insert-signing-key.ts'
import { listSigningKeys } from './list-signing-keys.ts'
import { revokeSigningKey } from './revoke-signing-key.ts'
import { spendNonce, type RequestNonce } from './spend-nonce.ts'

const from = { clock: systemClock, random: systemRandom }
let database: TestDatabase
let gateway: Database
let operator: Database
let merchant: TestMerchant
let other: TestMerchant
before(async () => {
  database = await testDatabase()
  gateway = database.open('ngome_gateway')
  operator = database.open('ngome_operator')
  merchant = await addTestMerchant(database)
  other = await addTestMerchant(database)
})
after(() => database.close())

const operatorEvents = { ...from, process: 'operator' } as const
async function add(): Promise<MerchantSigningKeyId> {
  const id = newId('merchantSigningKey', from)
  const createdAtMs = from.clock.nowMs()
  await insertSigningKey(operator, {
    id, tenant: merchant.tenant, algorithm: 'ed25519', spki: systemRandom.bytes(44), uses: ['sign'], proof: systemRandom.bytes(64),
    createdAtMs, expiresAtMs: createdAtMs + 1_000,
  }, emit(operatorEvents, 'merchant_key.added', merchant.tenant, { key: id }))
  return id
}
const revoke = (id: MerchantSigningKeyId, { tenant } = merchant) => revokeSigningKey(operator, tenant, id, from.clock.nowMs(),
  emit(operatorEvents, 'merchant_key.revoked', tenant, { key: id }))
const newNonce = (): RequestNonce => ({
  keyId: newId('merchantSigningKey', from), nonce: Buffer.from(systemRandom.bytes(18)).toString('base64url'), createdS: Math.floor(from.clock.nowMs() / 1_000),
})

describe('a merchant\'s key', () => {
  test('is found by its tenant alone, and revoked once, which gateways hear of', async () => {
    const id = await add()
    assert.equal((await findSigningKey(gateway, merchant.tenant, id))?.isRevoked, false)
    assert.equal(await findSigningKey(gateway, other.tenant, id), undefined)
    assert.equal(await findSigningKey(gateway, { ...merchant.tenant, world: 'live' }, id), undefined)
    assert.equal(await revoke(id, other), 'unknown')
    const { counter } = await readRevocations(gateway.pool, null)
    assert.deepEqual([await revoke(id), await revoke(id)], ['revoked', 'already'])
    const { revocations } = await readRevocations(gateway.pool, counter)
    assert.deepEqual(revocations.map(({ kind, merchant: of }) => [kind, of]), [['merchant_signing_key_revoked', merchant.tenant.merchant]])
    assert.equal((await listSigningKeys(gateway, merchant.tenant)).find((key) => key.id === id)?.isRevoked, true)
  })
  test('does not come back, and only the operator writes one', async () => {
    const id = await add()
    await revoke(id)
    await assert.rejects(database.asAdmin('UPDATE ngome.merchant_signing_keys SET revoked_at = NULL WHERE id = $1', [id]), { code: 'NG001' })
    for (const sql of ['DELETE FROM ngome.merchant_signing_keys', 'UPDATE ngome.merchant_signing_keys SET revoked_at = now()']) {
      await assert.rejects(gateway.pool.query(sql), { code: '42501' })
    }
    await assert.rejects(operator.pool.query('UPDATE ngome.merchant_signing_keys SET spki = $1', [new Uint8Array(44)]), { code: '42501' })
  })
})

describe('a nonce', () => {
  test('is spent once, of its key, tenant and time', async () => {
    const nonce = newNonce()
    const results = await Promise.all(Array.from({ length: 8 }, () => spendNonce(gateway, merchant.tenant, nonce)))
    assert.deepEqual(results.toSorted(), ['seen', 'seen', 'seen', 'seen', 'seen', 'seen', 'seen', 'spent'])
    assert.equal(await spendNonce(gateway, merchant.tenant, { ...nonce, createdS: nonce.createdS - 1 }), 'spent')
    assert.equal(await spendNonce(gateway, merchant.tenant, { ...nonce, keyId: newId('merchantSigningKey', from) }), 'spent')
    assert.equal(await spendNonce(gateway, other.tenant, nonce), 'spent')
  })
  test('is spent with the effect of its request, or not at all', async () => {
    const nonce = newNonce()
    const acceptance = testAcceptance(merchant)
    const claim = { ...acceptance.idempotency, nonce }
    const broken = { ...acceptance, payment: { ...acceptance.payment, network: 'x'.repeat(1_000) }, idempotency: claim }
    await assert.rejects(acceptPayment(gateway, broken))
    assert.deepEqual(await acceptPayment(gateway, { ...acceptance, idempotency: claim }), { kind: 'accepted' })
    assert.deepEqual(await acceptPayment(gateway, { ...acceptance, idempotency: claim }), { kind: 'nonce_seen' })
    const again = { ...acceptance, idempotency: { ...claim, nonce: newNonce() } }
    assert.equal((await acceptPayment(gateway, again)).kind, 'replay')
    assert.deepEqual(await acceptPayment(gateway, again), { kind: 'nonce_seen' })
  })
  test('is not to be read, changed or taken back by the gateway', async () => {
    for (const sql of ['SELECT * FROM ngome.signed_request_nonces', 'DELETE FROM ngome.signed_request_nonces']) {
      await assert.rejects(gateway.pool.query(sql), { code: '42501' })
    }
  })
  test('lies in the partition of its day; housekeeping makes those ahead and drops those behind, the default one\'s rows too', async () => {
    const partitions = async (): Promise<readonly string[]> => (await database.asAdmin(
      'SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = \'ngome.signed_request_nonces\'::regclass ORDER BY 1')).map(({ name }) => String(name))
    const today = await partitions()
    assert.equal(today.length, 1 + 1 + 1 + 7)
    await database.asAdmin(`CREATE TABLE ngome.signed_request_nonces_20200101 PARTITION OF ngome.signed_request_nonces
      FOR VALUES FROM ('2020-01-01Z') TO ('2020-01-02Z')`)
    const old = { ...newNonce(), createdS: Date.parse('2019-01-01') / 1_000 }
    assert.equal(await spendNonce(gateway, merchant.tenant, old), 'spent')
    assert.equal(await spendNonce(gateway, merchant.tenant, old), 'seen')
    const present = newNonce()
    assert.equal(await spendNonce(gateway, merchant.tenant, present), 'spent')
    await keepHouse(database.open('ngome_dispatcher'), { requestLogDays: 30, minuteDays: 7, hourDays: 400 })
    assert.deepEqual(await partitions(), today)
    assert.equal(await spendNonce(gateway, merchant.tenant, old), 'spent')
    assert.equal(await spendNonce(gateway, merchant.tenant, present), 'seen')
  })
})
