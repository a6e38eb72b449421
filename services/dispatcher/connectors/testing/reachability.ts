import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PaymentDirection } from '@ngome/contracts'
import { bound, type Trials } from './trial.ts'

/** A network that is away: certain that nothing was sent, and noticed before anything is. */
export function testReachability(trials: Trials, direction: PaymentDirection): void {
  test('connections refused: not sent, an enquiry knows nothing, and the next preparation notices until it is back', async () => {
    const { connector, interposer, requestFor, moved } = bound(trials)
    const request = await requestFor(direction)
    assert.equal(await connector.prepare(direction), 'ready')
    await interposer.close()
    // A kept connection that closed is noticed a moment later; a request that was written into it may have been heard.
    await sleep(50)
    try {
      assert.equal((await connector.request(request)).kind, 'not_sent')
      assert.equal((await connector.enquire(request)).kind, 'unknown')
      assert.equal(await connector.prepare(direction), 'unavailable')
    } finally {
      await interposer.open()
    }
    assert.equal(await connector.prepare(direction), 'ready')
    assert.equal(await moved(request), 0)
  })
}
