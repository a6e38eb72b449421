import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { defaultKeySettings, noCaps } from '@ngome/access'
import { balancesSchema, decidedPayoutSchema, payoutPageSchema, type DecidedPayoutView } from '@ngome/contracts'
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

const order = { amount: '50.00', currency: 'EUR', network: 'mtn-sandbox', payee: { phone: '+46733198765' }, reference: 'wages-47' }
const seen = { amount: '50.00', currency: 'EUR', reference: 'wages-47', payee: { phone: '+46•••765' } }

function payoutIn(answer: Answer): DecidedPayoutView {
  assert.ok(answer.status < 300, answer.text)
  return decidedPayoutSchema.parse(JSON.parse(answer.text))
}
const waiting = async (changes: object = {}): Promise<DecidedPayoutView> => payoutIn(await maker.post('/v1/payouts', { ...order, ...changes }))
const approve = (id: string, by = second, body: object = seen): Promise<Answer> => by.post(`/v1/payouts/${id}/approve`, body, null)
const refuse = (id: string, by = second): Promise<Answer> => by.post(`/v1/payouts/${id}/refuse`, undefined, null)
const read = async (id: string): Promise<DecidedPayoutView> => payoutIn(await maker.get(`/v1/payouts/${id}`))
const jobs = async (id: string): Promise<number> => (await running.database.asAdmin(`SELECT 1 FROM pgboss.job WHERE data->>'payment' = $1`, [id])).length
async function available(): Promise<string | undefined> {
  return balancesSchema.parse(JSON.parse((await maker.get('/v1/balances')).text)).data[0]?.available
}

async function refused(answer: Promise<Answer>, status: number, code: string, pointer?: string): Promise<void> {
  const problem = problemIn(await answer)
  assert.deepEqual([problem.status, problem.code, problem.errors?.[0]?.pointer], [status, code, pointer], JSON.stringify(problem))
}

suite('a payout over the limit', () => {
  test('waits with its money reserved, says who asked, and no job sends it; one at the limit does not wait', async () => {
    const before = await available()
    const { id, status } = await waiting()
    assert.deepEqual([status, await jobs(id)], ['awaiting_approval', 0])
    assert.notEqual(await available(), before)
    const { approval } = await read(id)
    assert.deepEqual([approval?.asked.key, approval?.asked.signing_key, approval?.answer], [maker.merchant.keyId, maker.keyId, null])
    const listed = payoutPageSchema.parse(JSON.parse((await maker.get('/v1/payouts?status=awaiting_approval&limit=1')).text))
    assert.deepEqual(listed.data.map((one) => one.id), [id])
    const small = await waiting({ amount: '10.00' })
    assert.deepEqual([small.status, await jobs(small.id), (await read(small.id)).approval], ['accepted', 1, undefined])
  })

  test('goes on once a second person approved it, once, is told so, and shows who', async () => {
    const { id } = await waiting()
    const first = payoutIn(await approve(id))
    assert.deepEqual([first.status, first.approval?.answer?.decision, first.approval?.answer?.key, first.approval?.answer?.signing_key],
      ['accepted', 'approved', second.merchant.keyId, second.keyId])
    for (const again of await Promise.all([approve(id), approve(id), approve(id)])) assert.deepEqual(payoutIn(again), first)
    assert.deepEqual([await read(id), await jobs(id)], [first, 1])
    const told = await running.database.asAdmin('SELECT type, proof IS NOT NULL AS proven FROM ngome.object_events WHERE object = $1 ORDER BY sequence', [id])
    assert.deepEqual(told, [{ type: 'payout.awaiting_approval', proven: true }, { type: 'payout.accepted', proven: true }])
    const events = await running.database.asAdmin(`SELECT type, data->>'signed_with' AS signed FROM ngome.events WHERE data->>'payment' = $1 ORDER BY at, id`, [id])
    assert.deepEqual(events, [{ type: 'payout.awaiting_approval', signed: maker.keyId }, { type: 'payout.approved', signed: second.keyId }])
    const [kept] = await running.database.asAdmin(`SELECT base || body AS text FROM ngome.payout_approvals WHERE payment = $1 AND is_answer`, [id])
    assert.doesNotMatch(String(kept?.['text']), /33198765/)
  })

  test('is refused by a second person: it fails, and what was reserved is back', async () => {
    const before = await available()
    const { id } = await waiting()
    const first = payoutIn(await refuse(id))
    assert.deepEqual([first.status, first.failure, first.approval?.answer?.decision], ['failed', { code: 'approval_refused' }, 'refused'])
    assert.deepEqual([payoutIn(await refuse(id)), await available(), await jobs(id)], [first, before, 0])
    await refused(approve(id), 409, 'payouts/not_awaiting')
  })

  test('is cancelled by who ordered it, and then by nobody approved', async () => {
    const { id } = await waiting()
    assert.equal(payoutIn(await maker.post(`/v1/payouts/${id}/cancel`, undefined, null)).status, 'cancelled')
    await refused(approve(id), 409, 'payouts/not_awaiting')
    await refused(refuse(id), 409, 'payouts/not_awaiting')
  })

  test('of all who decide it at once one is first', async () => {
    for (let round = 0; round < 10; round++) {
      const { id } = await waiting()
      const answers = await Promise.all([approve(id), refuse(id), maker.post(`/v1/payouts/${id}/cancel`, undefined, null)])
      const done = answers.filter((answer) => answer.status === 200).map((answer) => payoutIn(answer).status)
      const { status } = await read(id)
      // What was approved may be cancelled while nothing was sent.
      assert.ok(done.length === 1 || (done.length === 2 && status === 'cancelled'), answers.map((answer) => answer.text).join('\n'))
      assert.ok(done.includes(status))
    }
  })
})

suite('nobody is his own second person', () => {
  const attempts: readonly (readonly [string, () => SigningMerchant | Promise<SigningMerchant>])[] = [
    ['by the same keys', () => maker],
    ['by another API key with the same signing key', async () => maker.with(running, await running.issueKey(maker.merchant.tenant))],
    ['by the same API key with another signing key', () => SigningMerchant.of(running, maker.merchant)],
    ['by a key that the order\u2019s was rolled into', () => SigningMerchant.beside(running, maker, { caps: { ...noCaps, dayTotalOf: maker.merchant.keyId } })],
  ]
  for (const [what, by] of attempts) {
    test(what, async () => {
      const { id } = await waiting()
      const person = await by()
      await refused(approve(id, person), 403, 'payouts/own_approval')
      await refused(refuse(id, person), 403, 'payouts/own_approval')
      assert.deepEqual([(await read(id)).status, await jobs(id)], ['awaiting_approval', 0])
    })
  }

  test('nor by the database, where a gateway forgets to look', async () => {
    const { id } = await waiting()
    const insert = (keyLine: string, signingKey: string): Promise<unknown> => running.database.asAdmin(`INSERT INTO ngome.payout_approvals
        (merchant, world, payment, decision, api_key, key_line, signing_key, at)
      VALUES ($1, $2, $3, 'refused', $4, $4, $5, now())`, [maker.merchant.tenant.merchant, maker.merchant.tenant.world, id, keyLine, signingKey])
    await assert.rejects(insert(maker.merchant.keyId, second.keyId), { code: 'NG001' })
    await assert.rejects(insert(second.merchant.keyId, maker.keyId), { code: 'NG001' })
    await assert.rejects(running.database.asAdmin('DELETE FROM ngome.payout_approvals WHERE payment = $1', [id]), { code: 'NG003' })
    await insert(second.merchant.keyId, second.keyId)
    await assert.rejects(insert(second.merchant.keyId, second.keyId), { code: '23505' })
  })
})

suite('an approval is refused, and nothing goes out', () => {
  const wrong: readonly (readonly [string, object, number, string, string | undefined])[] = [
    ['that saw another amount', { amount: '5.00' }, 422, 'payouts/approval_differs', '/amount'],
    ['that writes the amount in another way', { amount: '50' }, 422, 'payouts/approval_differs', '/amount'],
    ['that saw another currency', { currency: 'UGX' }, 422, 'payouts/approval_differs', '/currency'],
    ['that saw another reference', { reference: 'wages-48' }, 422, 'payouts/approval_differs', '/reference'],
    ['that saw another payee', { payee: { phone: '+46•••766' } }, 422, 'payouts/approval_differs', '/payee/phone'],
    ['with a number in clear, which would be kept', { payee: { phone: '+46733198765' } }, 422, 'request/invalid', '/payee/phone'],
    ['that says more', { note: 'yes' }, 422, 'request/invalid', ''],
  ]
  for (const [what, changes, status, code, pointer] of wrong) {
    test(what, async () => {
      const { id } = await waiting()
      await refused(approve(id, second, { ...seen, ...changes }), status, code, pointer)
      assert.deepEqual([(await read(id)).status, await jobs(id)], ['awaiting_approval', 0])
    })
  }

  test('without a signature, with that of another payout\u2019s approval, and twice the same', async () => {
    const [one, other] = [await waiting(), await waiting()]
    const path = `/v1/payouts/${one.id}/approve`
    await refused(second.merchant.client.call({ method: 'POST', path, body: seen }), 401, 'access/signature_required')
    const { headers } = second.request(`/v1/payouts/${other.id}/approve`, seen, null)
    await refused(second.send({ ...second.request(path, seen, null), headers }), 401, 'access/signature_refused')
    assert.equal((await read(one.id)).status, 'awaiting_approval')
    const request = second.request(path, seen, null)
    assert.equal(payoutIn(await second.send(request)).status, 'accepted')
    await refused(second.send(request), 401, 'access/signature_refused')
  })

  test('by a key that may order and not approve, by another merchant, and of what is not there', async () => {
    const { id } = await waiting()
    const scopes = new Set([...defaultKeySettings().scopes].filter((scope) => scope !== 'payouts:approve'))
    await refused(approve(id, await SigningMerchant.beside(running, maker, { scopes })), 403, 'access/scope_missing')
    await refused(approve(id, await SigningMerchant.of(running, await running.addMerchant())), 404, 'payouts/unknown')
    await refused(approve(newId('payout', { clock: systemClock, random: systemRandom })), 404, 'payouts/unknown')
  })

  test('of a payout that needs none, and by a third person of one that was approved', async () => {
    const small = await waiting({ amount: '10.00' })
    await refused(approve(small.id, second, { ...seen, amount: '10.00' }), 409, 'payouts/not_awaiting')
    const { id } = await waiting()
    payoutIn(await approve(id))
    const third = await SigningMerchant.beside(running, maker)
    await refused(approve(id, third), 409, 'payouts/not_awaiting')
    await refused(refuse(id, third), 409, 'payouts/not_awaiting')
  })

  test('that comes after its time, also before anybody failed the payout', async () => {
    const { id } = await waiting()
    await running.database.asAdmin(`SET session_replication_role = replica; UPDATE ngome.payments SET created_at = created_at - interval '2 hours' WHERE id = '${id}'`)
    await refused(approve(id), 409, 'payouts/not_awaiting')
  })
})
