import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { createForwardSchema } from './api/forwards.ts'
import { parseForwardPrefix, suffixBelow } from './forward-address.ts'
import { forwardTokens, parsePieces } from './forward-template.ts'

const prefix = 'https://api.bank.example/v2/'
const token = 'tok_01k8z3f7q2e9d8m4n6p0r5s7tv'

suite('an address that the operator may allow', () => {
  for (const url of [prefix, 'https://api.bank.example/', 'https://api.bank.example:8443/a-b/c.d/', 'https://[2606:4700::1111]/x/']) {
    test(`${url} is one`, () => assert.equal(parseForwardPrefix(url, 'live'), url))
  }
  test('is brought to its one spelling', () => {
    assert.equal(parseForwardPrefix('HTTPS://API.bank.example:443/v2/', 'live'), prefix)
    assert.equal(parseForwardPrefix('https://2130706433/', 'live'), 'https://127.0.0.1/')
  })
  const refused: readonly (readonly [string, string])[] = [
    ['no slash at its end', 'https://api.bank.example/v2'], ['user information', 'https://a@api.bank.example/'],
    ['a password', 'https://:a@api.bank.example/'], ['a query', 'https://api.bank.example/?a=b'], ['an empty query', 'https://api.bank.example/?'],
    ['a fragment', 'https://api.bank.example/#'], ['plain HTTP', 'http://api.bank.example/'], ['a full stop', 'https://localhost./'],
    ['an escape', 'https://api.bank.example/%41/'], ['an empty segment', 'https://api.bank.example//'], ['a file', 'file:///etc/'],
    ['no host', 'https:///'], ['nothing', ''], ['too much', `https://api.bank.example/${'a'.repeat(512)}/`],
  ]
  for (const [what, url] of refused) test(`is not one with ${what}`, () => assert.equal(parseForwardPrefix(url, 'live'), undefined))
  test('may be plain HTTP in the test world', () => assert.equal(parseForwardPrefix('http://localhost:1/', 'test'), 'http://localhost:1/'))
})

suite('below an allowed address', () => {
  for (const suffix of ['', 'charges', 'charges/', 'a/b/c', `cards/{{${token}}}/charge`, `x-{{${token}}}`, `c?number={{${token}}}&a=b%20c`, '?', 'a%20b', 'a..b', '...']) {
    test(`stands ${suffix}`, () => assert.notEqual(suffixBelow(prefix, prefix + suffix), undefined))
  }
  const escapes: readonly (readonly [string, string])[] = [
    ['another host', 'https://evil.example/v2/charges'], ['a host that begins alike', 'https://api.bank.example.evil.example/v2/'],
    ['user information', 'https://api.bank.example@evil.example/v2/'], ['the host in capitals', 'https://API.bank.example/v2/'],
    ['its default port', 'https://api.bank.example:443/v2/'], ['plain HTTP', 'http://api.bank.example/v2/'], ['another prefix', 'https://api.bank.example/v1/'],
    ['the prefix without its slash', 'https://api.bank.example/v2'], ['a longer word', 'https://api.bank.example/v22/x'],
    ['loopback in decimal', 'https://2130706433/v2/'], ['loopback in hexadecimal', 'https://0x7f000001/v2/'], ['loopback in octal', 'https://0177.0.0.1/v2/'],
    ['mapped loopback', 'https://[::ffff:127.0.0.1]/v2/'], ['a white space before', ` ${prefix}`], ['a line break in it', 'https://api.bank.exa\nmple/v2/'],
    ['a dot segment', `${prefix}../v1/x`], ['a dot segment at the end', `${prefix}..`], ['a single dot', `${prefix}./x`],
    ['an encoded dot', `${prefix}%2e%2e/x`], ['half of it encoded', `${prefix}.%2E/x`], ['an encoded slash', `${prefix}..%2f..%2fx`],
    ['an encoded back slash', `${prefix}..%5c..%5cx`], ['a back slash', `${prefix}..\\x`], ['an encoding of an encoding', `${prefix}%252e%252e%252fx`],
    ['an empty segment', `${prefix}/evil.example/x`], ['a fragment', `${prefix}x#y`], ['a control character', `${prefix}x%0d%0aHost:evil`],
    ['a raw line break', `${prefix}x\r\ny`], ['a line break in the query', `${prefix}x?a=%0d%0a`], ['a space', `${prefix}x y`], ['not ASCII', `${prefix}é`],
    ['half an escape', `${prefix}%2`], ['a token that is none', `${prefix}{{tok_x}}`], ['a token in a name', `${prefix}x?{{${token}}}=a`],
    ['a second question mark that hides a token', `${prefix}x?a=b&={{${token}}}`],
  ]
  for (const [what, url] of escapes) test(`does not stand ${what}`, () => assert.equal(suffixBelow(prefix, url), undefined))

  test('stands nothing that a URL parser would see elsewhere, whatever is written', () => {
    const part = fc.constantFrom('..', '.', '/', '\\', '%2e', '%2f', '%5c', '%25', '?', '#', '@', ':', 'a', '{{', '}}', `{{${token}}}`, '\t', '\n', ';', '&', '=')
    fc.assert(fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
      const url = prefix + parts.join('')
      if (suffixBelow(prefix, url) === undefined) return
      const parsed = new URL(url.replaceAll(`{{${token}}}`, 'x'))
      assert.equal(parsed.origin, 'https://api.bank.example')
      assert.ok(parsed.pathname.startsWith('/v2/') && parsed.hash === '')
      assert.equal(parsed.href, url.replaceAll(`{{${token}}}`, 'x'))
    }), { numRuns: 2_000 })
  })

  test('stands nothing where the address does not end in a slash', () => assert.equal(suffixBelow('https://a.example', 'https://a.example.evil/'), undefined))
})

suite('tokens of a forward', () => {
  test('are found wherever they may stand, each once', () => {
    const found = forwardTokens({
      url: `${prefix}{{${token}}}`, headers: { a: `Bearer {{${token}}}` }, json: { a: [{ b: `x{{${token}}}y` }, 1, null, true] },
    })
    assert.deepEqual(found, { ok: true, tokens: [token] })
  })
  test('are not found in names, nor misspelt, and never passed on as text', () => {
    const wrong: readonly (readonly [string, Parameters<typeof forwardTokens>[0]])[] = [
      ['/json', { url: `${prefix}{{${token}}}`, json: { a: { [`{{${token}}}`]: 'x' } } }],
      ['/json', { url: `${prefix}{{${token}}}`, json: ['{{tok_01k8}}'] }],
      ['/form', { url: `${prefix}{{${token}}}`, form: { a: '{{ tok }}' } }],
      ['/headers', { url: `${prefix}{{${token}}}`, headers: { a: '{{' } }],
      ['/url', { url: `${prefix}{{${token}`, headers: { a: `{{${token}}}` } }],
      ['', { url: prefix }],
    ]
    for (const [pointer, body] of wrong) {
      const found = forwardTokens(body)
      assert.deepEqual(found.ok ? [] : found.fields.map((field) => field.pointer), [pointer])
    }
  })
  test('are eight at most', () => {
    const many = Array.from({ length: 9 }, (_, at) => `{{tok_01k8z3f7q2e9d8m4n6p0r5s7t${at}}}`)
    assert.equal(forwardTokens({ url: prefix, json: many }).ok, false)
    assert.equal(forwardTokens({ url: prefix, json: many.slice(1) }).ok, true)
  })
  test('and text come back together as they were written', () => {
    fc.assert(fc.property(fc.array(fc.oneof(fc.string().filter((text) => !text.includes('{')), fc.constant(`{{${token}}}`))), (parts) => {
      const text = parts.join('')
      assert.equal(parsePieces(text)?.map((piece) => typeof piece === 'string' ? piece : `{{${piece.token}}}`).join(''), text)
    }))
  })
})

suite('headers that a forward may not have', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['host', 'evil.example'], ['connection', 'close'], ['content-length', '1'], ['content-type', 'text/plain'], ['transfer-encoding', 'chunked'],
    ['te', 'trailers'], ['expect', '100-continue'], ['upgrade', 'h2c'], ['proxy-authorization', 'x'], ['x-forwarded-for', '127.0.0.1'], ['accept-encoding', 'gzip'],
    [':authority', 'evil.example'], ['Host', 'evil.example'], ['a b', 'x'], ['a\r\nb', 'x'], ['x', 'a\r\nhost: evil.example'], ['x', 'a\0'], ['x', ' a'], ['x', 'é'], ['', 'x'],
  ]
  for (const [name, value] of cases) {
    test(`${JSON.stringify(name)}: ${JSON.stringify(value)}`, () => {
      assert.equal(createForwardSchema.safeParse({ method: 'POST', url: prefix, headers: { [name]: value } }).success, false)
    })
  }
  test('while others stand', () => {
    assert.equal(createForwardSchema.safeParse({ method: 'POST', url: prefix, headers: { authorization: 'Bearer x' } }).success, true)
  })
})
