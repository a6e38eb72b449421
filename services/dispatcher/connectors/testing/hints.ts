import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { NetworkUnderTest } from './network-under-test.ts'
import { bound, settled, type Trials } from './trial.ts'

/** Callbacks: read for what they claim, and never believed. */
export function testHints(trials: Trials, under: NetworkUnderTest): void {
  for (const { body, claims } of under.callbacks) {
    test(`a callback claims ${claims ?? 'nothing'}: ${body.slice(0, 60)}`, () => {
      assert.equal(trials().connector.readCallback(Buffer.from(body)), claims)
    })
  }
  test('any bytes are read without a throw, and claim nothing', () => {
    const { connector } = trials()
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => { assert.equal(connector.readCallback(bytes), undefined) }))
    fc.assert(fc.property(fc.json(), (text) => { assert.equal(connector.readCallback(Buffer.from(text)), undefined) }))
    assert.equal(connector.readCallback(Buffer.from('['.repeat(60_000))), undefined)
  })
  test('a callback changes nothing of what an enquiry says', async () => {
    const { connector, requestFor } = bound(trials)
    const request = await requestFor('collection')
    await connector.request(request)
    for (const { body } of under.callbacks) connector.readCallback(Buffer.from(body))
    assert.equal((await settled(connector, request)).kind, 'succeeded')
  })
}
