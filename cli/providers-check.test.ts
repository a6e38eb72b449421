import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NetworkCheck } from '@ngome/contracts'
import { isUsable, linesOf } from './providers-check.ts'

const product = { product: 'collection', outcome: 'good', status: 200, clock_skew_s: 0 } as const
const check: NetworkCheck = {
  network: 'mtn-ug', world: 'live', connector: 'mtn-momo', directions: ['collection', 'payout'], products: [product], balance: { amount: '1000', currency: 'UGX' },
}

test('a network with good credentials is good', () => {
  assert.ok(isUsable(check))
  assert.deepEqual(linesOf(check), [
    'good   mtn-ug  live  mtn-momo  collection,payout  balance 1000 UGX', '       collection: its credentials are good',
  ])
})

const wrong: readonly (readonly [what: string, change: Partial<NetworkCheck>, says: RegExp])[] = [
  ['that refuses the credentials', { products: [{ ...product, outcome: 'refused', status: 401 }] }, /refuses the credentials.*\(401\)/],
  ['of whose products one does not answer', { products: [product, { ...product, product: 'disbursement', outcome: 'away', status: null }] }, /disbursement: it does not answer/],
  ['that says nothing of them', { products: [{ ...product, outcome: 'failing', status: 500 }] }, /not that they are good \(500\)/],
  ['whose clock is ahead', { products: [{ ...product, clock_skew_s: 40 }] }, /40 s ahead of ours/],
  ['whose clock is behind', { products: [{ ...product, clock_skew_s: -3_600 }] }, /3600 s behind ours/],
  ['that cannot be asked', { products: [], balance: null }, /balance not told[\s\S]*cannot be asked/],
]
for (const [what, change, says] of wrong) {
  test(`a network ${what} fails, and the line says so`, () => {
    const seen = { ...check, ...change }
    assert.equal(isUsable(seen), false)
    assert.match(linesOf(seen).join('\n'), /^FAILS/)
    assert.match(linesOf(seen).join('\n'), says)
  })
}
