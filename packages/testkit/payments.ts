import { emit } from '@ngome/contracts'
import { newId, systemClock, systemRandom, type DataKeyId, type Tenant, type World } from '@ngome/kernel'
import { addMerchant, insertDataKey, type Acceptance } from '@ngome/store'
import type { TestDatabase } from './postgres.ts'

const from = { clock: systemClock, random: systemRandom }

/** A merchant in one world, with a data key whose bytes mean nothing: for tests that never open what they store. */
export type TestMerchant = { readonly tenant: Tenant; readonly dataKey: DataKeyId }

export async function addTestMerchant(database: TestDatabase, world: World = 'test'): Promise<TestMerchant> {
  const operator = database.open('ngome_operator', { poolMax: 1 })
  const gateway = database.open('ngome_gateway', { poolMax: 1 })
  const tenant: Tenant = { merchant: newId('merchant', from), world }
  const createdAtMs = from.clock.nowMs()
  const subject = { merchant: tenant.merchant, world: null }
  await addMerchant(operator, { id: tenant.merchant, name: 'Test merchant', createdAtMs },
    emit({ ...from, process: 'operator' }, 'merchant.created', subject, {}))
  const dataKey = newId('dataKey', from)
  const sealed = from.random.bytes(1200)
  await insertDataKey(gateway, { id: dataKey, tenant, retention: 'payment', sealed, createdAtMs })
  await Promise.all([operator.close(), gateway.close()])
  return { tenant, dataKey }
}

/** A payment that is ready to be accepted; its sealed part is random bytes. */
export function testAcceptance(merchant: TestMerchant, changes: Partial<Acceptance> = {}): Acceptance {
  const { tenant } = merchant
  const id = newId('payment', from)
  const money = { amountMinor: 500n, currency: 'EUR' } as const
  const network = 'mtn-sandbox'
  return {
    tenant,
    payment: {
      id,
      status: 'accepted',
      direction: 'collection',
      network,
      money,
      feeMinor: 0n,
      original: null,
      reference: 'order-42',
      payerMasked: '+46•••499',
      apiKey: newId('apiKey', from),
      dataKey: merchant.dataKey,
      sealed: from.random.bytes(320),
      createdAtMs: from.clock.nowMs(),
    },
    dayTotal: null,
    eventProof: from.random.bytes(32),
    event: emit({ ...from, process: 'gateway' }, 'payment.accepted', tenant, { payment: id, status: 'accepted' }),
    idempotency: {
      keyHash: from.random.bytes(32),
      fingerprint: from.random.bytes(32),
      answer: { status: 201, body: JSON.stringify({ id }) },
    },
    ...changes,
  }
}
