import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { defaultKeySettings, noCaps } from '@ngome/access'
import { balancesSchema, decidedPayoutSchema, payoutBatchSchema, payoutPageSchema, type PayoutBatchView } from '@ngome/contracts'
import { newId, systemClock, systemRandom } from '@ngome/kernel'
import type { Answer } from '@ngome/testkit'
import { collectMoney } from '../testing/collect-money.ts'
import { problemIn } from '../testing/problem-in.ts'
import { SigningMerchant } from '../testing/signing-merchant.ts'
import { TestGateway } from '../testing/test-gateway.ts'

let running: TestGateway
let maker: SigningMerchant
let second: SigningMerchant
before(async () => {
  running = await TestGateway.start({
    config: (config) => ({ ...config, payouts: { ...config.payouts, approvalOver: { EUR: '10.00' }, approvalExpiresAfterS: 3_600 } }),
  })
  const merchant = await running.addMerchant()
  await collectMoney(running, merchant, { amount: '9000.00' })
  maker = await SigningMerchant.of(running, merchant)
  second = await SigningMerchant.beside(running, maker, { scopes: new Set(['payouts:approve', 'payouts:read']) })
})
after(() => running.close())

let serial = 0
const batchIn = (answer: Answer): PayoutBatchView => {
  assert.ok(answer.status < 300, answer.text)
  return payoutBatchSchema.parse(JSON.parse(answer.text))
}
const open = async (count = 4, total = `${count * 5}.00`): Promise<PayoutBatchView> =>
  batchIn(await maker.post('/v1/payout_batches', { reference: `wages-${++serial}`, currency: 'EUR', count, total }))
const addPart = (batch: PayoutBatchView, part: number, count = 2, by = maker): Promise<Answer> => by.post(`/v1/payout_batches/${batch.id}/payouts`, {
  part, batch_reference: batch.reference, currency: 'EUR', network: 'mtn-sandbox',
  payouts: Array.from({ length: count }, (_, at) => ({ reference: `w-${part}-${at}`, amount: '5.00', payee: { phone: '+46733198765' } })),
})
const read = async ({ id }: PayoutBatchView, by = maker): Promise<PayoutBatchView> => batchIn(await by.get(`/v1/payout_batches/${id}`))
async function whole(sentBy = maker): Promise<PayoutBatchView> {
  const batch = await open()
  for (const [part, by] of [[2, sentBy], [1, maker]] as const) {
    const answer = await addPart(batch, part, 2, by)
    assert.equal(answer.status, 201, answer.text)
  }
  return read(batch)
}
const seen = ({ reference, currency, count, total, approval }: PayoutBatchView) => ({ reference, currency, count, total, parts_digest: approval?.parts_digest })
const approve = (batch: PayoutBatchView, by = second, change: object = {}): Promise<Answer> => by.post(`/v1/payout_batches/${batch.id}/approve`, { ...seen(batch), ...change }, null)
const refuse = ({ id }: PayoutBatchView, by = second): Promise<Answer> => by.post(`/v1/payout_batches/${id}/refuse`, undefined, null)
const jobs = async ({ id }: PayoutBatchView): Promise<number> =>
  (await running.database.asAdmin(`SELECT 1 FROM pgboss.job j JOIN ngome.payout_batch_parts p ON p.id = j.data->>'part' WHERE p.batch = $1`, [id])).length
const available = async (): Promise<string | undefined> => balancesSchema.parse(JSON.parse((await maker.get('/v1/balances')).text)).data[0]?.available

async function refused(answer: Promise<Answer>, status: number, code: string, pointer?: string): Promise<void> {
  const problem = problemIn(await answer)
  assert.deepEqual([problem.status, problem.code, problem.errors?.[0]?.pointer], [status, code, pointer], JSON.stringify(problem))
}
async function stillWaits(batch: PayoutBatchView): Promise<void> {
  assert.deepEqual([(await read(batch)).status, await jobs(batch)], ['awaiting_approval', 0])
}

suite('a batch over the limit', () => {
  test('is opened as one that a second person approves; at the limit it needs none', async () => {
    const { approval, status } = await open()
    assert.deepEqual([status, approval?.asked.key, approval?.asked.signing_key, approval?.answer, approval?.parts_digest], ['open', maker.merchant.keyId, maker.keyId, null, null])
    assert.equal((await open(2)).approval, undefined)
  })

  test('waits once it is whole, with its money reserved and no job, and says what there is to sign', async () => {
    const before = Number(await available())
    const batch = await whole()
    assert.deepEqual([batch.status, batch.by_status, await jobs(batch)], ['awaiting_approval', [{ status: 'awaiting_approval', count: 4, total: '20.00' }], 0])
    assert.equal((before - Number(await available())).toFixed(2), '20.00')
    assert.match(batch.approval?.parts_digest ?? '', /^[0-9a-f]{64}$/)
    assert.notEqual((await whole()).approval?.parts_digest, batch.approval?.parts_digest)
    const listed = payoutPageSchema.parse(JSON.parse((await second.get(`/v1/payouts?batch=${batch.id}&status=awaiting_approval`)).text))
    assert.equal(listed.data.length, 4)
    const told = await running.database.asAdmin(`SELECT type, count(*)::int AS count, bool_and(proof IS NOT NULL) AS proven FROM ngome.object_events
      WHERE object IN (SELECT payment FROM ngome.payout_batch_rows WHERE batch = $1) GROUP BY type`, [batch.id])
    assert.deepEqual(told, [{ type: 'payout.awaiting_approval', count: 4, proven: true }])
  })

  test('goes on once a second person approved it, by a job for each part, once, and shows who', async () => {
    const batch = await whole()
    const first = batchIn(await approve(batch))
    assert.deepEqual([first.status, first.approval?.answer?.decision, first.approval?.answer?.key, first.approval?.answer?.signing_key],
      ['complete', 'approved', second.merchant.keyId, second.keyId])
    for (const again of await Promise.all([approve(batch), approve(batch), approve(batch)])) assert.deepEqual(batchIn(again), first)
    assert.deepEqual([await read(batch, second), await jobs(batch)], [first, 2])
    const events = await running.database.asAdmin(`SELECT type, data->>'signed_with' AS signed FROM ngome.events WHERE data->>'batch' = $1 ORDER BY at, id`, [batch.id])
    assert.deepEqual(events, [{ type: 'payout_batch.opened', signed: maker.keyId }, { type: 'payout_batch.approved', signed: second.keyId }])
    await refused(refuse(batch), 409, 'payout_batches/not_awaiting')
    await refused(addPart(batch, 3), 409, 'payout_batches/closed')
  })

  test('is refused by a second person, takes no answer after, and says so', async () => {
    const batch = await whole()
    const first = batchIn(await refuse(batch))
    assert.deepEqual([first.status, first.approval?.answer?.decision, await jobs(batch)], ['refused', 'refused', 2])
    assert.deepEqual(batchIn(await refuse(batch)), first)
    await refused(approve(batch), 409, 'payout_batches/not_awaiting')
  })

  test('is cancelled by who ordered it, its waiting rows too, and then by nobody decided', async () => {
    const before = await available()
    const batch = await whole()
    const cancelled = batchIn(await maker.post(`/v1/payout_batches/${batch.id}/cancel`, undefined, null))
    assert.deepEqual([cancelled.status, cancelled.by_status.map(({ status, count }) => [status, count]), await available()], ['cancelled', [['cancelled', 4]], before])
    await refused(approve(batch), 409, 'payout_batches/not_awaiting')
    await refused(refuse(batch), 409, 'payout_batches/not_awaiting')
  })

  test('of all who decide it at once one is first', async () => {
    for (let round = 0; round < 6; round++) {
      const batch = await whole()
      const third = await SigningMerchant.beside(running, maker)
      const answers = await Promise.all([approve(batch), refuse(batch, third), approve(batch), maker.post(`/v1/payout_batches/${batch.id}/cancel`, undefined, null)])
      const decided = new Set(answers.slice(0, 3).filter(({ status }) => status === 200).map((answer) => batchIn(answer).approval?.answer?.decision))
      assert.ok(decided.size <= 1, answers.map(({ text }) => text).join('\n'))
      assert.ok([0, 2].includes(await jobs(batch)))
    }
  })
})

suite('nobody is his own second person of a batch', () => {
  const attempts: readonly (readonly [string, () => SigningMerchant | Promise<SigningMerchant>])[] = [
    ['by the keys that opened it', () => maker],
    ['by another API key with the same signing key', async () => maker.with(running, await running.issueKey(maker.merchant.tenant))],
    ['by the same API key with another signing key', () => SigningMerchant.of(running, maker.merchant)],
    ['by a key that the opening\u2019s was rolled into', () => SigningMerchant.beside(running, maker, { caps: { ...noCaps, dayTotalOf: maker.merchant.keyId } })],
  ]
  for (const [what, by] of attempts) {
    test(what, async () => {
      const batch = await whole()
      const person = await by()
      await refused(approve(batch, person), 403, 'payout_batches/own_approval')
      await refused(refuse(batch, person), 403, 'payout_batches/own_approval')
      await stillWaits(batch)
    })
  }

  test('by either key of who sent a part of it', async () => {
    const helper = await SigningMerchant.beside(running, maker)
    const batch = await whole(helper)
    await refused(approve(batch, helper), 403, 'payout_batches/own_approval')
    await refused(approve(batch, helper.with(running, await running.issueKey(maker.merchant.tenant))), 403, 'payout_batches/own_approval')
    await refused(approve(batch, await SigningMerchant.of(running, helper.merchant)), 403, 'payout_batches/own_approval')
    await stillWaits(batch)
  })
})

suite('an approval of a batch is refused, and nothing goes out', () => {
  const wrong: readonly (readonly [string, object, number, string, string | undefined])[] = [
    ['that saw another total', { total: '5.00' }, 422, 'payout_batches/approval_differs', '/total'],
    ['that writes the total in another way', { total: '20' }, 422, 'payout_batches/approval_differs', '/total'],
    ['that saw another count', { count: 3 }, 422, 'payout_batches/approval_differs', '/count'],
    ['that saw another currency', { currency: 'UGX' }, 422, 'payout_batches/approval_differs', '/currency'],
    ['that saw another reference', { reference: 'wages' }, 422, 'payout_batches/approval_differs', '/reference'],
    ['that saw other parts', { parts_digest: 'a'.repeat(64) }, 422, 'payout_batches/approval_differs', '/parts_digest'],
    ['that says nothing of its parts', { parts_digest: undefined }, 422, 'request/invalid', '/parts_digest'],
    ['that says more', { note: 'yes' }, 422, 'request/invalid', ''],
  ]
  for (const [what, change, status, code, pointer] of wrong) {
    test(what, async () => {
      const batch = await whole()
      await refused(approve(batch, second, change), status, code, pointer)
      await stillWaits(batch)
    })
  }

  test('without a signature, with that of another batch\u2019s approval, and twice the same', async () => {
    const [one, other] = [await whole(), await whole()]
    const path = `/v1/payout_batches/${one.id}/approve`
    await refused(second.merchant.client.call({ method: 'POST', path, body: seen(one) }), 401, 'access/signature_required')
    const { headers } = second.request(`/v1/payout_batches/${other.id}/approve`, seen(one), null)
    await refused(second.send({ ...second.request(path, seen(one), null), headers }), 401, 'access/signature_refused')
    await stillWaits(one)
    const request = second.request(path, seen(one), null)
    assert.equal(batchIn(await second.send(request)).status, 'complete')
    await refused(second.send(request), 401, 'access/signature_refused')
  })

  test('by a key that may order and not approve, by another merchant, and of what is not there', async () => {
    const batch = await whole()
    const scopes = new Set([...defaultKeySettings().scopes].filter((scope) => scope !== 'payouts:approve'))
    await refused(approve(batch, await SigningMerchant.beside(running, maker, { scopes })), 403, 'access/scope_missing')
    await refused(approve(batch, await SigningMerchant.of(running, await running.addMerchant())), 404, 'payout_batches/unknown')
    await refused(approve({ ...batch, id: newId('payoutBatch', { clock: systemClock, random: systemRandom }) }), 404, 'payout_batches/unknown')
  })

  test('before it is whole, of one that needs none, and by a third person of one that was decided', async () => {
    const half = await open()
    await addPart(half, 1)
    await refused(approve(await read(half), second, { parts_digest: 'a'.repeat(64) }), 409, 'payout_batches/not_awaiting')
    await refused(refuse(half), 409, 'payout_batches/not_awaiting')
    const small = await open(2)
    await addPart(small, 1)
    await refused(approve(small, second, { parts_digest: 'a'.repeat(64) }), 409, 'payout_batches/not_awaiting')
    const batch = await whole()
    batchIn(await approve(batch))
    await refused(approve(batch, await SigningMerchant.beside(running, maker)), 409, 'payout_batches/not_awaiting')
  })

  test('of one row of it, as if it were a single payout', async () => {
    const batch = await whole()
    const { data: [row] } = payoutPageSchema.parse(JSON.parse((await maker.get(`/v1/payouts?batch=${batch.id}`)).text))
    assert.ok(row)
    const body = { amount: row.amount, currency: row.currency, reference: row.reference }
    await refused(second.post(`/v1/payouts/${row.id}/approve`, body, null), 409, 'payouts/not_awaiting')
    await refused(second.post(`/v1/payouts/${row.id}/refuse`, undefined, null), 409, 'payouts/not_awaiting')
    assert.equal(decidedPayoutSchema.parse(JSON.parse((await maker.get(`/v1/payouts/${row.id}`)).text)).status, 'awaiting_approval')
    await stillWaits(batch)
  })

  test('that comes after its time, which ends for its parts too, also before anybody ended it', async () => {
    const [batch, half] = [await whole(), await open()]
    await running.database.asAdmin(`SET session_replication_role = replica; UPDATE ngome.payout_batches SET created_at = created_at - interval '2 hours' WHERE id IN ('${batch.id}', '${half.id}')`)
    await refused(approve(batch), 409, 'payout_batches/not_awaiting')
    await refused(addPart(half, 1), 409, 'payout_batches/closed')
  })

  test('of more parts than who sends one could hold against it', async () => {
    await refused(addPart(await open(), 10_001), 422, 'request/invalid', '/part')
  })
})
