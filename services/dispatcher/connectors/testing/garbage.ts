import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import type { PaymentDirection } from '@ngome/contracts'
import { bound, type Trials } from './trial.ts'

const deep = 60_000
const bodies: readonly [string, string | Uint8Array][] = [
  ['nothing', ''],
  ['a megabyte', 'x'.repeat(1_048_576)],
  ['bytes that are no text', randomBytes(2_000)],
  ['a page for people', '<!doctype html><title>Bad gateway</title>'],
  ['half of an answer', '{"status":"SUCC'],
  ['null', 'null'],
  ['a list', '[{"status":"SUCCESSFUL"}]'],
  ['a word', '"SUCCESSFUL"'],
  ['deep lists', '['.repeat(deep) + ']'.repeat(deep)],
  ['deep objects', '{"data":'.repeat(5_000) + '1' + '}'.repeat(5_000)],
  ['other types', '{"status":{"a":1},"data":7,"code":[1],"access_token":{"a":1},"expires_in":"soon","amount":[],"reason":9}'],
  ['keys of JavaScript\'s own', '{"__proto__":{"status":"SUCCESSFUL"},"constructor":{"prototype":{"code":"x"}}}'],
]

/** Whatever comes back: no throw, no end, no token. */
export function testGarbage(trials: Trials, direction: PaymentDirection): void {
  for (const [name, body] of bodies) {
    test(`${name} is no answer to a request, an enquiry or a question for a token`, async () => {
      const { connector, interposer, requestFor, connect } = bound(trials)
      const request = await requestFor(direction)
      await connector.prepare(direction)
      for (const status of [200, 500]) {
        interposer.script('request', { kind: 'answer', status, body })
        assert.equal((await connector.request(request)).kind, 'unknown')
        interposer.script('enquiry', { kind: 'answer', status, body })
        assert.equal((await connector.enquire(request)).kind, 'unknown')
      }
      interposer.script('token', { kind: 'answer', status: 200, body })
      assert.equal(await (await connect()).prepare(direction), 'unavailable')
    })
  }
}
