import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PaymentDirection } from '@ngome/contracts'
import { bound, type Trials } from './trial.ts'

/** The hook on which the dispatcher's promise stands: committed as sent before the first byte leaves. */
export function testFirstByte(trials: Trials, direction: PaymentDirection): void {
  test('is asked once before anything of the request has left', async () => {
    const { connector, interposer, requestFor } = bound(trials)
    const made = await requestFor(direction)
    interposer.reset()
    const heardWhenAsked: number[] = []
    await connector.request({
      ...made,
      beforeFirstByte: async () => {
        // Time enough for a byte that left too early to arrive.
        await sleep(30)
        heardWhenAsked.push(interposer.calls('request').length)
        return true
      },
    })
    assert.deepEqual([heardWhenAsked, interposer.calls('request').length], [[0], 1])
  })
  test('a no holds everything back: not sent, nothing heard, nothing moved', async () => {
    const { connector, interposer, requestFor, moved } = bound(trials)
    const made = await requestFor(direction)
    interposer.reset()
    assert.equal((await connector.request({ ...made, beforeFirstByte: async () => false })).kind, 'not_sent')
    assert.equal(interposer.calls('request').length, 0)
    assert.equal(await moved(made), 0)
  })
  test('what the hook throws is thrown, and nothing is sent', async () => {
    const { connector, interposer, requestFor } = bound(trials)
    const made = await requestFor(direction)
    interposer.reset()
    const failure = new Error('the database is away')
    await assert.rejects(connector.request({ ...made, beforeFirstByte: async () => { throw failure } }), failure)
    assert.equal(interposer.calls('request').length, 0)
  })
  test('a second writing of the same request is asked for again', async () => {
    const { connector, interposer, requestFor } = bound(trials)
    const made = await requestFor(direction)
    interposer.reset()
    interposer.script('request', { kind: 'answer', ...trials().under.tokenExpired })
    let asked = 0
    const beforeFirstByte = async (): Promise<boolean> => ++asked > 0
    await connector.request({ ...made, beforeFirstByte })
    assert.equal(asked, interposer.calls('request').length)
  })
}
