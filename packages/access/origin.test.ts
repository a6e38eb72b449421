import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { originLengthMax, parseOrigin } from './origin.ts'

const label = 'a'.repeat(63)

test('a name with https, with a port or without, is an origin in both worlds', () => {
  for (const text of [
    'https://shop.example', 'https://shop.example:8443', 'https://a.b-c.shop.example', 'https://xn--bcher-kva.example',
    'https://1.example', `https://${label}.${label}.${label}.${'a'.repeat(61)}`, 'https://shop.example:65535',
  ]) for (const world of ['test', 'live'] as const) assert.equal(parseOrigin(text, world), text)
})

test('localhost is one in the test world only', () => {
  for (const text of ['http://localhost', 'http://localhost:3000', 'https://localhost:3000']) {
    assert.equal(parseOrigin(text, 'test'), text)
    assert.equal(parseOrigin(text, 'live'), undefined)
  }
})

const others: readonly (readonly [string, string])[] = [
  ['nothing', ''], ['null, which sandboxes and files send', 'null'], ['every origin', '*'],
  ['a wildcard', 'https://*.example.com'], ['a name without a scheme', 'shop.example'],
  ['plain HTTP', 'http://shop.example'], ['plain HTTP to what begins as localhost', 'http://localhost.shop.example'],
  ['a host below localhost', 'http://a.localhost'], ['another scheme', 'ftp://shop.example'],
  ['a browser extension', 'chrome-extension://abcdefghijklmnop'], ['a file', 'file://'],
  ['a slash at the end', 'https://shop.example/'], ['a path', 'https://shop.example/pay'],
  ['a query', 'https://shop.example?x'], ['a fragment', 'https://shop.example#x'],
  ['a user', 'https://me@shop.example'], ['a password', 'https://me:x@shop.example'],
  ['a dot at the end', 'https://shop.example.'], ['a dot at the beginning', 'https://.shop.example'],
  ['two dots', 'https://shop..example'], ['capitals', 'https://Shop.example'], ['a scheme in capitals', 'HTTPS://shop.example'],
  ['the port that goes without saying', 'https://shop.example:443'], ['the same of plain HTTP', 'http://localhost:80'],
  ['an empty port', 'https://shop.example:'], ['a port of nothing', 'https://shop.example:0'],
  ['a port with a nought before it', 'https://shop.example:08443'], ['a port past the last', 'https://shop.example:65536'],
  ['a name in another alphabet', 'https://b\u00fccher.example'], ['a letter that only looks so', 'https://sh\u043ep.example'],
  ['punycode that is none', 'https://xn--a.example'], ['a name of one label', 'https://intranet'],
  ['an address', 'https://192.0.2.1'], ['an address in short', 'https://127.1'], ['an address as a number', 'https://2130706433'],
  ['an address in hexadecimal', 'https://0x7f.1'], ['an address of IPv6', 'https://[2001:db8::1]'],
  ['a hyphen at the end of a label', 'https://shop-.example'], ['an underscore', 'https://my_shop.example'],
  ['a label that is too long', `https://${label}a.example`], ['a name that is too long', `https://${`${label}.`.repeat(4)}example`],
  ['two origins', 'https://a.example https://b.example'], ['a list', 'https://a.example,https://b.example'],
  ['a space before', ' https://shop.example'], ['a space after', 'https://shop.example '], ['a line feed after', 'https://shop.example\n'],
  ['a null in it', 'https://shop.example\u0000.evil.example'], ['a backslash', 'https://shop.example\\'],
  ['an encoded name', 'https://shop%2eexample'], ['a tab that readers drop', 'https://shop\t.example'],
]
for (const [what, text] of others) {
  test(`${what} is no origin`, () => {
    for (const world of ['test', 'live'] as const) assert.equal(parseOrigin(text, world), undefined)
  })
}

test('whatever is taken is bounded, ASCII, and what a browser would send for that page', () => {
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.webUrl({ withFragments: true, withQueryParameters: true }),
    fc.webAuthority({ withPort: true, withIPv4: true, withIPv6: true, withUserInfo: true }).map((authority) => `https://${authority}`))
  fc.assert(fc.property(text, fc.constantFrom('test', 'live'), (given, world) => {
    const parsed = parseOrigin(given, world)
    if (parsed === undefined) return
    assert.equal(parsed, new URL(`${parsed}/any/path?x`).origin)
    assert.ok(parsed.length <= originLengthMax)
    assert.match(parsed, /^https?:\/\/[a-z0-9.-]+(?::\d+)?$/)
  }))
})
