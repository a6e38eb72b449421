import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, suite, test } from 'node:test'
import { emit } from '@ngome/contracts'
import { newId, systemClock, systemRandom, type PaymentId } from '@ngome/kernel'
import { addTestMerchant, testAcceptance, testDatabase, type TestDatabase, type TestMerchant } from '@ngome/testkit'
import type { Database } from '../database.ts'
import { markAttemptSent } from '../dispatch/mark-attempt-sent.ts'
import { prepareAttempt } from '../dispatch/prepare-attempt.ts'
import { recordOutcome } from '../dispatch/record-outcome.ts'
import { checkLedger } from '../ledger-check.ts'
import { acceptPayment } from './accept-payment.ts'
import { withdrawPayment, type WithdrawalOutcome } from './withdraw-payment.ts'

const from = { clock: systemClock, random: systemRandom }
let database: TestDatabase
let gateway: Database
let dispatcher: Database
let merchant: TestMerchant
before(async () => {
  database = await testDatabase()
  gateway = database.open('ngome_gateway')
  dispatcher = database.open('ngome_dispatcher')
  merchant = await addTestMerchant(database)
})
after(() => database.close())

async function accepted(): Promise<PaymentId> {
  const acceptance = testAcceptance(merchant)
  await acceptPayment(gateway, acceptance)
  return acceptance.payment.id
}

const proof = systemRandom.bytes(32)
const cancel = (payment: PaymentId, db = gateway): Promise<WithdrawalOutcome> => withdrawPayment(db, merchant.tenant, {
  payment, to: { status: 'cancelled' }, atMs: from.clock.nowMs(), prove: () => proof,
  event: emit({ ...from, process: 'gateway' }, 'payment.cancelled', merchant.tenant, { payment, status: 'cancelled' }),
})
const prepare = (payment: PaymentId) => prepareAttempt(dispatcher, merchant.tenant, payment,
  { id: newId('attempt', from), reference: randomUUID(), factsProof: proof, atMs: from.clock.nowMs() })
const markSent = (payment: PaymentId) => markAttemptSent(dispatcher, merchant.tenant, { payment, fence: 1, atMs: from.clock.nowMs() },
  emit({ ...from, process: 'dispatcher' }, 'payment.processing', merchant.tenant, { payment, status: 'processing' }), () => proof)
const fail = (payment: PaymentId, fence: number | null) => recordOutcome(dispatcher, from, merchant.tenant, {
  payment, fence, outcome: { status: 'failed', failure: 'not_allowed', networkReason: null }, prove: () => proof,
  event: emit({ ...from, process: 'dispatcher' }, 'payment.failed', merchant.tenant, { payment, status: 'failed', failure: 'not_allowed' }),
})

/** Where it stands: its ends, its attempt, how often the merchant is told that it was cancelled, and the operator. */
async function standing(payment: PaymentId): Promise<unknown> {
  const [row] = await database.asAdmin(`SELECT p.status,
      (SELECT array_agg(t.phase ORDER BY t.phase) FROM ngome.transfers t WHERE t.payment = p.id AND t.is_end) AS ends,
      (SELECT a.state FROM ngome.attempts a WHERE a.payment = p.id) AS attempt,
      (SELECT count(*)::int FROM ngome.object_events e WHERE e.object = p.id AND e.type = 'payment.cancelled' AND e.proof IS NOT NULL) AS told,
      (SELECT count(*)::int FROM ngome.events e WHERE e.data->>'payment' = p.id AND e.type = 'payment.cancelled') AS events
    FROM ngome.payments p WHERE p.id = $1`, [payment])
  return row
}

suite('a payment is cancelled or sent, never both', () => {
  test('cancelled before anybody took it in hand: its transfer is voided, and nobody takes it in hand any more', async () => {
    const payment = await accepted()
    assert.equal((await cancel(payment)).kind, 'withdrawn')
    assert.equal(await prepare(payment), undefined)
    assert.deepEqual(await standing(payment), { status: 'cancelled', ends: ['voided'], attempt: null, told: 1, events: 1 })
  })

  test('cancelled while the dispatcher has it in hand: it may not leave, and whoever found it wanting says nothing over it', async () => {
    const payment = await accepted()
    await prepare(payment)
    assert.equal((await cancel(payment)).kind, 'withdrawn')
    assert.equal(await markSent(payment), 'superseded')
    assert.equal(await fail(payment, 1), 'superseded')
    assert.deepEqual(await standing(payment), { status: 'cancelled', ends: ['voided'], attempt: 'prepared', told: 1, events: 1 })
  })

  test('marked as sent: it is too late, also in the very next statement, and after its end', async () => {
    const payment = await accepted()
    await prepare(payment)
    assert.equal(await markSent(payment), 'marked')
    assert.equal((await cancel(payment)).kind, 'too_late')
    assert.equal(await fail(payment, 1), 'recorded')
    assert.equal((await cancel(payment)).kind, 'too_late')
    assert.deepEqual(await standing(payment), { status: 'failed', ends: ['voided'], attempt: 'known', told: 0, events: 0 })
  })

  test('again is the same, and changes nothing', async () => {
    const payment = await accepted()
    const first = await cancel(payment)
    const second = await cancel(payment)
    assert.ok(first.kind === 'withdrawn' && second.kind === 'withdrawn')
    assert.equal(second.row.updatedAtMs, first.row.updatedAtMs)
    assert.deepEqual(await standing(payment), { status: 'cancelled', ends: ['voided'], attempt: null, told: 1, events: 1 })
  })

  test('in a race of many, exactly one of both wins for each payment, and the books agree', async () => {
    const races = await Promise.all(Array.from({ length: 60 }, async (_, number) => {
      const payment = await accepted()
      await prepare(payment)
      // Now one goes first and now the other; each twice, as repetitions and takers of the same job do.
      const both = [() => cancel(payment), () => markSent(payment), () => cancel(payment), () => markSent(payment)]
      const [a, b, c, d] = await Promise.all((number % 2 === 0 ? both : both.toReversed()).map((one) => one()))
      const said = [a, b, c, d].map((one) => typeof one === 'string' ? one : one?.kind)
      return { payment, isCancelled: said.includes('withdrawn'), sentTimes: said.filter((one) => one === 'marked').length, said }
    }))
    for (const { payment, isCancelled, sentTimes, said } of races) {
      assert.equal(sentTimes, isCancelled ? 0 : 1, `${payment}: ${said.join(' ')}`)
      const row = await standing(payment)
      assert.deepEqual(row, isCancelled
        ? { status: 'cancelled', ends: ['voided'], attempt: 'prepared', told: 1, events: 1 }
        : { status: 'processing', ends: null, attempt: 'sent', told: 0, events: 0 })
    }
    assert.ok(new Set(races.map(({ isCancelled }) => isCancelled)).size === 2, 'both happened')
    assert.deepEqual((await checkLedger(database.open('ngome_auditor', { poolMax: 1 }))).wrong, [])
  })

  test('nobody\u2019s and another merchant\u2019s are unknown', async () => {
    const other = await addTestMerchant(database)
    const payment = await accepted()
    const event = emit({ ...from, process: 'gateway' }, 'payment.cancelled', other.tenant, { payment, status: 'cancelled' })
    const theirs = await withdrawPayment(gateway, other.tenant, { payment, to: { status: 'cancelled' }, atMs: from.clock.nowMs(), event, prove: () => proof })
    assert.deepEqual(theirs, { kind: 'unknown' })
    assert.deepEqual(await standing(payment), { status: 'accepted', ends: null, attempt: null, told: 0, events: 0 })
  })
})

suite('what the database refuses a gateway that was taken over', () => {
  const attempts: readonly (readonly [string, (payment: PaymentId) => Promise<unknown>])[] = [
    ['to cancel what was sent', async (payment) => {
      await prepare(payment)
      await markSent(payment)
      await write(`UPDATE ngome.payments SET status = 'cancelled' WHERE id = $1`, payment)
    }],
    ['to void the transfer of what goes on', (payment) => write(`INSERT INTO ngome.transfers (merchant, world, payment, kind, phase, debit_account,
        credit_account, debit_kind, credit_kind, amount_minor, currency, at)
      SELECT merchant, world, $1, 'collection', 'voided', 'acc', 'acc', 'provider_clearing', 'merchant_available', 500, 'EUR', now() FROM ngome.payments WHERE id = $1`, payment)],
    ['to take a cancelled payment up again', async (payment) => {
      await cancel(payment)
      await write(`UPDATE ngome.payments SET status = 'accepted' WHERE id = $1`, payment)
    }],
  ]
  for (const [what, attempt] of attempts) {
    test(what, async () => {
      await assert.rejects(attempt(await accepted()), { code: 'NG001' })
    })
  }

  async function write(text: string, payment: PaymentId): Promise<void> {
    const client = await gateway.pool.connect()
    try {
      await client.query('BEGIN')
      await client.query(`SELECT set_config('ngome.merchant', $1, true), set_config('ngome.world', $2, true)`, [merchant.tenant.merchant, merchant.tenant.world])
      await client.query(text, [payment])
      await client.query('COMMIT')
    } catch (error) {
      await client.query('ROLLBACK')
      throw error
    } finally {
      client.release()
    }
  }
})
