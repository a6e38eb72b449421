import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { paymentDirections, paymentStatuses, type PaymentStatus } from '@ngome/contracts'
import { idPattern, type Currency, type MerchantId, type PaymentId, type Tenant } from '@ngome/kernel'
import fc from 'fast-check'
import { accountFor, accountKinds, type Account } from './accounts.ts'
import { maskPhone } from './mask-phone.ts'
import { feeOf } from './fees.ts'
import { canTransition, dispatcherOrigins, hasEnded, initialStatuses, paymentStates, paymentTransitions } from './payment-states.ts'
import { reversalsOf, transferRules, transfersOf } from './transfers.ts'

const statuses = fc.constantFrom(...paymentStatuses)

const tenants: fc.Arbitrary<Tenant> = fc.record({
  merchant: fc.stringMatching(/^mer_[0-7][0-9a-hjkmnp-tv-z]{25}$/) as unknown as fc.Arbitrary<MerchantId>,
  world: fc.constantFrom('test', 'live'),
})
const networks = fc.stringMatching(/^[a-z][a-z0-9-]{1,20}$/)
const currencies = fc.constantFrom<Currency>('EUR', 'UGX', 'XOF', 'TND')

describe('the states of a payment', () => {
  test('every way through them comes to an end, and goes on from there only where a network takes a success back', () => {
    fc.assert(fc.property(fc.constantFrom(...paymentDirections), fc.array(statuses, { maxLength: 40 }), (direction, wishes) => {
      let status: PaymentStatus = initialStatuses[direction][0] ?? assert.fail()
      for (const wish of wishes) {
        if (!canTransition(status, wish)) continue
        if (hasEnded(status)) assert.deepEqual([status, wish], ['succeeded', 'reversed'])
        status = wish
      }
    }))
    for (const status of paymentStatuses) {
      const isDead = !paymentTransitions.some(({ from: one }) => one === status)
      assert.equal(isDead, ['failed', 'cancelled', 'reversed'].includes(status), status)
    }
  })

  test('a payment succeeds only where something was sent, and is cancelled only where nothing was', () => {
    const waysTo = (to: PaymentStatus): unknown => paymentTransitions.filter((one) => one.to === to).map(({ from: one, by }) => `${one} ${by}`)
    assert.deepEqual(waysTo('succeeded'), ['processing dispatcher', 'in_doubt dispatcher'])
    assert.deepEqual(waysTo('cancelled'), ['awaiting_approval gateway', 'accepted gateway'])
    assert.deepEqual(waysTo('processing'), ['accepted dispatcher', 'in_doubt dispatcher'])
    assert.deepEqual(dispatcherOrigins('failed'), ['awaiting_approval', 'accepted', 'processing', 'in_doubt'])
  })

  test('what the gateway decides, it decides before anything was sent', () => {
    for (const { from: one, by } of paymentTransitions) if (by === 'gateway') assert.ok(['awaiting_approval', 'accepted'].includes(one))
  })

  test('no state leads to itself, and none back to where nothing was sent', () => {
    assert.ok(paymentTransitions.every(({ from: one, to }) => one !== to && (to !== 'accepted' || one === 'awaiting_approval')))
  })

  test('the table cannot be changed', () => {
    assert.throws(() => (paymentTransitions as unknown[]).push({ from: 'failed', to: 'succeeded' }), TypeError)
  })
})

describe('transfers', () => {
  const amounts = fc.bigInt(2n, 10n ** 15n)
  const fees = fc.constantFrom(0n, 1n)

  test('wait until their payment has ended, end with it, and stay so', () => {
    for (const { from: before, to } of paymentTransitions) {
      const [one, other] = [paymentStates[before].transfers, paymentStates[to].transfers]
      assert.ok(one === 'pending' || (one === other), `${before} ${to}`)
      assert.equal(other === 'posted', to === 'succeeded' || to === 'reversed')
    }
  })

  test('move their payment\'s amount and its fee the way of its direction, in one tenant and one currency', () => {
    fc.assert(fc.property(fc.constantFrom(...paymentDirections), tenants, networks, currencies, amounts, fees,
      (direction, tenant, network, currency, amountMinor, feeMinor) => {
        const transfers = transfersOf({ id: 'pay_x' as PaymentId, direction, tenant, network, money: { amountMinor, currency }, feeMinor })
        assert.equal(transfers.length, feeMinor === 0n ? 1 : 2)
        for (const { kind, debit, credit, payment, money } of transfers) {
          const rule = transferRules[kind]
          assert.deepEqual([rule.direction, debit.kind, credit.kind, payment], [direction, rule.debit, rule.credit, 'pay_x'])
          assert.ok(money.amountMinor > 0n && money.currency === currency)
          assert.deepEqual([debit, credit].map((one) => one.network), [debit, credit].map((one) => one.kind === 'provider_clearing' ? network : ''))
          assert.notEqual(debit.id, credit.id)
          assert.deepEqual([debit.tenant, credit.tenant, debit.currency, credit.currency], [tenant, tenant, currency, currency])
        }
        const sum = (of: (one: (typeof transfers)[number]) => boolean): bigint =>
          transfers.filter(of).reduce((total, { money }) => total + money.amountMinor, 0n)
        // The network owes or is owed the amount and no more; what the merchant gets or gives is that and the fee.
        assert.equal(sum(({ debit, credit }) => [debit.kind, credit.kind].includes('provider_clearing')), amountMinor)
        const own = sum(({ debit, credit }) => [debit.kind, credit.kind].includes('merchant_available'))
        assert.equal(own, direction === 'collection' ? amountMinor - feeMinor : amountMinor + feeMinor)
      }))
  })

  test('that take a merchant\'s money need it to be there', () => {
    for (const { debit, needsCover } of Object.values(transferRules)) assert.equal(needsCover, debit === 'merchant_available')
  })

  test('that a reversal makes bring a payment to nothing in every account, and take of nobody\'s money that may be gone', () => {
    fc.assert(fc.property(fc.constantFrom(...paymentDirections), tenants, networks, currencies, amounts, fees,
      (direction, tenant, network, currency, amountMinor, feeMinor) => {
        const payment = { id: 'pay_x' as PaymentId, direction, tenant, network, money: { amountMinor, currency }, feeMinor }
        const [moved, back] = [transfersOf(payment), reversalsOf(payment)]
        assert.deepEqual(back.map(({ kind }) => kind), moved.map(({ kind }) => `${kind}_reversal`))
        const held = new Map<string, bigint>()
        // What is owed counts against what is available.
        const add = ({ kind }: Account, amount: bigint): void => {
          const name = kind === 'merchant_debt' ? 'merchant_available' : kind
          held.set(name, (held.get(name) ?? 0n) + amount)
        }
        for (const { debit, credit, money } of [...moved, ...back]) {
          add(debit, -money.amountMinor)
          add(credit, money.amountMinor)
        }
        assert.deepEqual([...held.values()].filter((amount) => amount !== 0n), [])
        for (const { debit } of back) assert.notEqual(debit.kind, 'merchant_available')
      }))
  })
})

describe('a fee', () => {
  const fees: readonly (readonly [amount: bigint, currency: Currency, tariff: Parameters<typeof feeOf>[1], fee: bigint])[] = [
    [10_000n, 'KES', { fixed: '0.50', basisPoints: 150, min: '0' }, 200n],
    [10_000n, 'UGX', { fixed: '50', basisPoints: 150, min: '0' }, 200n],
    [33n, 'UGX', { fixed: '0', basisPoints: 150, min: '0' }, 0n],
    [100n, 'GHS', { fixed: '0', basisPoints: 100, min: '0.05' }, 5n],
    [1_000_000n, 'GHS', { fixed: '1', basisPoints: 100, min: '0', max: '20.00' }, 2_000n],
    [500n, 'EUR', { fixed: '0', basisPoints: 0, min: '0' }, 0n],
  ]
  for (const [amountMinor, currency, tariff, fee] of fees) {
    test(`of ${amountMinor} ${currency} by ${JSON.stringify(tariff)} is ${fee}`, () => assert.equal(feeOf({ amountMinor, currency }, tariff), fee))
  }
  test('by a tariff with digits that the currency has not is refused, not rounded', () => {
    assert.throws(() => feeOf({ amountMinor: 100n, currency: 'UGX' }, { fixed: '0.5', basisPoints: 0, min: '0' }), TypeError)
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
