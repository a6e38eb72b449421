import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { currencyDigits, formatMoney, parseCurrency, parseMoney, type Currency } from './money.ts'

const currencies = Object.keys(currencyDigits) as Currency[]
const anyCurrency = fc.constantFrom(...currencies)

suite('money', () => {
  const read: readonly (readonly [string, Currency, bigint])[] = [
    ['500', 'UGX', 500n], ['1', 'XOF', 1n], ['12.50', 'KES', 1250n], ['12.5', 'KES', 1250n], ['12', 'GHS', 1200n],
    ['0.01', 'GHS', 1n], ['0.001', 'TND', 1n], ['999999999999', 'UGX', 999_999_999_999n], ['5.00', 'EUR', 500n],
  ]
  for (const [text, currency, amountMinor] of read) {
    test(`reads ${text} ${currency} as ${amountMinor} minor units`, () => {
      assert.deepEqual(parseMoney(text, currency), { amountMinor, currency })
    })
  }

  const refused: readonly (readonly [string, string, Currency])[] = [
    ['a fraction of a shilling that has none', '10.5', 'UGX'], ['even a fraction of zero', '10.0', 'XOF'],
    ['three digits of two', '12.505', 'KES'], ['zero', '0', 'UGX'], ['zero with digits', '0.00', 'KES'],
    ['a negative amount', '-1', 'UGX'], ['a plus sign', '+1', 'UGX'], ['a leading zero', '01', 'UGX'],
    ['an exponent', '1e3', 'UGX'], ['a thousands separator', '1,000', 'UGX'], ['a comma', '1,5', 'EUR'],
    ['a point at the end', '1.', 'KES'], ['a point at the start', '.5', 'KES'], ['white space', ' 1', 'UGX'],
    ['a line break', '1\n', 'UGX'], ['nothing', '', 'UGX'], ['hexadecimal', '0x10', 'UGX'], ['words', 'NaN', 'UGX'],
    ['digits of another script', '١٢', 'UGX'], ['thirteen digits of major units', '1000000000000', 'UGX'],
  ]
  for (const [what, text, currency] of refused) {
    test(`does not read ${what}`, () => assert.equal(parseMoney(text, currency), undefined))
  }

  test('is written with all the currency’s digits', () => {
    assert.equal(formatMoney({ amountMinor: 1250n, currency: 'KES' }), '12.50')
    assert.equal(formatMoney({ amountMinor: 5n, currency: 'GHS' }), '0.05')
    assert.equal(formatMoney({ amountMinor: 500n, currency: 'UGX' }), '500')
    assert.equal(formatMoney({ amountMinor: 1n, currency: 'LYD' }), '0.001')
    assert.equal(formatMoney({ amountMinor: 0n, currency: 'XAF' }), '0')
    assert.equal(formatMoney({ amountMinor: -5n, currency: 'EUR' }), '-0.05')
    assert.equal(formatMoney({ amountMinor: -5n, currency: 'UGX' }), '-5')
  })

  test('reads back what it writes, to the minor unit', () => {
    fc.assert(fc.property(anyCurrency, fc.bigInt({ min: 1n, max: 999_999_999_999n }), (currency, amountMinor) => {
      assert.deepEqual(parseMoney(formatMoney({ amountMinor, currency }), currency), { amountMinor, currency })
    }))
  })

  test('that is read is written as a number of the same value, and fits eight bytes', () => {
    fc.assert(fc.property(anyCurrency, fc.stringMatching(/^[0-9]{1,13}(\.[0-9]{1,4})?$/), (currency, text) => {
      const money = parseMoney(text, currency)
      if (money === undefined) return
      assert.equal(Number(formatMoney(money)), Number(text))
      assert.ok(money.amountMinor > 0n && money.amountMinor < 2n ** 63n)
    }))
  })

  test('is never read from garbage by an error', () => {
    fc.assert(fc.property(anyCurrency, fc.string(), (currency, text) => {
      const money = parseMoney(text, currency)
      if (money !== undefined) assert.match(text, /^[0-9]+(\.[0-9]+)?$/)
    }))
  })
})

suite('a currency', () => {
  test('has the digits of ISO 4217, none for UGX and XOF, two for KES and GHS', () => {
    const { UGX, XOF, XAF, RWF, KES, GHS, NGN, TND } = currencyDigits
    assert.deepEqual([UGX, XOF, XAF, RWF, KES, GHS, NGN, TND], [0, 0, 0, 0, 2, 2, 2, 3])
  })

  test('has as many digits as the platform’s own table says, where the two count alike', () => {
    // CLDR counts what people write, ISO 4217 what the currency has: these differ by design, and ISO is what networks use.
    const cldrDiffers = new Set(['ALL', 'LRD', 'MGA', 'SLE', 'SOS', 'SSP', 'STN', 'TZS', 'ZMW', 'ZWG', 'UGX', 'RWF', 'MRU', 'CDF', 'AOA'])
    for (const currency of currencies) {
      if (cldrDiffers.has(currency)) continue
      const { maximumFractionDigits } = new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions()
      assert.equal(currencyDigits[currency], maximumFractionDigits, currency)
    }
  })

  test('that is not in the table is refused, and so is what every object has', () => {
    for (const text of ['', 'ugx', 'XXX', 'USDT', 'toString', '__proto__', 'constructor', 'UGX ']) {
      assert.equal(parseCurrency(text), undefined)
    }
    for (const currency of currencies) assert.equal(parseCurrency(currency), currency)
  })
})
