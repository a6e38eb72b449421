import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, before, test } from 'node:test'
import { Ngome, SigningKey, ValidationError, type BatchProgress, type BatchedPayout } from '@ngome/sdk'
import { collectMoney } from '../testing/collect-money.ts'
import { TestGateway } from '../testing/test-gateway.ts'

let running: TestGateway
let ngome: Ngome

before(async () => {
  running = await TestGateway.start()
  const merchant = await running.addMerchant()
  await collectMoney(running, merchant, { amount: '5000.00' })
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const keyId = await running.addSigningKey(merchant, publicKey)
  ngome = new Ngome({
    apiKey: merchant.key, baseUrl: `https://localhost:${running.port}`, ca: running.custody.authority.pem, world: 'test',
    signingKey: new SigningKey({ keyId, privateKey: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString() }),
  })
})
after(async () => {
  ngome.close()
  await running.close()
})

const count = 1_150
const batch = { reference: 'wages', currency: 'EUR', network: 'mtn-sandbox', count, total: '1150.00' }

/** As from a file or a cursor. `held`: how far ahead of what was accepted it was read. */
async function* rowsUpTo(end: number, fails = false): AsyncGenerator<BatchedPayout> {
  for (let at = 0; at < end; at++) yield { reference: `w-${at}`, amount: '1.00', payee: { phone: '+46733198765' } }
  if (fails) throw new Error('the source broke')
}

test('a batch is sent as a stream, and after a crash goes on where it stopped, paying nothing twice', async () => {
  await assert.rejects(ngome.payoutBatches.send(batch, rowsUpTo(700, true), { idempotencyKey: 'run-1' }), /the source broke/)
  const progress: BatchProgress[] = []
  const sent = await ngome.payoutBatches.send(batch, rowsUpTo(count), { idempotencyKey: 'run-1', onProgress: (one) => progress.push(one) })
  assert.deepEqual([sent.status, sent.accepted, sent.by_status], ['complete', { count, total: '1150.00' }, [{ status: 'accepted', count, total: '1150.00' }]])
  assert.deepEqual([progress.length, progress.at(-1)], [3, { rowsRead: count, rowsAccepted: count, partsAccepted: 3, count }])
  // No more than the parts under way and the one that is made.
  assert.ok(progress.every(({ rowsRead, rowsAccepted }) => rowsRead - rowsAccepted <= 3 * 500))
  const again = await ngome.payoutBatches.send(batch, rowsUpTo(count), { idempotencyKey: 'run-1' })
  assert.deepEqual([again.id, again.accepted.count], [sent.id, count])
  const seen = new Set<string>()
  for await (const payout of ngome.payouts.list({ batch: sent.id, limit: 100 })) seen.add(payout.reference)
  assert.equal(seen.size, count)
})

test('a row that is wrong is named, and no part after it is sent', async () => {
  const rows = [{ reference: 'a', amount: '1.00', payee: { phone: '+254712345678' } }]
  await assert.rejects(ngome.payoutBatches.send({ ...batch, reference: 'wages-2', count: 1, total: '1.00' }, rows, { idempotencyKey: 'run-2' }), (error) => {
    assert.ok(error instanceof ValidationError)
    assert.deepEqual(error.fields.map(({ pointer, code }) => [pointer, code]), [['/payouts/0/payee/phone', 'request/invalid']])
    return true
  })
  await assert.rejects(ngome.payoutBatches.send({ ...batch, reference: 'wages-3', count: 1, total: '1.00' }, [{ ...rows[0], reference: 'a', amount: '-1', payee: { phone: 'x' } }], { idempotencyKey: 'run-3' }), ValidationError)
  await assert.rejects(ngome.payoutBatches.send({ ...batch, reference: 'wages-4' }, [], { idempotencyKey: 'run-4', concurrency: 0 }), ValidationError)
})
