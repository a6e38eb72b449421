import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { callingCodeOf } from './calling-code.ts'
import { cardNetworks } from './card-networks.ts'
import { cardNetworkOf, holdsCardNumber, isLuhn, parseCardNumber } from './card-number.ts'
import { parseVaultValue } from './parse-vault-value.ts'

/** What networks and processors publish for tests. */
const published: readonly (readonly [string, string | null])[] = [
  ['4242424242424242', 'visa'], ['4111 1111 1111 1111', 'visa'], ['4222222222222', 'visa'],
  ['5555-5555-5555-4444', 'mastercard'], ['2223003122003222', 'mastercard'], ['2720990000000007', 'mastercard'],
  ['378282246310005', 'amex'], ['371449635398431', 'amex'],
  ['6200000000000005', 'unionpay'], ['5060990580000217499', 'verve'], ['6500020000000000', 'verve'],
  ['6011111111111117', 'discover'], ['30569309025904', 'diners'], ['3566002020360505', 'jcb'], ['6304000000000000', 'maestro'],
]

suite('a card number', () => {
  for (const [written, network] of published) {
    test(`${written} is recognised as ${network ?? 'nobody\'s'}`, () => {
      const card = parseCardNumber(written)
      assert.equal(card?.network, network)
      assert.equal(card?.digits, written.replaceAll(/[ -]/g, ''))
      assert.equal(card?.lastFour, card?.digits.slice(-4))
    })
  }

  const refused: readonly (readonly [string, string])[] = [
    ['a wrong check digit', '4242424242424241'], ['two digits swapped', '2442424242424242'], ['eleven digits', '42424242424'],
    ['twenty digits', '42424242424242424242'], ['a letter', '4242424242424242a'], ['two spaces together', '4242  4242 4242 4242'],
    ['a space before', ' 4242424242424242'], ['a hyphen behind', '4242424242424242-'], ['full-width digits', '４２４２４２４２４２４２４２４２'],
    ['Arabic digits', '٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢'], ['a line break', '4242424242424242\n'], ['a NUL', '4242424242424242\0'], ['nothing', ''],
    ['a dot between', '4242.4242.4242.4242'], ['a plus', '+4242424242424242'],
  ]
  for (const [what, text] of refused) test(`with ${what} is refused`, () => assert.equal(parseCardNumber(text), undefined))

  test('of any length is refused before it costs time', () => {
    assert.equal(parseCardNumber('4 '.repeat(1_000_000)), undefined)
  })

  const digits = (min: number, max: number) => fc.array(fc.integer({ min: 0, max: 9 }), { minLength: min, maxLength: max }).map((all) => all.join(''))
  const checkDigitOf = (body: string): string => '0123456789'.split('').find((digit) => isLuhn(body + digit)) ?? ''

  test('has exactly one check digit, and any single wrong digit is seen', () => {
    fc.assert(fc.property(digits(11, 18), fc.nat(), fc.integer({ min: 1, max: 9 }), (body, at, by) => {
      assert.equal('0123456789'.split('').filter((digit) => isLuhn(body + digit)).length, 1)
      const number = body + checkDigitOf(body)
      const place = at % number.length
      const wrong = number.slice(0, place) + String((Number(number[place]) + by) % 10) + number.slice(place + 1)
      assert.equal(parseCardNumber(wrong), undefined)
    }))
  })

  test('is the same however it is spaced', () => {
    fc.assert(fc.property(digits(11, 18), fc.array(fc.constantFrom('', ' ', '-'), { minLength: 18, maxLength: 18 }), (body, gaps) => {
      const number = body + checkDigitOf(body)
      const written = number.split('').map((digit, at) => (at === 0 ? '' : gaps[at - 1] ?? '') + digit).join('')
      assert.deepEqual(parseCardNumber(written), parseCardNumber(number))
    }))
  })
})

suite('the table of networks', () => {
  test('has ranges of one length whose ends are in order, and a source for each', () => {
    for (const { name, ranges, lengths, source } of cardNetworks) {
      assert.match(name, /^[a-z]{2,16}$/)
      assert.ok(source.length > 10 && lengths.length > 0)
      for (const [from, to] of ranges) assert.ok(from.length === to.length && from <= to, `${name} ${from}`)
    }
  })

  test('gives no number to two networks whose prefixes are of one length', () => {
    const all = cardNetworks.flatMap(({ name, ranges, lengths }) => ranges.map((range) => ({ name, range, lengths })))
    for (const a of all) {
      for (const b of all) {
        if (a.name >= b.name || a.range[0].length !== b.range[0].length) continue
        if (!a.lengths.some((length) => b.lengths.includes(length))) continue
        assert.ok(a.range[1] < b.range[0] || b.range[1] < a.range[0], `${a.name} and ${b.name} meet at ${a.range[0]}`)
      }
    }
  })

  test('leaves what it does not know to nobody', () => assert.equal(cardNetworkOf('9999999999999995'), null))
})

suite('a text that is kept in clear', () => {
  for (const text of ['4242424242424242', 'card 4242 4242 4242 4242!', 'x5555-5555-5555-4444', '00004242424242424242', '3782822463100050']) {
    test(`is seen to hold a card number: ${text.slice(0, 8)}…`, () => assert.equal(holdsCardNumber(text), true))
  }
  for (const text of ['', 'c-1042', 'order 2026-11-22', '424242424242', '+46733123499']) {
    test(`may be: ${text}`, () => assert.equal(holdsCardNumber(text), false))
  }
})

suite('a value of the vault', () => {
  test('shows of a card its network and last four, of a phone its country and last three, of others nothing', () => {
    const shown = (type: Parameters<typeof parseVaultValue>[0], text: string): unknown => {
      const parsed = parseVaultValue(type, text)
      return parsed.ok ? [parsed.value.normalised, parsed.value.network, parsed.value.masked] : parsed.detail
    }
    assert.deepEqual(shown('card_number', '4242 4242 4242 4242'), ['4242424242424242', 'visa', '•••• 4242'])
    assert.deepEqual(shown('phone', '+256771234567'), ['+256771234567', null, '+256•••567'])
    assert.deepEqual(shown('identity_document', 'cm-85 0123.4567'), ['CM8501234567', null, null])
    assert.deepEqual(shown('bank_account', 'GB29 NWBK 6016 1331 9268 19'), ['GB29NWBK60161331926819', null, null])
    assert.deepEqual(shown('text', 'e\u0301'), ['\u00e9', null, null])
  })

  const wrong: readonly (readonly [Parameters<typeof parseVaultValue>[0], string])[] = [
    ['card_number', '4242424242424241'], ['phone', '0733123499'], ['phone', '+0733123499'], ['identity_document', 'ab'],
    ['identity_document', 'CM8501;DROP'], ['bank_account', 'x'.repeat(35)], ['text', ''],
  ]
  for (const [type, text] of wrong) {
    test(`of type ${type} is refused without being repeated (${text.length} characters)`, () => {
      const parsed = parseVaultValue(type, text)
      assert.ok(!parsed.ok)
      if (text.length > 1) assert.ok(!parsed.detail.includes(text))
    })
  }

  test('normalises to what normalises to itself, whatever comes', () => {
    const types = fc.constantFrom('card_number', 'phone', 'identity_document', 'bank_account', 'text')
    fc.assert(fc.property(types, fc.string({ unit: 'binary', maxLength: 60 }), (type, text) => {
      const parsed = parseVaultValue(type, text)
      if (!parsed.ok) return
      assert.deepEqual(parseVaultValue(type, parsed.value.normalised), parsed)
    }))
  })
})

suite('a calling code', () => {
  for (const [phone, code] of [['+12025550123', '1'], ['+79161234567', '7'], ['+46733123499', '46'], ['+256771234567', '256'],
    ['+254700000001', '254'], ['+22997000000', '229'], ['+447700900123', '44'], ['+8613800000000', '86'], ['+97150000000', '971'],
    ['+27821234567', '27'], ['+358401234567', '358'], ['+420601234567', '420'], ['+85212345678', '852']] as const) {
    test(`of ${code} has its length`, () => assert.equal(callingCodeOf(phone), code))
  }
})
