import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { emit } from '@ngome/contracts'
import { newId, systemClock, systemRandom, type PayoutBatchId } from '@ngome/kernel'
import { Purse, testDatabase, testPayoutBatch, testPayoutPart, type TestDatabase } from '@ngome/testkit'
import type { Database } from '../database.ts'
import { inTenant } from '../transaction.ts'
import { acceptPayoutPart } from './accept-payout-part.ts'
import { findBatchApproval } from './batch-approvals.ts'
import { cancelPayoutBatch } from './cancel-payout-batch.ts'
import { decidePayoutBatch, expirePayoutBatch, findUndecidedBatches } from './decide-payout-batch.ts'
import { findPayoutBatchStanding } from './payout-batches.ts'
import { changeWaitingRows, findPartDecision } from './waiting-rows.ts'

const from = { clock: systemClock, random: systemRandom }
let database: TestDatabase
let gateway: Database
let dispatcher: Database
let purse: Purse
before(async () => {
  database = await testDatabase()
  gateway = database.open('ngome_gateway', { poolMax: 8 })
  dispatcher = database.open('ngome_dispatcher', { poolMax: 4 })
})
after(() => database.close())
beforeEach(async () => {
  purse = await Purse.open(database, gateway, dispatcher)
  await purse.move(100_000n)
})

const newParty = () => {
  const apiKey = newId('apiKey', from)
  return { apiKey, keyLine: apiKey, signingKey: newId('merchantSigningKey', from) }
}
type Party = ReturnType<typeof newParty>
const [maker, helper, second] = [newParty(), newParty(), newParty()]
const atMs = (): number => systemClock.nowMs()
const waiting = (count: number): Promise<PayoutBatchId> => testPayoutBatch(gateway, purse.merchant, { count, totalMinor: BigInt(count) * 500n }, { askedBy: maker })
const part = (batch: PayoutBatchId, number: number, count: number, by: Party = maker) => testPayoutPart(purse.merchant, batch, number, count, { status: 'awaiting_approval', orderedBy: by })
async function whole(by: Party = maker): Promise<{ readonly batch: PayoutBatchId; readonly parts: readonly ReturnType<typeof part>[] }> {
  const batch = await waiting(4)
  const parts = [part(batch, 2, 2, by), part(batch, 1, 2)]
  for (const each of parts) assert.equal((await acceptPayoutPart(gateway, each)).kind, 'accepted')
  return { batch, parts }
}
const proof = { base: 'b', signature: 's', body: '{}' }
const decide = (batch: PayoutBatchId, decision: 'approved' | 'refused' = 'approved', by: Party = second) => decidePayoutBatch(gateway, purse.merchant.tenant, {
  batch, atMs: atMs(), answer: decision === 'approved' ? { ...by, decision, proof } : { ...by, decision },
  event: emit({ ...from, process: 'gateway' }, `payout_batch.${decision}`, purse.merchant.tenant, { batch, asked_with: by.apiKey, signed_with: by.signingKey }),
})
const expire = (batch: PayoutBatchId) => expirePayoutBatch(dispatcher, purse.merchant.tenant, {
  batch, atMs: atMs(), event: emit({ ...from, process: 'dispatcher' }, 'payout_batch.approval_expired', purse.merchant.tenant, { batch }),
})
const cancel = (batch: PayoutBatchId) => cancelPayoutBatch(gateway, purse.merchant.tenant, batch, atMs(),
  emit({ ...from, process: 'gateway' }, 'payout_batch.cancelled', purse.merchant.tenant, { batch, asked_with: maker.apiKey, signed_with: maker.signingKey }))
const jobs = async (): Promise<readonly unknown[]> => (await database.asAdmin(`SELECT data->>'part' AS part FROM pgboss.job WHERE name = 'payout-part' AND data->>'merchant' = $1`, [purse.merchant.tenant.merchant])).map((row) => row['part'])
const standing = async (batch: PayoutBatchId): Promise<unknown> => (await findPayoutBatchStanding(gateway, purse.merchant.tenant, batch))?.standing.map(({ status, count }) => `${count} ${status}`)
const change = (to: Parameters<typeof changeWaitingRows>[3]['to']) => ({
  to, atMs: atMs(), prove: () => systemRandom.bytes(32),
  events: (payment: Parameters<Parameters<typeof changeWaitingRows>[3]['events']>[0]) => [emit({ ...from, process: 'dispatcher' }, 'payout.approved', purse.merchant.tenant, { payment, status: to.status })],
})
const asGateway = (text: string): Promise<unknown> => asRole(gateway, text)
async function asRole(db: Database, text: string): Promise<unknown> {
  const { merchant, world } = purse.merchant.tenant
  const client = await db.pool.connect()
  try {
    await client.query(`BEGIN; SELECT set_config('ngome.merchant', '${merchant}', true), set_config('ngome.world', '${world}', true)`)
    const result = await client.query(text)
    await client.query('COMMIT')
    return result
  } catch (error) {
    await client.query('ROLLBACK')
    throw error
  } finally {
    client.release()
  }
}

describe('a batch that needs an approval', () => {
  test('waits with its money reserved and no job; approved it has one for each part, once', async () => {
    const { batch, parts } = await whole()
    assert.deepEqual([await standing(batch), await jobs()], [['4 awaiting_approval'], []])
    assert.equal((await acceptPayoutPart(gateway, part(await waiting(200), 1, 200))).kind, 'not_covered')
    const found = await findBatchApproval(dispatcher, purse.merchant.tenant, batch)
    assert.deepEqual([found.asked?.keyLine, found.answer, found.parts.map(({ number }) => number)], [maker.keyLine, null, [1, 2]])
    assert.deepEqual(found.parts.map(({ digest }) => Buffer.from(digest).toString('hex')), parts.toReversed().map((each) => Buffer.from(each.part.digest).toString('hex')))
    const answers = await Promise.all([decide(batch), decide(batch), decide(batch)])
    assert.deepEqual(answers, ['decided', 'decided', 'decided'])
    assert.deepEqual(new Set(await jobs()), new Set(parts.map((each) => each.part.id)))
    assert.equal((await jobs()).length, 2)
    assert.equal((await findBatchApproval(dispatcher, purse.merchant.tenant, batch)).answer?.decision, 'approved')
    const [told] = await database.asAdmin(`SELECT count(*)::int AS count FROM ngome.events e JOIN ngome.audit_leaves l ON l.event = e.id WHERE e.type = 'payout_batch.approved' AND e.data->>'batch' = $1`, [batch])
    assert.equal(told?.['count'], 1)
  })

  test('lets rows of each part go on, by the dispatcher, proven and told of, and their money stays reserved', async () => {
    const { batch, parts: [one] } = await whole()
    assert.ok(one)
    assert.equal(await findPartDecision(dispatcher, purse.merchant.tenant, one.part.id), undefined)
    await decide(batch)
    assert.deepEqual(await findPartDecision(dispatcher, purse.merchant.tenant, one.part.id), { batch, decision: 'approved' })
    assert.equal(await changeWaitingRows(dispatcher, purse.merchant.tenant, one.part.id, change({ status: 'accepted' })), 2)
    assert.equal(await changeWaitingRows(dispatcher, purse.merchant.tenant, one.part.id, change({ status: 'accepted' })), 0)
    assert.deepEqual(await standing(batch), ['2 accepted', '2 awaiting_approval'])
    assert.equal(await findPartDecision(dispatcher, purse.merchant.tenant, one.part.id), undefined)
    const ids = one.rows.map(({ payment }) => payment.id)
    const told = await database.asAdmin(`SELECT type, count(*)::int AS count, bool_and(proof IS NOT NULL) AS proven FROM ngome.object_events WHERE object = ANY ($1) GROUP BY type ORDER BY type`, [ids])
    assert.deepEqual(told, [{ type: 'payout.accepted', count: 2, proven: true }, { type: 'payout.awaiting_approval', count: 2, proven: true }])
    const [ended] = await database.asAdmin(`SELECT count(*)::int AS count FROM ngome.transfers WHERE payment = ANY ($1) AND is_end`, [ids])
    assert.equal(ended?.['count'], 0)
  })

  test('gives money back where it was refused', async () => {
    const { batch, parts } = await whole()
    assert.equal(await decide(batch, 'refused'), 'decided')
    for (const each of parts) assert.equal(await changeWaitingRows(dispatcher, purse.merchant.tenant, each.part.id, change({ status: 'failed', failure: 'approval_refused' })), 2)
    assert.deepEqual(await standing(batch), ['4 failed'])
    const fresh = await testPayoutBatch(gateway, purse.merchant, { count: 200, totalMinor: 100_000n })
    assert.equal((await acceptPayoutPart(gateway, testPayoutPart(purse.merchant, fresh, 1, 200))).kind, 'accepted', 'to the last cent')
  })

  test('ends where nobody decides it: found once, closed for parts and answers, with a job for each part that came', async () => {
    const batch = await waiting(4)
    const first = part(batch, 1, 2)
    await acceptPayoutPart(gateway, first)
    const found = async () => (await findUndecidedBatches(dispatcher, { olderThanMs: 0, limit: 1_000 })).some((each) => each.batch === batch)
    assert.equal(await found(), true)
    assert.deepEqual([await expire(batch), await expire(batch), await found(), await jobs()], [true, false, false, [first.part.id]])
    assert.equal((await acceptPayoutPart(gateway, part(batch, 2, 2))).kind, 'closed')
    assert.equal(await decide(batch), 'not_awaiting')
    const decided = await whole()
    await decide(decided.batch)
    assert.equal(await expire(decided.batch), false)
  })

  test('costs nothing of who looks for undecided ones once it was answered, however many there were', async () => {
    const { batch } = await whole()
    const addOld = (isAnswered: boolean): Promise<unknown> => database.asAdmin(`INSERT INTO ngome.payout_batches
        (id, merchant, world, reference, currency, declared_count, declared_minor, api_key, created_at, updated_at, needs_approval, is_answered)
      SELECT 'pbt_0' || lpad(n::text, 25, '${isAnswered ? 'a' : 'b'}'), merchant, world, 'old-' || n, currency, 1, 1, api_key, now() - interval '1 year' - n * interval '1 s', now(), true, ${isAnswered}
      FROM ngome.payout_batches, generate_series(1, 3000) n WHERE id = '${batch}'`)
    const read = async (): Promise<number> => {
      await database.asAdmin('VACUUM ANALYZE ngome.payout_batches')
      const [plan] = await database.asAdmin(`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT * FROM ngome.find_undecided_batches(interval '1 day', 1000)`)
      assert.ok(plan)
      const [{ Plan: node }] = plan['QUERY PLAN'] as [{ Plan: Record<string, number> }]
      return (node['Shared Hit Blocks'] ?? 0) + (node['Shared Read Blocks'] ?? 0)
    }
    const few = await read()
    await addOld(true)
    const answered = await read()
    assert.ok(answered <= few + 8, `${answered} blocks beside three thousand that were answered, ${few} without`)
    assert.deepEqual(await findUndecidedBatches(dispatcher, { olderThanMs: 86_400_000, limit: 1_000 }), [])
    await addOld(false)
    const undecided = await read()
    assert.ok(undecided > answered + 8, `${undecided} blocks beside ${answered} and ${few}: the look is not seen`)
    assert.equal((await findUndecidedBatches(dispatcher, { olderThanMs: 86_400_000, limit: 1_000 })).length, 1_000)
    await database.asAdmin(`SET session_replication_role = replica; DELETE FROM ngome.payout_batches WHERE reference LIKE 'old-%'; SET session_replication_role = origin`)
  })

  test('is decided once, whoever is first of those who approve, refuse, cancel and run out of time', async () => {
    for (let round = 0; round < 6; round++) {
      const { batch } = await whole()
      const answers = await Promise.all([decide(batch), decide(batch, 'refused', newParty()), expire(batch), cancel(batch)])
      const won = [answers[0] === 'decided', answers[1] === 'decided', answers[2]].filter(Boolean).length
      assert.ok(won <= 1, JSON.stringify(answers))
    }
  })

  test('is decided with a job for each part or not at all, where who decides dies on the way', async () => {
    const { batch, parts } = await whole()
    const { tenant } = purse.merchant
    const event = emit({ ...from, process: 'gateway' }, 'payout_batch.approved', tenant, { batch, asked_with: second.apiKey, signed_with: second.signingKey })
    const decision = { batch, atMs: atMs(), answer: { ...second, decision: 'approved', proof }, event } as const
    // The event is the last that is written: one that cannot be stands for a death before the commit.
    await assert.rejects(decidePayoutBatch(gateway, tenant, { ...decision, event: { ...event, at: 'never' } }))
    assert.deepEqual([(await findBatchApproval(gateway, tenant, batch)).answer, await jobs(), await standing(batch)], [null, [], ['4 awaiting_approval']])
    assert.equal(await decidePayoutBatch(gateway, tenant, decision), 'decided')
    assert.equal((await jobs()).length, parts.length)
  })

  test('is no longer found as single payouts that nobody approved', async () => {
    const { parts: [one] } = await whole()
    const [hit] = await database.asAdmin(`SELECT count(*)::int AS count FROM ngome.find_unapproved_payouts(interval '-1 second', 1000) f WHERE f.id = ANY ($1)`, [one?.rows.map(({ payment }) => payment.id)])
    assert.equal(hit?.['count'], 0)
  })
})

describe('the database refuses', () => {
  const attacks: readonly (readonly [string, string, () => Promise<unknown>])[] = [
    ['an answer before the batch is whole', 'NG001', async () => {
      const batch = await waiting(4)
      await acceptPayoutPart(gateway, part(batch, 1, 2))
      assert.equal(await decide(batch), 'not_awaiting')
      await insertAnswer(batch, second)
    }],
    ['an answer by who opened it', 'NG001', async () => decide((await whole()).batch, 'approved', maker)],
    ['an answer by the opener\u2019s signing key', 'NG001', async () => decide((await whole()).batch, 'approved', { ...second, signingKey: maker.signingKey })],
    ['an answer by the line of the opener\u2019s API key', 'NG001', async () => decide((await whole()).batch, 'refused', { ...second, keyLine: maker.keyLine })],
    ['an answer by who sent a part', 'NG001', async () => decide((await whole(helper)).batch, 'approved', helper)],
    ['an answer by the signing key of a part', 'NG001', async () => decide((await whole(helper)).batch, 'approved', { ...second, signingKey: helper.signingKey })],
    ['an answer of a batch that was cancelled', 'NG001', async () => {
      const { batch } = await whole()
      await cancel(batch)
      assert.equal(await decide(batch), 'not_awaiting')
      await insertAnswer(batch, second)
    }],
    ['an answer of a batch that needs none', 'NG001', async () => insertAnswer(await testPayoutBatch(gateway, purse.merchant, { count: 1, totalMinor: 500n }), second)],
    ['a second answer', '23505', async () => {
      const { batch } = await whole()
      await decide(batch)
      assert.equal(await decide(batch, 'refused', newParty()), 'not_awaiting')
      await insertAnswer(batch, newParty())
    }],
    ['an end of its time by the gateway', '42501', async () => {
      const { batch } = await whole()
      const { merchant, world } = purse.merchant.tenant
      await asGateway(`INSERT INTO ngome.payout_batch_approvals (merchant, world, batch, decision, at) VALUES ('${merchant}', '${world}', '${batch}', 'expired', now())`)
    }],
    ['an approval by the dispatcher', '42501', async () => insertAnswer((await whole()).batch, second, dispatcher)],
    ['a question after its first row', 'NG001', async () => {
      const { batch } = await whole()
      await database.asAdmin(`SET session_replication_role = replica; DELETE FROM ngome.payout_batch_approvals WHERE batch = '${batch}'`)
      await insertAnswer(batch, second, gateway, 'asked')
    }],
    ['an answer that is taken back', 'NG003', async () => {
      const { batch } = await whole()
      await decide(batch)
      await database.asAdmin(`DELETE FROM ngome.payout_batch_approvals WHERE batch = '${batch}'`)
    }],
    ['a batch that needs no approval any more', 'NG002', async () => database.asAdmin('UPDATE ngome.payout_batches SET needs_approval = false WHERE id = $1', [(await whole()).batch])],
    ['an answer that is forgotten', 'NG002', async () => {
      const { batch } = await whole()
      await decide(batch)
      await database.asAdmin('UPDATE ngome.payout_batches SET is_answered = false WHERE id = $1', [batch])
    }],
    ['a batch that a gateway calls answered, so that its time never ends', '42501', async () => {
      const { batch } = await whole()
      await asGateway(`UPDATE ngome.payout_batches SET is_answered = true WHERE id = '${batch}'`)
    }],
    ['a row that is accepted in a batch that waits', 'NG001', async () => acceptPayoutPart(gateway, testPayoutPart(purse.merchant, await waiting(1), 1, 1))],
    ['a row that waits in a batch that does not', 'NG001', async () => acceptPayoutPart(gateway, part(await testPayoutBatch(gateway, purse.merchant, { count: 1, totalMinor: 500n }), 1, 1))],
    ['a row that goes on by the gateway', 'NG001', async () => {
      const { batch, parts: [one] } = await whole()
      await decide(batch)
      await goOn(gateway, one)
    }],
    ['a row that goes on by the dispatcher before an approval', 'NG001', async () => {
      const { parts: [one] } = await whole()
      await goOn(dispatcher, one)
    }],
    ['a row that goes on by the dispatcher after a refusal', 'NG001', async () => {
      const { batch, parts: [one] } = await whole()
      await decide(batch, 'refused')
      await goOn(dispatcher, one)
    }],
  ]
  for (const [what, code, attack] of attacks) test(what, () => assert.rejects(attack(), { code }))

  async function insertAnswer(batch: PayoutBatchId, { apiKey, keyLine, signingKey }: Party, by = gateway, decision = 'approved'): Promise<void> {
    const { merchant, world } = purse.merchant.tenant
    await asRole(by, `INSERT INTO ngome.payout_batch_approvals (merchant, world, batch, decision, api_key, key_line, signing_key, base, signature, body, at)
      VALUES ('${merchant}', '${world}', '${batch}', '${decision}', '${apiKey}', '${keyLine}', '${signingKey}', ${decision === 'approved' ? `'b', 's', '{}'` : 'NULL, NULL, NULL'}, now())`)
  }

  async function goOn(by: Database, one: ReturnType<typeof part> | undefined): Promise<void> {
    const payment = one?.rows[0]?.payment.id ?? assert.fail()
    await inTenant(by, purse.merchant.tenant, (tx) => tx.updateTable('payments').set({ status: 'accepted' }).where('id', '=', payment).execute())
  }
})
