import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PaymentDirection } from '@ngome/contracts'
import type { Manner } from './interposer.ts'
import { bound, impatientMs, settled, type Trials } from './trial.ts'

const lateMs = impatientMs + 200

/** What happens to the request, and how often the network has it then. */
const requests: readonly [string, Manner, 0 | 1][] = [
  ...[500, 502, 503, 504, 408, 429, 404].map((status): [string, Manner, 0] => [`answers ${status}`, { kind: 'answer', status }, 0]),
  ['answers with a redirect', { kind: 'answer', status: 302, headers: { location: 'http://127.0.0.1:1/' } }, 0],
  ['hangs', { kind: 'hang' }, 0],
  ['cuts the connection', { kind: 'cut' }, 0],
  ['takes it and hangs', { kind: 'forward_and_hang' }, 1],
  ['takes it and cuts the connection', { kind: 'forward_and_cut' }, 1],
  ['takes it and answers 500', { kind: 'forward_and_answer', status: 500 }, 1],
  ['takes it and answers 504', { kind: 'forward_and_answer', status: 504 }, 1],
  ['takes it and answers too late', { kind: 'forward_late', delayMs: lateMs }, 1],
]
const enquiries: readonly [string, Manner][] = [
  ...[500, 503, 504, 429].map((status): [string, Manner] => [`answers ${status}`, { kind: 'answer', status }]),
  ['answers with a redirect', { kind: 'answer', status: 307, headers: { location: 'http://127.0.0.1:1/' } }],
  ['hangs', { kind: 'hang' }],
  ['cuts the connection', { kind: 'cut' }],
  ['answers too late', { kind: 'forward_late', delayMs: lateMs }],
]

/** Whatever is lost on the way: nobody guesses, and the same reference again moves money once. */
export function testLostAnswers(trials: Trials, direction: PaymentDirection): void {
  for (const [name, manner, moves] of requests) {
    test(`a network that ${name}: unknown, and the same reference again moves money once`, async () => {
      const { connector, impatient, interposer, requestFor, moved } = bound(trials)
      const request = await requestFor(direction)
      const first = isSilence(manner) ? impatient : connector
      await first.prepare(direction)
      interposer.script('request', manner)
      assert.equal((await first.request(request)).kind, 'unknown')
      await interposer.forwarded()
      assert.equal(interposer.calls('request').length - (direction === 'refund' ? 1 : 0), 1, 'it was asked by itself again')
      assert.equal(await moved(request), moves)
      assert.equal((await connector.request(request)).kind, 'taken')
      assert.equal((await settled(connector, request)).kind, 'succeeded')
      assert.equal(await moved(request), 1)
    })
  }
  for (const [name, manner] of enquiries) {
    test(`an enquiry at a network that ${name}: unknown, and the next one is answered`, async () => {
      const { connector, impatient, interposer, requestFor } = bound(trials)
      const request = await requestFor(direction)
      await connector.request(request)
      await settled(connector, request)
      const first = isSilence(manner) ? impatient : connector
      await first.prepare(direction)
      interposer.script('enquiry', manner)
      assert.equal((await first.enquire(request)).kind, 'unknown')
      assert.equal((await connector.enquire(request)).kind, 'succeeded')
    })
  }
}

/** Whether only the end of patience ends it. */
function isSilence({ kind }: Manner): boolean {
  return kind === 'hang' || kind === 'forward_and_hang' || kind === 'forward_late'
}
