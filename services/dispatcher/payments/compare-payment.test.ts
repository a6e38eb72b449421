import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { SealedPayment } from '@ngome/contracts'
import { newId, parseId, systemClock, systemRandom } from '@ngome/kernel'
import type { DispatchablePayment } from '@ngome/store'
import { compareWithSealed } from './compare-payment.ts'
import { newReference } from './new-reference.ts'

const from = { clock: systemClock, random: systemRandom }
const merchant = newId('merchant', from)
const network = { world: 'test', currency: 'EUR', callingCode: '46' } as const
const sealed: SealedPayment = {
  payer: { phone: '+46733123499' }, amount_minor: '500', currency: 'EUR', direction: 'collection', network: 'mtn-sandbox',
  payee: merchant, description: null, reference: 'order-42',
}
const payment: DispatchablePayment = {
  id: newId('payment', from), tenant: { merchant, world: 'test' }, status: 'accepted', failure: null, network: 'mtn-sandbox',
  currency: 'EUR', amountMinor: 500n, feeMinor: 0n, original: null, reference: 'order-42', payerMasked: '+46•••499', createdAtMs: 0, updatedAtMs: 0,
  direction: 'collection', apiKey: newId('apiKey', from), sealed: new Uint8Array(), attempt: null,
  dataKey: { id: newId('dataKey', from), sealed: new Uint8Array(), createdAtMs: 0 },
}

test('a payment as it was accepted differs in nothing', () => {
  assert.deepEqual(compareWithSealed(payment, sealed, network), [])
})

describe('names the column that somebody changed', () => {
  const cases: readonly [string, Partial<DispatchablePayment>][] = [
    ['amount_minor', { amountMinor: 50n }],
    ['fee_minor', { feeMinor: 1n }],
    ['original', { original: newId('payment', from) }],
    ['id', { id: newId('payout', from) }],
    ['currency', { currency: 'UGX' }],
    ['network', { network: 'mtn-ug' }],
    ['merchant', { tenant: { merchant: newId('merchant', from), world: 'test' } }],
    ['world', { tenant: { merchant, world: 'live' } }],
    ['reference', { reference: 'order-43' }],
    ['payer_masked', { payerMasked: '+46•••498' }],
    ['payer_masked', { payerMasked: '•••' }],
  ]
  for (const [column, change] of cases) {
    test(`${column} = ${JSON.stringify(change, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))}`, () => {
      assert.deepEqual(compareWithSealed({ ...payment, ...change }, sealed, network), [column])
    })
  }
  test('a network of the other world, or of another currency', () => {
    assert.deepEqual(compareWithSealed(payment, sealed, { ...network, world: 'live' }), ['world'])
    assert.deepEqual(compareWithSealed(payment, sealed, { ...network, currency: 'UGX' }), ['currency'])
  })
  test('the id of another direction: nobody is asked to pay what he was to be given', () => {
    assert.deepEqual(compareWithSealed({ ...payment, direction: 'payout' }, { ...sealed, direction: 'payout' }, network), ['id'])
    const payout = { ...payment, id: newId('payout', from), direction: 'payout' } as const
    assert.deepEqual(compareWithSealed(payout, { ...sealed, direction: 'payout' }, network), [])
    assert.deepEqual(compareWithSealed(payout, sealed, network), ['id', 'direction'])
  })
  test('a refund gives back what was sealed, and need not say to whom; all else does', () => {
    const original = newId('payment', from)
    const refund = { ...payment, id: newId('refund', from), direction: 'refund', original } as const
    const { payer: _, ...given } = { ...sealed, direction: 'refund', original } as const
    assert.deepEqual(compareWithSealed(refund, given, network), [])
    assert.deepEqual(compareWithSealed({ ...refund, original: newId('payment', from) }, given, network), ['original'])
    assert.deepEqual(compareWithSealed({ ...refund, original: null }, { ...given, original: undefined }, network), ['original'])
    const { payer: __, ...nobody } = sealed
    assert.deepEqual(compareWithSealed(payment, nobody, network), ['payer_masked'])
  })
  test('a record from before references were sealed differs in nothing', () => {
    const { reference: _, ...before } = sealed
    assert.deepEqual(compareWithSealed(payment, before, network), [])
  })
  test('every member of what was sealed is compared, but the description, which no column has', () => {
    const others: readonly Partial<SealedPayment>[] = [
      { payer: { phone: '+46733123498' } }, { amount_minor: '501' }, { currency: 'UGX' },
      { network: 'mtn-ug' }, { reference: 'order-43' }, { payee: parseId('merchant', newId('merchant', from)) ?? merchant },
    ]
    assert.deepEqual([...others.flatMap(Object.keys), 'description', 'direction'].sort(), Object.keys(sealed).sort())
    for (const other of others) assert.equal(compareWithSealed(payment, { ...sealed, ...other }, network).length, 1)
  })
})

test('references are random UUIDs of version 4', () => {
  const references = Array.from({ length: 100 }, () => newReference(systemRandom))
  for (const reference of references) assert.match(reference, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  assert.equal(new Set(references).size, 100)
})
