import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { parseOrigin, type Origin } from '@ngome/access'
import { emit } from '@ngome/contracts'
import { newId, systemClock, systemRandom, type Tenant } from '@ngome/kernel'
import { addTestMerchant, testDatabase, type TestDatabase } from '@ngome/testkit'
import { readRevocations } from '../access/read-revocations.ts'
import type { Database } from '../database.ts'
import { addOrigin, originsMax } from './add-origin.ts'
import { listOrigins } from './list-origins.ts'
import { removeOrigin } from './remove-origin.ts'

const from = { clock: systemClock, random: systemRandom }
const operatorEvents = { ...from, process: 'operator' } as const

let database: TestDatabase
let gateway: Database
let operator: Database
let tenant: Tenant
before(async () => {
  database = await testDatabase()
  gateway = database.open('ngome_gateway')
  operator = database.open('ngome_operator')
  tenant = (await addTestMerchant(database)).tenant
})
after(() => database.close())

function originOf(text: string): Origin {
  const origin = parseOrigin(text, 'test')
  assert.ok(origin !== undefined)
  return origin
}
const shop = originOf('https://shop.example')
const add = (origin = shop, to = tenant) =>
  addOrigin(operator, to, origin, from.clock.nowMs(), emit(operatorEvents, 'merchant.origin_added', to, { origin }))
const remove = (origin = shop, of = tenant) =>
  removeOrigin(operator, of, origin, from.clock.nowMs(), emit(operatorEvents, 'merchant.origin_removed', of, { origin }))

test('an origin is added once and taken back once, and every change is counted for gateways', async () => {
  const { counter } = await readRevocations(gateway.pool, null)
  assert.deepEqual([await add(), await add(), await listOrigins(gateway, tenant)], ['added', 'already', [shop]])
  assert.deepEqual([await remove(), await remove(), await listOrigins(gateway, tenant)], ['removed', 'unknown', []])
  const { revocations } = await readRevocations(gateway.pool, counter)
  const change = ['merchant_origins_changed', tenant.merchant, null]
  assert.deepEqual(revocations.map(({ kind, merchant, apiKey }) => [kind, merchant, apiKey]), [change, change])
  const events = await database.asAdmin('SELECT type, data FROM ngome.events WHERE merchant = $1 ORDER BY id', [tenant.merchant])
  assert.deepEqual(events.slice(-2), ['added', 'removed'].map((what) => ({ type: `merchant.origin_${what}`, data: { origin: shop } })))
})

test('origins are of one merchant and one world', async () => {
  const other = (await addTestMerchant(database)).tenant
  await add()
  for (const stranger of [other, { ...tenant, world: 'live' } as const]) {
    assert.deepEqual(await listOrigins(gateway, stranger), [])
    assert.equal(await remove(shop, stranger), 'unknown')
  }
  assert.deepEqual(await listOrigins(gateway, tenant), [shop])
  await remove()
})

test('there are as many as the bound, also where all are added at once', async () => {
  const many = Array.from({ length: originsMax + 2 }, (_, at) => originOf(`https://shop${at}.example`))
  const results = await Promise.all(many.map((origin) => add(origin)))
  assert.equal(results.filter((result) => result === 'added').length, originsMax)
  assert.equal(results.filter((result) => result === 'too_many').length, 2)
  assert.equal((await listOrigins(gateway, tenant)).length, originsMax)
})

test('a merchant that there is not has none', async () => {
  assert.equal(await add(shop, { merchant: newId('merchant', from), world: 'test' }), 'unknown')
})

test('what no browser sends is refused by the table too', async () => {
  for (const [world, origin] of [['test', 'null'], ['test', '*'], ['test', 'https://shop.example/'], ['live', 'http://localhost']]) {
    await assert.rejects(database.asAdmin(
      'INSERT INTO ngome.merchant_origins (merchant, world, origin, created_at) VALUES ($1, $2, $3, now())',
      [tenant.merchant, world, origin],
    ), /merchant_origins/)
  }
})

test('a gateway reads the list and cannot write it', async () => {
  await assert.rejects(addOrigin(gateway, tenant, shop, 0, emit(operatorEvents, 'merchant.origin_added', tenant, { origin: shop })))
})
