import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { emit } from '@ngome/contracts'
import { newId, systemClock, systemRandom, type PayoutBatchPartId } from '@ngome/kernel'
import { cancelPayoutBatch, decidePayoutBatch, findPayoutBatchStanding, type ApprovalParty, type Database } from '@ngome/store'
import { acceptBatch, type AcceptedBatch } from '../testing/accept-batch.ts'
import { authorize, OutgoingWorld, type SigningKey } from '../testing/outgoing-world.ts'
import { dispatchPart } from './dispatch-part.ts'
import { expireApprovals } from './expire-approvals.ts'

const from = { clock: systemClock, random: systemRandom }
const signal = new AbortController().signal
let world: OutgoingWorld
let gateway: Database
let maker: SigningKey
let second: SigningKey
before(async () => {
  world = await OutgoingWorld.create()
  gateway = world.database.open('ngome_gateway', { poolMax: 2 })
  maker = await world.addKey()
  second = await world.addKey()
  await world.collect('+46733123499', 1_000_000n)
})
after(() => world.close())
beforeEach(async () => {
  world.requests.length = 0
  world.revoked.clear()
  world.openingsLeft = Number.POSITIVE_INFINITY
  world.over.set('EUR', 1_000n)
  await world.database.asAdmin('DELETE FROM pgboss.job')
})

const partyOf = (key: SigningKey): ApprovalParty => {
  const apiKey = newId('apiKey', from)
  return { apiKey, keyLine: apiKey, signingKey: key.id }
}
/** Four rows in two parts, over the limit. */
const waiting = (): Promise<AcceptedBatch> => acceptBatch(world, maker, { count: 4, rowsOfPart: 2, askedBy: partyOf(maker) })
async function approve({ batch, declared }: AcceptedBatch, by = second): Promise<string> {
  const body = { ...declared, parts_digest: await world.partsDigestOf(batch) }
  const { key: _, ...proof } = authorize({ key: by, target: `/v1/payout_batches/${batch}/approve`, body })
  return decide(batch, { ...partyOf(by), decision: 'approved', proof })
}
const refuse = ({ batch }: AcceptedBatch): Promise<string> => decide(batch, { ...partyOf(second), decision: 'refused' })
function decide(batch: AcceptedBatch['batch'], answer: Parameters<typeof decidePayoutBatch>[2]['answer']): Promise<string> {
  const { tenant } = world.merchant
  return decidePayoutBatch(gateway, tenant, {
    batch, answer, atMs: systemClock.nowMs(),
    event: emit({ ...from, process: 'gateway' }, `payout_batch.${answer.decision}`, tenant, { batch, asked_with: answer.apiKey, signed_with: answer.signingKey }),
  })
}
const dispatch = (part: PayoutBatchPartId, dispatcher = world.dispatcher): Promise<void> => dispatchPart(dispatcher, { ...world.merchant.tenant, part }, signal)
async function run({ parts }: AcceptedBatch): Promise<void> {
  for (const { part } of parts) await dispatch(part)
}
const standing = async ({ batch }: AcceptedBatch): Promise<unknown> =>
  (await findPayoutBatchStanding(gateway, world.merchant.tenant, batch))?.standing.map(({ status, count }) => `${count} ${status}`)
const sent = (): readonly string[] => world.requests.map(({ payment }) => payment).toSorted((a, b) => a < b ? -1 : 1)
const idsOf = ({ parts }: AcceptedBatch): readonly string[] => parts.flatMap(({ payments }) => payments).toSorted((a, b) => a < b ? -1 : 1)
const told = async (made: AcceptedBatch): Promise<unknown> =>
  (await world.database.asAdmin(`SELECT type, count(*)::int AS count, bool_and(proof IS NOT NULL) AS proven, min(facts->>'failure') AS failure FROM ngome.object_events
    WHERE object = ANY ($1) GROUP BY type ORDER BY type`, [idsOf(made)])).map(({ type, count, proven, failure }) => [type, count, proven, failure])
const alarms = async (made: AcceptedBatch): Promise<unknown> => (await world.database.asAdmin(
  `SELECT count(*)::int AS count FROM ngome.events WHERE type = 'payment.mismatch' AND data->'fields' = '["approval"]' AND data->>'payment' = ANY ($1)`, [idsOf(made)]))[0]?.['count']
const jobs = async (): Promise<unknown> => (await world.database.asAdmin(`SELECT count(*)::int AS count FROM pgboss.job WHERE name = 'payout-part'`))[0]?.['count']

describe('the job of a part whose batch needs a second person', () => {
  test('sends nothing and changes nothing before anybody answered', async () => {
    const made = await waiting()
    await run(made)
    assert.deepEqual([sent(), await standing(made), await jobs()], [[], ['4 awaiting_approval'], 0])
  })

  test('lets its rows go on, tells so, and sends each once, however often it runs and beside others', async () => {
    const made = await waiting()
    await approve(made)
    assert.equal(await jobs(), 2)
    await Promise.all([run(made), run(made)])
    await run(made)
    assert.deepEqual([sent(), await standing(made)], [idsOf(made), ['4 processing']])
    assert.deepEqual(await told(made), [['payout.accepted', 4, true, null], ['payout.awaiting_approval', 4, true, null], ['payout.processing', 4, true, null]])
  })

  test('goes on where one died between letting rows go on and sending them', async () => {
    const made = await waiting()
    await approve(made)
    const died = new Error('died')
    const payments = { ...world.dispatcher.payments, loadPaymentsForDispatch: () => Promise.reject(died) }
    await assert.rejects(dispatch(made.parts[0]?.part ?? assert.fail(), { ...world.dispatcher, payments }), died)
    assert.deepEqual([sent(), await standing(made)], [[], ['2 accepted', '2 awaiting_approval']])
    await run(made)
    assert.deepEqual([sent(), await standing(made)], [idsOf(made), ['4 processing']])
  })

  test('waits with its rows while the custodian opens nothing, with a job for later', async () => {
    const made = await waiting()
    await approve(made)
    await world.database.asAdmin('DELETE FROM pgboss.job')
    world.openingsLeft = 0
    await run(made)
    assert.deepEqual([sent(), await standing(made), await jobs()], [[], ['4 awaiting_approval'], 2])
  })

  test('fails its rows where the answer was no, and gives their money back', async () => {
    const made = await waiting()
    await refuse(made)
    await run(made)
    assert.deepEqual([sent(), await standing(made)], [[], ['4 failed']])
    assert.deepEqual(await told(made), [['payout.awaiting_approval', 4, true, null], ['payout.failed', 4, true, 'approval_refused']])
    assert.deepEqual(await world.database.asAdmin(`SELECT count(*)::int AS count FROM ngome.transfers WHERE payment = ANY ($1) AND phase = 'voided'`, [idsOf(made)]), [{ count: 4 }])
  })

  test('fails its rows where nobody answered in time', async () => {
    const made = await waiting()
    const dispatcher = { ...world.dispatcher, approvals: { ...world.approvals, expiresAfterMs: 0 } }
    await expireApprovals(dispatcher, signal)
    const planned = await jobs()
    await expireApprovals(dispatcher, signal)
    assert.equal(await jobs(), planned, 'once')
    await run(made)
    assert.deepEqual([sent(), await standing(made), await approve(made)], [[], ['4 failed'], 'not_awaiting'])
    assert.deepEqual(await told(made), [['payout.awaiting_approval', 4, true, null], ['payout.failed', 4, true, 'approval_expired']])
  })

  test('begins no row of a batch that was approved and then cancelled', async () => {
    const made = await waiting()
    await approve(made)
    const { tenant } = world.merchant
    const party = partyOf(maker)
    await cancelPayoutBatch(gateway, tenant, made.batch, systemClock.nowMs(),
      emit({ ...from, process: 'gateway' }, 'payout_batch.cancelled', tenant, { batch: made.batch, asked_with: party.apiKey, signed_with: party.signingKey }))
    await run(made)
    assert.deepEqual([sent(), await standing(made)], [[], ['4 awaiting_approval']])
  })
})

describe('rows fail with an alarm, and nothing is sent, where the approval', () => {
  const attacks: readonly (readonly [string, (made: AcceptedBatch) => Promise<unknown>])[] = [
    ['is the word of a gateway that was taken over', async (made) => decide(made.batch, { ...partyOf(second), decision: 'approved', proof: { base: 'b', signature: 's', body: '{}' } })],
    ['is by who ordered it, past all guards', async (made) => {
      const body = { ...made.declared, parts_digest: await world.partsDigestOf(made.batch) }
      await world.keepAnswer(made.batch, authorize({ key: maker, target: `/v1/payout_batches/${made.batch}/approve`, body }))
    }],
    ['is by a key that was revoked since', async (made) => {
      await approve(made)
      world.revoked.add(second.id)
    }],
    ['is of another batch', async (made) => {
      const other = await waiting()
      const body = { ...other.declared, parts_digest: await world.partsDigestOf(other.batch) }
      await world.keepAnswer(made.batch, authorize({ key: second, target: `/v1/payout_batches/${other.batch}/approve`, body }))
    }],
  ]
  for (const [what, attack] of attacks) {
    test(what, async () => {
      const made = await waiting()
      await attack(made)
      await run(made)
      assert.deepEqual([sent(), await standing(made), await alarms(made)], [[], ['4 failed'], 4])
      assert.deepEqual(await told(made), [['payout.awaiting_approval', 4, true, null], ['payout.failed', 4, true, 'record_refused']])
    })
  }

  test('is not there, and rows were put in as accepted', async () => {
    world.over.clear()
    const made = await acceptBatch(world, maker, { count: 4, rowsOfPart: 2 })
    world.over.set('EUR', 1_000n)
    await run(made)
    assert.deepEqual([sent(), await standing(made), await alarms(made)], [[], ['4 failed'], 4])
  })
})
