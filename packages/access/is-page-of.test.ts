import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isPageOf, pageLengthMax } from './is-page-of.ts'

const origins = ['https://shop.example', 'https://pay.shop.example:8443', 'http://localhost:3000']

for (const page of [
  'https://shop.example/', 'https://shop.example/orders/42?from=card&x=%20', 'https://pay.shop.example:8443/back', 'http://localhost:3000/a',
]) test(`a page of ours: ${page}`, () => assert.equal(isPageOf(page, origins), true))

const open: readonly (readonly [string, string])[] = [
  ['another origin', 'https://evil.example/'], ['a name that goes on', 'https://shop.example.evil.example/'],
  ['a user that looks like the name', 'https://shop.example@evil.example/'], ['a user before the name', 'https://me@shop.example/'],
  ['a password', 'https://me:you@shop.example/'], ['another port', 'https://shop.example:444/'], ['the port that goes without saying', 'https://shop.example:443/'],
  ['another scheme', 'http://shop.example/'], ['a script', ['java', 'script:alert(1)//https://shop.example/'].join('')], ['data', 'data:text/html,https://shop.example/'],
  ['no scheme', '//shop.example/'], ['a path alone', '/back'], ['backslashes', 'https:\\\\shop.example/'], ['a backslash before another name', 'https://shop.example\\@evil.example/'],
  ['a line break', 'https://shop.example/\n.evil.example'], ['a tab in the scheme', 'ht\ttps://shop.example/'], ['a space before it', ' https://shop.example/'],
  ['capitals', 'https://SHOP.example/'], ['a dot at the end', 'https://shop.example./'], ['another alphabet', 'https://shоp.example/'],
  ['a way up', 'https://shop.example/a/../b'], ['a fragment', 'https://shop.example/#token'], ['no slash behind the name', 'https://shop.example'],
  ['nothing', ''], ['a page that is too long', `https://shop.example/${'x'.repeat(pageLengthMax)}`], ['a number for a name', 'https://2130706433/'],
]
for (const [what, page] of open) test(`no page of ours: ${what}`, () => assert.equal(isPageOf(page, origins), false))

test('nobody is sent anywhere where there are no origins, and never elsewhere than the platform\'s own reader goes', () => {
  assert.equal(isPageOf('https://shop.example/', []), false)
  fc.assert(fc.property(fc.oneof(fc.webUrl(), fc.string()), (text) => {
    if (isPageOf(text, origins)) assert.ok(origins.includes(new URL(text).origin))
  }))
})
