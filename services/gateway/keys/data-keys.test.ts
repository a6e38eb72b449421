import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { generateMerchantKeyPair, signStatement, type DataKey } from '@ngome/envelope'
import { Fault, ManualClock, newId, systemClock, systemRandom, toBase64Url, type Tenant } from '@ngome/kernel'
import { DataKeys } from './data-keys.ts'
import { MerchantStatements } from './merchant-statements.ts'

const random = systemRandom
const from = { clock: systemClock, random }
const statementKeys = generateKeyPairSync('ed25519')
const merchantPeriodMs = 86_400_000
const hourMs = 3_600_000

async function build(options: { isAway?: boolean; statementKey?: typeof statementKeys.publicKey } = {}) {
  const clock = new ManualClock(Math.ceil(Date.now() / merchantPeriodMs) * merchantPeriodMs)
  const startMs = clock.nowMs()
  const tenant: Tenant = { merchant: newId('merchant', from), world: 'test' }
  const state = { isAway: options.isAway ?? false, fetches: 0, isDatabaseAway: false, inserted: [] as DataKey[] }
  const source = {
    tenants: async (after: unknown) => (after === null ? [tenant] : []),
    statements: async (tenants: readonly Tenant[]) => {
      state.fetches++
      if (state.isAway) throw new Fault('custodian/unavailable', 'away')
      const { publicKey } = await generateMerchantKeyPair('hybrid')
      return tenants.flatMap((one) => [0, 1, 2].map((ahead) => toBase64Url(signStatement({
        keyId: newId('merchantKey', from), tenant: one, retention: 'payment', period: ahead, publicKey, suite: 'hybrid',
        notBeforeMs: startMs + ahead * merchantPeriodMs, notAfterMs: startMs + (ahead + 1) * merchantPeriodMs,
      }, statementKeys.privateKey))))
    },
  }
  const statements = new MerchantStatements({ source, statementKey: options.statementKey ?? statementKeys.publicKey, clock })
  const dataKeys = new DataKeys({
    statements, clock, random, periodMs: hourMs,
    signer: { id: newId('signer', from), privateKey: generateKeyPairSync('ed25519').privateKey },
    store: {
      insert: async (dataKey) => {
        if (state.isDatabaseAway) throw new Fault('store/unavailable', 'away')
        state.inserted.push(dataKey)
      },
    },
  })
  return { clock, tenant, state, statements, dataKeys }
}

const isFault = (code: string) => (error: unknown): boolean => error instanceof Fault && error.code === code

test('one key seals for one tenant and class until the period of the process turns', async () => {
  const { clock, tenant, dataKeys, state } = await build()
  const [first, second] = await Promise.all([dataKeys.current(tenant, 'payment'), dataKeys.current(tenant, 'payment')])
  assert.equal(first.id, second.id)
  clock.advance(hourMs / 2)
  const other: Tenant = { ...tenant, merchant: newId('merchant', from) }
  const late = await dataKeys.current(other, 'payment')
  assert.notEqual(late.id, first.id)
  clock.advance(hourMs / 2 - 1)
  assert.equal((await dataKeys.current(tenant, 'payment')).id, first.id)
  clock.advance(1)
  assert.notEqual((await dataKeys.current(tenant, 'payment')).id, first.id)
  assert.notEqual((await dataKeys.current(other, 'payment')).id, late.id, 'periods are the process\u2019s, not the key\u2019s')
  assert.equal(state.inserted.length, 4)
})

test('a key is kept in the database before anything is sealed under it', async () => {
  const { tenant, dataKeys, state } = await build()
  state.isDatabaseAway = true
  await assert.rejects(Promise.resolve(dataKeys.current(tenant, 'payment')), isFault('store/unavailable'))
  state.isDatabaseAway = false
  const { id } = await dataKeys.current(tenant, 'payment')
  assert.deepEqual(state.inserted.map((one) => one.id), [id])
})

test('a running gateway crosses a merchant key\u2019s period without the custodian, and stops where statements end', async () => {
  const { clock, tenant, dataKeys, statements, state } = await build()
  await statements.fetchAll()
  state.isAway = true
  for (const day of [0, 1, 2]) {
    assert.ok(await dataKeys.current(tenant, 'payment'), `day ${day}`)
    clock.advance(merchantPeriodMs)
  }
  await assert.rejects(Promise.resolve(dataKeys.current(tenant, 'payment')), isFault('custodian/unavailable'))
})

test('a key ends with its merchant key, also in the middle of a period', async () => {
  const { clock, tenant, dataKeys } = await build()
  clock.advance(merchantPeriodMs - hourMs / 2)
  const first = await dataKeys.current(tenant, 'payment')
  clock.advance(hourMs / 2)
  assert.notEqual((await dataKeys.current(tenant, 'payment')).id, first.id)
})

test('a tenant that is new is asked for once, however many payments wait', async () => {
  const { tenant, dataKeys, state } = await build()
  await Promise.all(Array.from({ length: 50 }, async () => dataKeys.current(tenant, 'payment')))
  assert.equal(state.fetches, 1)
})

test('a statement that the custodian did not sign is not used', async () => {
  const { tenant, dataKeys, state } = await build({ statementKey: generateKeyPairSync('ed25519').publicKey })
  await assert.rejects(Promise.resolve(dataKeys.current(tenant, 'payment')), isFault('envelope/statement_refused'))
  assert.equal(state.inserted.length, 0)
})

test('a class without a merchant key is not sealed under another', async () => {
  const { tenant, dataKeys } = await build()
  await dataKeys.current(tenant, 'payment')
  await assert.rejects(Promise.resolve(dataKeys.current(tenant, 'credential')), isFault('custodian/unavailable'))
})
