import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { newId, systemClock, systemRandom, type PayoutBatchId } from '@ngome/kernel'
import { Purse, testDatabase, testPayoutBatch, testPayoutPart, type TestDatabase } from '@ngome/testkit'
import type { Database } from '../database.ts'
import { acceptPayoutPart, type PartAcceptance } from './accept-payout-part.ts'
import { findPayoutBatch, findPayoutBatchStanding, findTakenReferences } from './payout-batches.ts'

const from = { clock: systemClock, random: systemRandom }
let database: TestDatabase
let gateway: Database
let dispatcher: Database
let purse: Purse

before(async () => {
  database = await testDatabase()
  gateway = database.open('ngome_gateway', { poolMax: 8 })
  dispatcher = database.open('ngome_dispatcher', { poolMax: 1 })
})
after(() => database.close())
beforeEach(async () => {
  purse = await Purse.open(database, gateway, dispatcher)
  await purse.move(100_000n)
})

const openBatch = (count: number, totalMinor = BigInt(count) * 500n): Promise<PayoutBatchId> => testPayoutBatch(gateway, purse.merchant, { count, totalMinor })
const accept = async (acceptance: PartAcceptance): Promise<string> => (await acceptPayoutPart(gateway, acceptance)).kind

/** All that a part leaves, of this merchant. */
async function counts(): Promise<unknown> {
  const { merchant } = purse.merchant.tenant
  const tables = ['payments', 'transfers', 'object_events', 'payout_batch_parts', 'payout_batch_rows', 'events', 'idempotency']
  const [row] = await database.asAdmin(`SELECT ${tables.map((table) => `(SELECT count(*)::int FROM ngome.${table} WHERE merchant = $1) AS ${table}`).join(', ')},
    (SELECT count(*)::int FROM pgboss.job WHERE data->>'merchant' = $1) AS jobs,
    (SELECT sum(accepted_count)::int FROM ngome.payout_batches WHERE merchant = $1) AS counted`, [merchant])
  return row
}

async function leavesNothing(acceptance: PartAcceptance, kind: string): Promise<void> {
  const before = await counts()
  assert.equal(await accept(acceptance), kind)
  assert.deepEqual(await counts(), before, 'nothing half-written')
}

describe('a part of a batch', () => {
  test('is its payouts with transfers, proven events and leaves, one job, and its count', async () => {
    const batch = await openBatch(3)
    const part = testPayoutPart(purse.merchant, batch, 1, 3, { feeMinor: 10n })
    assert.equal(await accept(part), 'accepted')
    const ids = part.rows.map(({ payment }) => payment.id)
    const [row] = await database.asAdmin(`SELECT
      (SELECT count(*)::int FROM ngome.transfers WHERE payment = ANY ($1) AND phase = 'pending') AS transfers,
      (SELECT count(*)::int FROM ngome.object_events WHERE object = ANY ($1) AND proof IS NOT NULL AND type = 'payout.accepted') AS told,
      (SELECT count(*)::int FROM ngome.audit_leaves l JOIN ngome.events e ON e.id = l.event WHERE e.data->>'payment' = ANY ($1)) AS leaves,
      (SELECT array_agg(name || ' ' || (data->>'part')) FROM pgboss.job WHERE data->>'merchant' = $2 AND name LIKE 'payout%') AS jobs`, [ids, purse.merchant.tenant.merchant])
    assert.deepEqual(row, { transfers: 6, told: 3, leaves: 3, jobs: [`payout-part ${part.part.id}`] })
    const found = await findPayoutBatchStanding(gateway, purse.merchant.tenant, batch)
    assert.partialDeepStrictEqual(found, { batch: { acceptedCount: 3, acceptedMinor: 1_500n }, standing: [{ status: 'accepted', count: 3, totalMinor: 1_500n }] })
    assert.deepEqual([...await findTakenReferences(gateway, purse.merchant.tenant, batch, ['row-1-0', 'row-9'])], ['row-1-0'])
    assert.equal(await findPayoutBatch(gateway, { ...purse.merchant.tenant, world: 'live' }, batch), undefined)
  })

  test('may come before the one that it is numbered after', async () => {
    const batch = await openBatch(4)
    assert.equal(await accept(testPayoutPart(purse.merchant, batch, 2, 2)), 'accepted')
    assert.equal(await accept(testPayoutPart(purse.merchant, batch, 1, 2)), 'accepted')
  })

  const refused: readonly (readonly [what: string, kind: string, make: (batch: PayoutBatchId) => PartAcceptance])[] = [
    ['whose number came', 'part_taken', (batch) => testPayoutPart(purse.merchant, batch, 1, 1, { name: 'other' })],
    ['with a reference that came', 'reference_taken', (batch) => testPayoutPart(purse.merchant, batch, 2, 1, { name: 'row-1' })],
    ['with a reference twice', 'reference_taken', (batch) => {
      const part = testPayoutPart(purse.merchant, batch, 2, 2)
      return { ...part, rows: part.rows.map((row) => ({ ...row, payment: { ...row.payment, reference: 'same' } })) }
    }],
    ['with more rows than were declared', 'exceeds_declared', (batch) => testPayoutPart(purse.merchant, batch, 2, 3, { amountMinor: 1n })],
    ['with more than the declared total', 'exceeds_declared', (batch) => testPayoutPart(purse.merchant, batch, 2, 1, { amountMinor: 1_001n })],
    ['that leaves rows and nothing for them', 'exceeds_declared', (batch) => testPayoutPart(purse.merchant, batch, 2, 1, { amountMinor: 1_000n })],
    ['that makes the count whole and the total not', 'exceeds_declared', (batch) => testPayoutPart(purse.merchant, batch, 2, 2, { amountMinor: 499n })],
    ['that is not covered', 'not_covered', (batch) => testPayoutPart(purse.merchant, batch, 2, 1, { amountMinor: 400n, feeMinor: 1_000_000n })],
    ['of another currency', 'NG001', (batch) => {
      const part = testPayoutPart(purse.merchant, batch, 2, 1)
      return { ...part, rows: part.rows.map((row) => ({ ...row, payment: { ...row.payment, money: { amountMinor: 400n, currency: 'USD' as const } } })) }
    }],
  ]
  for (const [what, kind, make] of refused) {
    test(`${what} leaves nothing`, async () => {
      const batch = await openBatch(4)
      assert.equal(await accept(testPayoutPart(purse.merchant, batch, 1, 2)), 'accepted')
      if (kind === 'NG001') {
        await purse.move(10_000n, { currency: 'USD' })
        await assert.rejects(accept(make(batch)))
      }
      else await leavesNothing(make(batch), kind)
    })
  }

  test('whose money ends in its middle leaves nothing', async () => {
    const batch = await openBatch(300, 150_000n)
    await leavesNothing(testPayoutPart(purse.merchant, batch, 1, 300), 'not_covered')
    const second = await openBatch(200)
    assert.equal(await accept(testPayoutPart(purse.merchant, second, 1, 200)), 'accepted', 'to the last cent')
    await leavesNothing(testPayoutPart(purse.merchant, await openBatch(1), 1, 1), 'not_covered')
  })

  test('of a batch that is another\u2019s, or none, is none', async () => {
    const other = await Purse.open(database, gateway, dispatcher)
    const batch = await testPayoutBatch(gateway, other.merchant, { count: 1, totalMinor: 500n })
    await assert.rejects(accept(testPayoutPart(purse.merchant, batch, 1, 1)))
    await assert.rejects(accept(testPayoutPart(purse.merchant, newId('payoutBatch', from), 1, 1)))
  })

  test('sent at once by many is taken once, and never more than was declared', async () => {
    const batch = await openBatch(10)
    const kinds = await Promise.all(Array.from({ length: 12 }, (_, at) => accept(testPayoutPart(purse.merchant, batch, 1 + at % 6, 2, { name: `n-${at}` }))))
    assert.equal(kinds.filter((kind) => kind === 'accepted').length, 5)
    assert.ok(kinds.every((kind) => ['accepted', 'part_taken', 'exceeds_declared'].includes(kind)), kinds.join(' '))
    assert.equal((await findPayoutBatch(gateway, purse.merchant.tenant, batch))?.acceptedCount, 10)
  })
})

describe('what a gateway may write of a batch', () => {
  const attacks: readonly (readonly [string, (batch: PayoutBatchId) => string])[] = [
    ['another count', (batch) => `UPDATE ngome.payout_batches SET declared_count = 9 WHERE id = '${batch}'`],
    ['what was accepted', (batch) => `UPDATE ngome.payout_batches SET accepted_count = 0 WHERE id = '${batch}'`],
    ['a cancellation taken back', (batch) => `UPDATE ngome.payout_batches SET cancelled_at = now(); UPDATE ngome.payout_batches SET cancelled_at = NULL WHERE id = '${batch}'`],
    ['a removal', (batch) => `DELETE FROM ngome.payout_batches WHERE id = '${batch}'`],
    ['what was signed, to read', () => 'SELECT sealed FROM ngome.payout_batch_parts'],
    ['a claim of the dispatcher\u2019s', () => 'SELECT * FROM ngome.payout_part_words'],
  ]
  for (const [what, sql] of attacks) {
    test(`is not ${what}`, async () => {
      const batch = await openBatch(2)
      const { merchant, world } = purse.merchant.tenant
      const client = await gateway.pool.connect()
      await assert.rejects(client.query(`BEGIN; SELECT set_config('ngome.merchant', '${merchant}', true), set_config('ngome.world', '${world}', true); ${sql(batch)}; COMMIT`))
      await client.query('ROLLBACK')
      client.release()
    })
  }
})

test('a part looks at its own rows alone, however many there are and whatever is known of their tables', async () => {
  const [rows, parts] = [50, 5]
  await purse.move(BigInt(rows * parts) * 500n)
  const batch = await openBatch(rows * parts)
  const alone = database.open('ngome_gateway', { poolMax: 1 })
  const looked: number[] = []
  for (let number = 1; number <= parts; number++) {
    const before = await lookedAt(alone)
    assert.equal((await acceptPayoutPart(alone, testPayoutPart(purse.merchant, batch, number, rows))).kind, 'accepted')
    looked.push(await lookedAt(alone) - before)
  }
  // The first also meets what earlier connections had not told yet.
  const [second = 0, ...later] = looked.slice(1)
  assert.ok(second > 0 && later.every((each) => each < second + rows * parts), looked.join(', '))
})

/** How many rows were read so far, of all tables; a connection tells what it did when it is asked to. */
async function lookedAt(db: Database): Promise<number> {
  await db.pool.query('SELECT pg_stat_force_next_flush()')
  const [row] = await database.asAdmin(`SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::int AS tuples FROM pg_stat_user_tables WHERE schemaname = 'ngome'`)
  return Number(row?.['tuples'])
}
