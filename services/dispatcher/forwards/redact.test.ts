import assert from 'node:assert/strict'
import { gzipSync } from 'node:zlib'
import { suite, test } from 'node:test'
import { Secret } from '@ngome/kernel'
import fc from 'fast-check'
import { holdsValue } from './holds-value.ts'
import { readAnswer } from './read-answer.ts'
import { redact } from './redact.ts'

const card = '4929737290417382'
const name = 'Ámina "O\'Kello" <x>/ñ'
const values = [new Secret(card), new Secret(name)]
const around = (text: string): string => `{"charge":"ch_1","echo":"${text}","ok":true}`
const hex = (text: string): string => Buffer.from(text).toString('hex')

/** Forms in which a server may tell a value back; each must be gone, or the whole body. */
const echoes: readonly (readonly [string, string])[] = [
  ['raw', around(card)], ['as a number', `{"card":${card}}`], ['in groups', around('4929 7372 9041 7382')], ['with dashes', around('4929-7372-9041-7382')],
  ['with dots', around('4929.7372.9041.7382')], ['digit by digit', around(card.split('').join(' '))], ['with wide spaces', around('4929\u00a07372\u00a09041\u00a07382')],
  ['base64', around(Buffer.from(card).toString('base64'))], ['base64url', around(Buffer.from(card).toString('base64url'))],
  ...[1, 2, 3, 4, 5].map((shift) => [`base64 behind ${shift} bytes`, around(Buffer.from(`${'x'.repeat(shift)}${card}yz`).toString('base64'))] as const),
  ['base64 of JSON', around(Buffer.from(around(card)).toString('base64'))], ['base64 of base64', around(Buffer.from(Buffer.from(card).toString('base64')).toString('base64'))],
  ['hexadecimal', around(hex(card))], ['hexadecimal in capitals', around(hex(card).toUpperCase())], ['hexadecimal with colons', around(hex(card).match(/../g)?.join(':') ?? '')],
  ['percent-encoded', around([...Buffer.from(card)].map((byte) => `%${byte.toString(16)}`).join(''))],
  ['JSON escapes', around([...Buffer.from(card)].map((byte) => `\\u00${byte.toString(16)}`).join(''))],
  ['some JSON escapes', around(`\\u0034${card.slice(1)}`)], ['HTML entities', `<p>${[...Buffer.from(card)].map((byte) => `&#${byte};`).join('')}</p>`],
  ['hexadecimal HTML entities', `<p>${[...Buffer.from(card)].map((byte) => `&#x${byte.toString(16)};`).join('')}</p>`],
  ['a name', JSON.stringify({ name })], ['a name in a form', `name=${encodeURIComponent(name).replaceAll('%20', '+')}`], ['a name in a query', encodeURIComponent(name)],
  ['a name in base64', Buffer.from(name).toString('base64')], ['a name in capitals', name.toUpperCase()], ['a name with escapes', around(name.replace('Á', '\\u00c1').replaceAll('"', '\\"').replace('ñ', '\\u00f1'))],
]

suite('an answer that tells a value back', () => {
  for (const [what, body] of echoes) {
    test(`${what} tells its merchant nothing`, () => {
      const answer = readAnswer(answered(body, { 'x-request-id': card }), values)
      assert.equal(answer.headers['x-request-id'], '[redacted]')
      const text = answer.body ?? ''
      assert.equal(holdsValue(text, values), false)
      for (const form of [card, hex(card), card.slice(0, 12), Buffer.from(card).toString('base64').slice(0, 16), '4929 7372']) assert.equal(text.includes(form), false, text)
      assert.equal(answer.body === null, answer.body_withheld !== null)
      assert.equal(answer.body === body, false)
    })
  }
  test('keeps the rest where the form is common', () => {
    assert.equal(readAnswer(answered(around(card)), values).body, around('[redacted]'))
    assert.equal(readAnswer(answered(around('4929 7372 9041 7382')), values).body, around('[redacted]'))
  })
  test('keeps an answer that holds none, as it is', () => {
    const body = around('4242424242424242')
    assert.deepEqual(readAnswer(answered(body), values), { status: 200, headers: { 'content-type': 'application/json' }, body, body_withheld: null })
    assert.equal(redact('nothing here', values), 'nothing here')
  })
})

test('a value behind any neighbours in base64 is found by the one or the other', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 9 }), fc.uint8Array({ maxLength: 9 }), fc.constantFrom('base64', 'base64url', 'hex'), (before, after, encoding) => {
    const text = Buffer.concat([before, Buffer.from(card), after]).toString(encoding)
    const answer = readAnswer(answered(text, {}, 'text/plain'), values)
    assert.ok(answer.body === null || !answer.body.includes(text))
    assert.equal(holdsValue(text, values), true)
  }))
})

suite('a body that cannot be searched is withheld', () => {
  const cases: readonly (readonly [string, Uint8Array, Record<string, string>, string])[] = [
    ['compressed', gzipSync(around(card)), { 'content-encoding': 'gzip' }, 'encoding'],
    ['an image', Buffer.from(card), { 'content-type': 'image/png' }, 'media_type'],
    ['of no type', Buffer.from(card), { 'content-type': '' }, 'media_type'],
    ['of another charset', Buffer.from(card, 'utf16le'), { 'content-type': 'application/json; charset=utf-16le' }, 'media_type'],
    ['UTF-16 that goes for UTF-8', Buffer.from(card, 'utf16le'), {}, 'not_text'],
    ['not UTF-8', Buffer.from([0xff, 0xfe, 0x34]), {}, 'not_text'],
    ['too large', Buffer.alloc(50_000, 'a'), {}, 'too_large'],
  ]
  for (const [what, body, headers, reason] of cases) {
    test(what, () => {
      const answer = readAnswer({ ...answered('', headers), body }, values)
      assert.deepEqual([answer.body, answer.body_withheld], [null, reason])
    })
  }
  test('and an empty one is empty', () => assert.equal(readAnswer(answered(''), values).body, ''))
  test('while headers that nobody asked for stay here', () => {
    assert.deepEqual(readAnswer(answered('', { 'set-cookie': card, 'location': card, 'x-card': card }), values).headers, { 'content-type': 'application/json' })
  })
})

function answered(body: string, headers: Record<string, string> = {}, mediaType = 'application/json') {
  return { kind: 'answered', status: 200, body: Buffer.from(body), retryAfter: undefined, headers: { 'content-type': mediaType, ...headers } } as unknown as Parameters<typeof readAnswer>[0]
}
