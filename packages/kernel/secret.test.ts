import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { format, inspect } from 'node:util'
import { serialize } from 'node:v8'
import { Secret } from './secret.ts'

const hidden = 'correct-horse-battery-staple'
const secrets: readonly (readonly [string, Secret<string | Uint8Array>])[] = [
  ['text', new Secret<string | Uint8Array>(hidden)],
  ['bytes', new Secret<string | Uint8Array>(Buffer.from(hidden))],
]
const printed = (text: string): void => {
  assert.doesNotMatch(text, /correct|horse/)
  // As a Buffer prints, as numbers print, and as JSON or logs encode bytes.
  for (const form of ['63 6f 72', '99, 111, 114', '99,111,114', Buffer.from(hidden).toString('hex'), Buffer.from(hidden).toString('base64')]) {
    assert.ok(!text.includes(form))
  }
}

for (const [kind, secret] of secrets) {
  suite(`a secret of ${kind} does not print`, () => {
    const ways: Readonly<Record<string, () => string>> = {
      'by String()': () => String(secret),
      'by toString()': () => secret.toString(),
      // eslint-disable-next-line typescript/restrict-template-expressions -- printing it is what is tried
      'by a template string': () => `${secret}`,
      'by concatenation': () => 'it is '.concat(secret as unknown as string),
      'by join': () => [secret, secret].join(),
      'by util.inspect': () => inspect(secret),
      'by util.inspect with all that it can show': () => inspect(secret, { showHidden: true, showProxy: true, getters: true, depth: null }),
      'by util.inspect without custom functions': () => inspect(secret, { customInspect: false, showHidden: true, depth: null }),
      'deep in an object': () => inspect({ a: { b: [secret, new Map([['k', secret]])] } }, { depth: null }),
      'by format %s': () => format('%s', secret),
      'by format %o and %O': () => format('%o %O', secret, secret),
      'by format %d, %i and %f': () => format('%d %i %f', secret, secret, secret),
      'by its keys and entries': () => inspect([Reflect.ownKeys(secret), Object.entries(secret), Object.assign({}, secret)]),
      'by its properties, own and inherited': () => inspect(Object.getOwnPropertyDescriptors(secret), { customInspect: false }),
      'in the message of an error': () => inspect(new Error('failed', { cause: secret })),
      'by the structured clone algorithm': () => inspect(structuredClone(Object.assign({}, secret)), { customInspect: false }),
      'by V8’s serialisation': () => serialize({ inner: Object.assign({}, secret) }).toString('latin1'),
    }
    for (const [way, print] of Object.entries(ways)) test(way, () => printed(print()))

    test('as JSON, which throws rather than hide a bug behind {}', () => {
      for (const value of [secret, { a: secret }, [[secret]]]) assert.throws(() => JSON.stringify(value), TypeError)
    })

    test('in the difference that a failed assertion shows', () => {
      assert.throws(() => assert.deepEqual({ key: secret }, { key: 'other' }), (error) => {
        printed(inspect(error))
        return true
      })
    })

    test('but is handed to whoever asks by name', () => {
      assert.equal(secret.expose((value) => Buffer.from(value as string).toString()), hidden)
    })
  })
}

test('a secret’s value cannot be reached from outside without expose', () => {
  const secret = new Secret(hidden)
  assert.deepEqual(Reflect.ownKeys(secret), [])
  assert.equal((secret as unknown as Record<string, unknown>)['value'], undefined)
  assert.equal((secret as unknown as Record<string, unknown>)['#value'], undefined)
})
