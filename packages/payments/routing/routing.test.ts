import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { networkFor, type RoutableNetwork } from './network-for.ts'
import { prefixRows } from './prefixes.ts'

const mtn = { connector: 'mtn-momo', world: 'live', callingCode: '256', fallback: [] } as const satisfies RoutableNetwork
const networks: Readonly<Record<string, RoutableNetwork>> = {
  'mtn-ug': mtn,
  'airtel-ug': { ...mtn, connector: 'airtel-money' },
  'mtn-rw': { ...mtn, callingCode: '250' },
  'mtn-sandbox': { ...mtn, world: 'test', callingCode: '46' },
}
const find = (phone: string, over: Readonly<Record<string, Partial<RoutableNetwork>>> = {}, world: 'live' | 'test' = 'live'): string => {
  const changed = Object.fromEntries(Object.entries(over).map(([name, change]) => [name, { ...mtn, ...networks[name], ...change }]))
  const routing = networkFor(phone, world, { ...networks, ...changed })
  return routing.kind === 'found' ? routing.network : routing.kind
}

const numbers: readonly (readonly [string, string, string])[] = [
  ['+256772123456', 'mtn-ug', 'a number of MTN'],
  ['+256752123456', 'airtel-ug', 'a number of Airtel'],
  ['+256790123456', 'mtn-ug', 'a longer prefix'],
  ['+256795123456', 'airtel-ug', 'the same range, divided'],
  ['+256724012345', 'none', 'a longer prefix that is somebody else\'s, within MTN\'s'],
  ['+256724112345', 'mtn-ug', 'its neighbour'],
  ['+250788123456', 'mtn-rw', 'another country'],
  ['+256711123456', 'none', 'an operator that is not configured'],
  ['+254733123456', 'none', 'a country where there is no network'],
  ['+46733123499', 'none', 'a test number in the live world'],
  ['256772123456', 'none', 'no plus sign'],
  ['+256', 'none', 'a calling code alone'],
  ['+', 'none', 'nothing'],
  ['+256\u0667\u0667\u0662123456', 'none', 'digits of another script'],
  ['+256 772123456', 'none', 'a space'],
]
describe('a number leads to the network that has numbers like it:', () => {
  for (const [phone, network, name] of numbers) test(`${name} leads to ${network}`, () => assert.equal(find(phone), network))
  test('test numbers lead to the sandbox, and to nothing in the other world', () => {
    assert.equal(find('+46733123499', {}, 'test'), 'mtn-sandbox')
    assert.equal(find('+256772123456', {}, 'test'), 'none')
    assert.equal(find('+46733123499', { 'mtn-se': { callingCode: '46' } }), 'none')
  })
  test('what the operator configures holds in place of the table', () => {
    assert.equal(find('+256711123456', { 'mtn-ug': { prefixes: ['25671'] } }), 'mtn-ug')
    assert.equal(find('+256772123456', { 'mtn-ug': { prefixes: ['25671'] } }), 'none')
    assert.equal(find('+256772123456', { 'mtn-ug': { prefixes: [] } }), 'none')
    assert.equal(find('+256772123456', { 'airtel-ug': { prefixes: ['256772'] } }), 'airtel-ug')
  })
  test('two that have the same are ambiguous, but where one only stands in for the other', () => {
    assert.equal(find('+256772123456', { 'mtn-two': {} }), 'ambiguous')
    assert.equal(find('+256772123456', { 'mtn-ug': { fallback: ['mtn-two'] }, 'mtn-two': {} }), 'mtn-ug')
    assert.equal(find('+256772123456', { 'mtn-ug': { fallback: ['mtn-two'] }, 'mtn-two': { fallback: ['mtn-ug'] } }), 'ambiguous')
  })
  test('one that stands in is still found for what is its own', () => {
    assert.equal(find('+256752123456', { 'mtn-ug': { fallback: ['airtel-ug'] } }), 'airtel-ug')
  })
})

test('whatever is asked, the answer is a network of the world whose calling code the number has', () => {
  const phone = fc.oneof(fc.string({ maxLength: 20 }), fc.stringMatching(/^\+(256|250|46)[0-9]{0,10}$/))
  fc.assert(fc.property(phone, fc.constantFrom('live' as const, 'test' as const), (any, world) => {
    const routing = networkFor(any, world, networks)
    if (routing.kind !== 'found') return
    const network = networks[routing.network]
    assert.ok(network?.world === world && any.startsWith(`+${network.callingCode}`))
  }))
})

test('the table gives no number to two operators, and every row is digits', () => {
  const seen = new Map<string, string>()
  for (const { callingCode, operator, national } of prefixRows) {
    for (const prefix of national) {
      assert.match(callingCode + prefix, /^[1-9][0-9]{2,8}$/)
      assert.equal(seen.get(callingCode + prefix), undefined, `${callingCode}${prefix} is twice`)
      seen.set(callingCode + prefix, operator)
    }
  }
})
