import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '@ngome/kernel'
import { operations } from '../api/operations.ts'
import { answerPreflight, type Preflight } from './preflight.ts'

const offered = [operations.createVaultToken]
const asked: Preflight = { origin: 'https://shop.example', method: 'POST', headers: 'authorization,content-type,idempotency-key' }

test('an origin of a page is answered with itself, what it may send, and for how long', () => {
  for (const origin of ['https://shop.example', 'https://nobodys.example:8443', 'http://localhost:3000']) {
    const { status, headers = [], body } = answerPreflight({ ...asked, origin }, offered)
    assert.deepEqual([status, body], [204, undefined])
    assert.deepEqual(headers, [
      'access-control-allow-origin', origin, 'access-control-allow-methods', 'POST',
      'access-control-allow-headers', 'authorization, accept-signature, content-type, content-digest, idempotency-key',
      'access-control-max-age', '600', 'vary', 'Origin',
    ])
  }
})

test('a page asks for what it needs, and no more than it may', () => {
  for (const headers of [undefined, '', 'authorization', 'content-type, authorization']) assert.equal(answerPreflight({ ...asked, headers }, offered).status, 204)
  assert.equal(answerPreflight({ origin: asked.origin, method: 'GET', headers: 'authorization' }, [operations.listVaultKeys]).status, 204)
})

const refused: readonly (readonly [string, Partial<Preflight>, string])[] = [
  ['no origin', { origin: undefined }, 'access/origin_refused'],
  ['the origin of a sandbox', { origin: 'null' }, 'access/origin_refused'],
  ['every origin', { origin: '*' }, 'access/origin_refused'],
  ['plain HTTP', { origin: 'http://shop.example' }, 'access/origin_refused'],
  ['two origins', { origin: 'https://shop.example https://evil.example' }, 'access/origin_refused'],
  ['an extension', { origin: 'chrome-extension://abcdefghijklmnop' }, 'access/origin_refused'],
  ['another method', { method: 'DELETE' }, 'request/method_refused'],
  ['a method in lower case', { method: 'post' }, 'request/method_refused'],
  ['no method', { method: undefined }, 'request/method_refused'],
  ['another header', { headers: 'authorization,x-http-method-override' }, 'request/header_refused'],
  ['a cookie', { headers: 'cookie' }, 'request/header_refused'],
  ['every header', { headers: '*' }, 'request/header_refused'],
]
for (const [what, changes, code] of refused) {
  test(`${what} in a preflight is refused`, () => {
    assert.throws(() => answerPreflight({ ...asked, ...changes }, offered), (error) => error instanceof Fault && error.code === code)
  })
}
