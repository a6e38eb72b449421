import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bound, type Trials } from './trial.ts'

const perSecondMax = 20
const enquiries = 8
/** What a timer of a busy machine may be early or late by. */
const toleranceMs = 15

/** The network's cap on enquiries, kept in every second and not only on average. */
export function testRates(trials: Trials): void {
  test('enquiries are spread under the cap, however many come at once', async () => {
    const { interposer, requestFor, connect } = bound(trials)
    const request = await requestFor('collection')
    const connector = await connect({ enquiriesPerSecondMax: perSecondMax })
    await connector.prepare('collection')
    interposer.reset()
    const startedAtMs = performance.now()
    await Promise.all(Array.from({ length: enquiries }, () => connector.enquire(request)))
    const at = interposer.calls('enquiry').map(({ atMs }) => atMs).toSorted((a, b) => a - b)
    assert.equal(at.length, enquiries)
    // From when they were asked for: on a busy machine the first may come late, and none comes early.
    const spanMs = (at.at(-1) ?? 0) - startedAtMs
    assert(spanMs >= (enquiries - 1) * (1_000 / perSecondMax) - toleranceMs, `${spanMs} ms`)
  })
  test('one that would wait too long is not asked, and knows nothing', async () => {
    const { interposer, requestFor, connect } = bound(trials)
    const request = await requestFor('collection')
    // One in ten seconds: a job does not wait that long.
    const connector = await connect({ enquiriesPerSecondMax: 0.1 })
    await connector.prepare('collection')
    interposer.reset()
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => connector.enquire(request)))
    assert.deepEqual(outcomes.map(({ kind }) => kind), ['not_found', ...Array<string>(4).fill('unknown')])
    assert.equal(interposer.calls('enquiry').length, 1)
  })
}
