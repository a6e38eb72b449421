import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { paymentDirections, paymentStatuses, type PaymentStatus } from '@ngome/contracts'
import { idPattern, type Currency, type MerchantId, type PaymentId, type Tenant } from '@ngome/kernel'
import fc from 'fast-check'
import { accountFor, accountKinds } from './accounts.ts'
import { maskPhone } from './mask-phone.ts'
import { canTransition, isFinal, paymentTransitions } from './payment-states.ts'
import { transferOf, transferPhaseOf, transferRules } from './transfers.ts'

const statuses = fc.constantFrom(...paymentStatuses)

const tenants: fc.Arbitrary<Tenant> = fc.record({
  merchant: fc.stringMatching(/^mer_[0-7][0-9a-hjkmnp-tv-z]{25}$/) as unknown as fc.Arbitrary<MerchantId>,
  world: fc.constantFrom('test', 'live'),
})
const networks = fc.stringMatching(/^[a-z][a-z0-9-]{1,20}$/)
const currencies = fc.constantFrom<Currency>('EUR', 'UGX', 'XOF', 'TND')

describe('the states of a payment', () => {
  test('every way through them ends in succeeded or failed, after two changes at most, and never goes on', () => {
    fc.assert(fc.property(fc.array(statuses, { maxLength: 20 }), (wishes) => {
      let status: PaymentStatus = 'accepted'
      let changes = 0
      for (const wish of wishes) {
        if (!canTransition(status, wish)) continue
        assert.equal(isFinal(status), false)
        status = wish
        changes++
      }
      assert.ok(changes <= 2)
      if (changes === 2) assert.equal(isFinal(status), true)
    }))
  })

  test('a payment succeeds only out of processing, in which something was sent', () => {
    const ways = paymentTransitions.filter(({ to }) => to === 'succeeded')
    assert.deepEqual(ways, [{ from: 'processing', to: 'succeeded' }])
  })

  test('no state leads to itself or back to accepted', () => {
    assert.ok(paymentTransitions.every(({ from: one, to }) => one !== to && to !== 'accepted'))
  })

  test('the table cannot be changed', () => {
    assert.throws(() => (paymentTransitions as unknown[]).push({ from: 'failed', to: 'succeeded' }), TypeError)
  })
})

describe('a transfer', () => {
  test('waits until its payment has ended, and ends with it', () => {
    assert.ok(paymentStatuses.every((status) => isFinal(status) === (transferPhaseOf(status) !== 'pending')))
    for (const { from: before, to } of paymentTransitions) {
      assert.ok(transferPhaseOf(before) === 'pending')
      assert.equal(transferPhaseOf(to) === 'posted', to === 'succeeded')
    }
  })

  test('moves its payment\'s amount the way of its kind, in one tenant and one currency', () => {
    const amounts = fc.bigInt(1n, 10n ** 15n)
    fc.assert(fc.property(fc.constantFrom(...paymentDirections), tenants, networks, currencies, amounts, (direction, tenant, network, currency, amountMinor) => {
      const money = { amountMinor, currency }
      const { debit, credit, kind, ...rest } = transferOf({ id: 'pay_x' as PaymentId, direction, tenant, network, money })
      const rule = transferRules[direction]
      assert.deepEqual([kind, debit.kind, credit.kind, rest], [direction, rule.debit, rule.credit, { payment: 'pay_x', money }])
      assert.deepEqual([debit, credit].map((one) => one.network), [debit, credit].map((one) => one.kind === 'provider_clearing' ? network : ''))
      assert.notEqual(debit.id, credit.id)
      assert.deepEqual([debit.tenant, credit.tenant, debit.currency, credit.currency], [tenant, tenant, currency, currency])
    }))
  })

  test('that takes a merchant\'s money needs it to be there', () => {
    for (const { debit, needsCover } of Object.values(transferRules)) assert.equal(needsCover, debit === 'merchant_available')
  })
})

describe('an account', () => {
  const accounts = fc.tuple(tenants, fc.constantFrom(...accountKinds), networks, currencies)

  test('has one id for what it is, and another for anything else', () => {
    fc.assert(fc.property(accounts, accounts, (a, b) => {
      const [one, other] = [accountFor(...a), accountFor(...b)]
      assert.match(one.id, idPattern('account'))
      assert.deepEqual(accountFor(...a), one)
      const isSame = JSON.stringify({ ...one, id: '' }) === JSON.stringify({ ...other, id: '' })
      assert.equal(one.id === other.id, isSame)
    }))
  })

  test('of a merchant\'s available money is the same whatever network it came by', () => {
    fc.assert(fc.property(tenants, networks, networks, currencies, (tenant, one, other, currency) => {
      const idBy = (network: string): string => accountFor(tenant, 'merchant_available', network, currency).id
      assert.equal(idBy(one), idBy(other))
    }))
  })
})

describe('a masked phone number', () => {
  const phones = fc.stringMatching(/^\+[1-9][0-9]{6,14}$/)

  test('shows the calling code and the last three digits', () => {
    assert.equal(maskPhone('+46733123499', '46'), '+46•••499')
    assert.equal(maskPhone('+256772123456', '256'), '+256•••456')
    assert.equal(maskPhone('+12025550123', '1'), '+1•••123')
  })

  test('never shows more, and always hides at least four digits', () => {
    fc.assert(fc.property(phones, fc.stringMatching(/^[0-9]{0,8}$/), (phone, callingCode) => {
      const masked = maskPhone(phone, callingCode)
      const shown = masked.replace(/[+•]/g, '').length
      assert.match(masked, /^(\+[0-9]{1,3})?•••([0-9]{3})?$/)
      assert.ok(phone.length - 1 - shown >= 4)
      const [prefix = '', tail = ''] = masked.split('•••')
      assert.ok(phone.startsWith(prefix) && phone.endsWith(tail))
      assert.ok(prefix === '' || prefix === `+${callingCode}`)
    }))
  })

  const hidden: readonly (readonly [why: string, phone: string, callingCode: string, masked: string])[] = [
    ['a number of another country hides its beginning', '+46733123499', '256', '•••499'],
    ['a calling code that is too long to be one shows nothing', '+46733123499', '4673', '•••499'],
    ['no calling code shows nothing of the beginning', '+46733123499', '', '•••499'],
    ['a number so short that the rest could be guessed hides its end', '+2567721', '256', '+256•••'],
  ]
  for (const [why, phone, callingCode, masked] of hidden) {
    test(why, () => assert.equal(maskPhone(phone, callingCode), masked))
  }
})
