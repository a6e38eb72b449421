import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { forgetBansOrder, formatBanOrder, operatorBanSecondsMax, parseBanNetwork, parseBanOrder } from './bans.ts'

test('a network has one spelling', () => {
  assert.deepEqual(parseBanNetwork('192.0.2.1/32'), { family: 4, address: '192.0.2.1' })
  assert.deepEqual(parseBanNetwork('2001:db8:0:1::/64'), { family: 6, address: '2001:db8:0:1::' })
})

const refused: readonly string[] = [
  '', '192.0.2.1', '192.0.2.0/24', '0.0.0.0/0', '::/0', '2001:db8::/32', '2001:db8::1/128', '2001:0db8:0:1::/64', '2001:DB8:0:1::/64',
  '192.0.2.256/32', '192.0.2.01/32', '1.2.3/32', '192.0.2.1/32,198.51.100.1/32', '192.0.2.1/32; flush ruleset', ' 192.0.2.1/32',
  '192.0.2.1/32\n', '$(reboot)/32', '{}', '@bans4', '2001:db8:0:1:2::/64', '::ffff:192.0.2.1/64', 'fe80:0:0:0::%lo/64',
]
for (const text of refused) {
  test(`refuses the network ${JSON.stringify(text)}`, () => assert.equal(parseBanNetwork(text), undefined))
}

const orders: readonly string[] = [
  '192.0.2.1/32', '192.0.2.1/32 ', '192.0.2.1/32 -1', '192.0.2.1/32 1.5', '192.0.2.1/32 1e3', '192.0.2.1/32 060', '192.0.2.1/32  60',
  `192.0.2.1/32 ${operatorBanSecondsMax + 1}`, '192.0.2.1/32 60 60', '192.0.2.1/32 60\n', 'add 192.0.2.1/32 60', '0.0.0.0/0 60', '* 60', '*', '* 0 ',
]
for (const text of orders) {
  test(`refuses the order ${JSON.stringify(text)}`, () => assert.equal(parseBanOrder(text), undefined))
}

test('the order to forget is one line', () => assert.equal(parseBanOrder(forgetBansOrder.slice(0, -1)), 'forget'))

test('whatever is written is read as it was', () => {
  const v4 = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)).map((octets) => `${octets.join('.')}/32`)
  const v6 = fc.tuple(fc.nat(65_535), fc.nat(65_535), fc.nat(65_535), fc.nat(65_535))
    .map((groups) => `${groups.map((one) => one.toString(16)).join(':')}::/64`)
  fc.assert(fc.property(fc.oneof(v4, v6), fc.nat(operatorBanSecondsMax), (network, seconds) => {
    const order = parseBanOrder(formatBanOrder(network, seconds).slice(0, -1))
    assert.notEqual(order, 'forget')
    assert.deepEqual(order, { network: parseBanNetwork(network), seconds })
  }))
})

test('whatever else is written never becomes more than an address and a number', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => {
    const order = parseBanOrder(text)
    if (order !== undefined && order !== 'forget') assert.match(order.network.address, /^[0-9a-f.:]+$/)
  }))
})
