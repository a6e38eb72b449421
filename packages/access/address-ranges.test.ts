import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BlockList, isIPv4 } from 'node:net'
import fc from 'fast-check'
import { addressMatcher, canonicalAddressRange } from './address-ranges.ts'

const canonical: readonly (readonly [given: string, canonical: string])[] = [
  ['192.0.2.7', '192.0.2.7/32'], ['192.0.2.7/24', '192.0.2.0/24'], ['192.0.2.255/25', '192.0.2.128/25'], ['10.1.2.3/0', '0.0.0.0/0'],
  ['2001:DB8::0001', '2001:db8::1/128'], ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1/128'], ['2001:db8::ffff/33', '2001:db8::/33'],
  ['::ffff:192.0.2.7', '192.0.2.7/32'], ['::ffff:192.0.2.7/120', '192.0.2.0/24'], ['::ffff:c000:207/128', '192.0.2.7/32'],
  ['::ffff:0:0/96', '0.0.0.0/0'], ['::/0', '::/0'], ['::1/128', '::1/128'],
]
for (const [given, text] of canonical) {
  test(`${given} is ${text}, and stays so`, () => {
    assert.equal(canonicalAddressRange(given), text)
    assert.equal(canonicalAddressRange(text), text)
  })
}

const refused = [
  '', '/', '/8', '10.0.0.0/33', '::/129', '10.0.0.0/-1', '10.0.0.0/08', '10.0.0.0/8 ', ' 10.0.0.0/8', '10.0.0/8', '0x0a.0.0.0/8', '010.0.0.0/8',
  '10', '167772160/8', '10.0.0.0/8/8', '10.0.0.0/255.0.0.0', 'fe80::1%eth0/64', 'localhost', '[::1]/128', '10.0.0.0\n', '1.2.3.4.5', '::g', '::192.0.2.7', '2001:db8::192.0.2.7',
]
for (const text of refused) test(`refuses ${JSON.stringify(text)}`, () => assert.equal(canonicalAddressRange(text), undefined))

test('a range holds what lies in it, first and last, and not what lies beside', () => {
  const cases: readonly (readonly [range: string, within: readonly string[], beside: readonly string[]])[] = [
    ['192.0.2.128/25', ['192.0.2.128', '192.0.2.255'], ['192.0.2.127', '192.0.3.0']],
    ['192.0.2.7/32', ['192.0.2.7', '::ffff:192.0.2.7', '::FFFF:C000:0207'], ['192.0.2.6', '192.0.2.8']],
    ['0.0.0.0/0', ['0.0.0.0', '255.255.255.255', '::ffff:1.2.3.4'], ['::1', '2001:db8::1']],
    ['2001:db8::/33', ['2001:db8::', '2001:db8:7fff:ffff:ffff:ffff:ffff:ffff'], ['2001:db8:8000::', '2001:db7:ffff::']],
    ['::/0', ['::1', '2001:db8::1'], ['::ffff:192.0.2.7', '192.0.2.7']],
  ]
  for (const [range, within, beside] of cases) {
    const matches = addressMatcher([range])
    for (const address of within) assert.equal(matches(address), true, `${address} in ${range}`)
    for (const address of beside) assert.equal(matches(address), false, `${address} beside ${range}`)
  }
})

test('no address, and what is none, lies in no range', () => {
  const matches = addressMatcher(['0.0.0.0/0', '::/0'])
  for (const address of [undefined, '', 'localhost', '10', '0x7f.1', 'fe80::1%eth0', '::192.0.2.7', '10.0.0.1, 10.0.0.2']) assert.equal(matches(address), false)
})

test('any of several ranges is enough, none is not', () => {
  const matches = addressMatcher(['10.0.0.0/8', '2001:db8::/32'])
  assert.deepEqual(['10.9.9.9', '2001:db8::9', '11.0.0.0'].map(matches), [true, true, false])
  assert.equal(addressMatcher([])('10.0.0.1'), false)
})

test('a text that is not canonical makes no matcher', () => assert.throws(() => addressMatcher(['nowhere']), TypeError))

const address = fc.oneof(fc.ipV4(), fc.ipV6()).filter((text) => !(text.includes(':') && text.includes('.')))
test('ranges are what Node itself takes them for', () => {
  fc.assert(fc.property(address, fc.nat(128), address, (base, bits, asked) => {
    const text = `${base}/${isIPv4(base) ? bits % 33 : bits}`
    const range = canonicalAddressRange(text)
    assert.ok(range)
    const [host = '', prefix = ''] = range.split('/')
    const list = new BlockList()
    list.addSubnet(host, Number(prefix), isIPv4(host) ? 'ipv4' : 'ipv6')
    for (const one of [asked, base]) {
      // Node lets an IPv6 range that reaches over the mapped ones say something about IPv4; here it says nothing.
      if (!isIPv4(host) && (isIPv4(one) || /^::f{4}:/i.test(one))) continue
      const expected = list.check(one, isIPv4(one) ? 'ipv4' : 'ipv6')
      assert.equal(addressMatcher([range])(one), expected, `${one} in ${range}`)
    }
  }), { numRuns: 500 })
})

test('reading a range never throws, and what it reads is read again as the same', () => {
  const pieces = fc.array(fc.constantFrom('1', '25', '255', '.', ':', '::', '/', 'ffff', '%', 'x', '0'), { maxLength: 14 }).map((parts) => parts.join(''))
  fc.assert(fc.property(fc.oneof(pieces, fc.string()), (text) => {
    const range = canonicalAddressRange(text)
    if (range !== undefined) assert.equal(canonicalAddressRange(range), range)
  }), { numRuns: 2_000 })
})
