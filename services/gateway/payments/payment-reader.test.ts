import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault, newId, Secret, systemClock, systemRandom, type Tenant } from '@ngome/kernel'
import { openDatabase, postgresPayments } from '@ngome/store'
import { freePorts } from '@ngome/testkit'
import { PaymentReader, readsWaitingMax } from './payment-reader.ts'

const from = { clock: systemClock, random: systemRandom }
const newTenant = (): Tenant => ({ merchant: newId('merchant', from), world: 'test' })

test('of one tenant, as many reads wait as are allowed; the next is told at once to come again, another tenant\u2019s is not', async () => {
  const [port = 0] = await freePorts(1)
  const database = openDatabase({
    host: '127.0.0.1', port, database: 'away', user: 'nobody', password: new Secret('x'), applicationName: 'test', poolMax: 1,
  })
  const reader = new PaymentReader(postgresPayments(database))
  const tenant = newTenant()
  const refusedAtOnce: unknown[] = []
  let isLater = false
  const find = (of: Tenant): Promise<unknown> => reader.find(of, newId('payment', from)).catch((error: unknown) => {
    if (!isLater) refusedAtOnce.push(error)
  })
  const reads = Array.from({ length: readsWaitingMax + 5 }, () => find(tenant))
  reads.push(find(newTenant()))
  await Promise.resolve().then(() => undefined)
  isLater = true
  assert.equal(refusedAtOnce.length, 5)
  for (const error of refusedAtOnce) assert.ok(error instanceof Fault && error.code === 'store/unavailable')
  await Promise.all(reads)
  await database.close()
})
