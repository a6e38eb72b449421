import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { paymentStatuses, type PaymentStatus } from '@ngome/contracts'
import type { PaymentId } from '@ngome/kernel'
import { accountKinds, canTransition, paymentTransitions, transferRules } from '@ngome/payments'
import { addTestMerchant, testAcceptance, testDatabase, type TestDatabase, type TestMerchant } from '@ngome/testkit'
import { acceptPayment } from './payments/accept-payment.ts'

let database: TestDatabase
let merchant: TestMerchant
before(async () => {
  database = await testDatabase()
  merchant = await addTestMerchant(database)
})
after(() => database.close())

async function accepted(): Promise<PaymentId> {
  const acceptance = testAcceptance(merchant)
  await acceptPayment(database.open('ngome_gateway'), acceptance)
  return acceptance.payment.id
}

/** Puts a payment into a state on a way that is allowed. */
async function paymentIn(status: PaymentStatus): Promise<PaymentId> {
  const payment = await accepted()
  if (status !== 'accepted') await move(payment, 'processing')
  if (status === 'succeeded' || status === 'failed') await move(payment, status)
  return payment
}

const putBack = `INSERT INTO ngome.transfers (merchant, world, payment, kind, phase, debit_account, credit_account, debit_kind, credit_kind,
  amount_minor, currency, at) SELECT merchant, world, payment, kind, phase, debit_account, credit_account, debit_kind, credit_kind,
  amount_minor, currency, at FROM copy`

// As the administrator: neither grants nor row-level security stand in the way, only what is tested here.
const move = (payment: PaymentId, to: PaymentStatus) => database.asAdmin(`UPDATE ngome.payments
  SET status = $2::text, failure = CASE WHEN $2::text = 'failed' THEN 'network_refused' END
  WHERE id = $1`, [payment, to])

describe('the database refuses', () => {
  test('exactly the changes of state that packages/payments does not list', async () => {
    const rows = await database.asAdmin(`SELECT from_status AS "from", to_status AS "to"
      FROM ngome.payment_transitions`)
    const sorted = (list: readonly unknown[]): readonly string[] => list.map((row) => JSON.stringify(row)).sort()
    assert.deepEqual(sorted(rows), sorted(paymentTransitions))
  })

  for (const from of paymentStatuses) {
    for (const to of paymentStatuses) {
      if (from === to) continue
      test(`${canTransition(from, to) ? 'not ' : ''}a payment that goes from ${from} to ${to}`, async () => {
        const payment = await paymentIn(from)
        if (canTransition(from, to)) await move(payment, to)
        else await assert.rejects(move(payment, to), { code: 'NG001' })
      })
    }
  }

  test('exactly the transfers that packages/payments has no rule for', async () => {
    const rows = await database.asAdmin('SELECT kind, debit_kind, credit_kind, is_whole, needs_cover FROM ngome.transfer_kinds ORDER BY kind')
    assert.deepEqual(rows.map((row) => ({ ...row })), Object.entries(transferRules).toSorted(([a], [b]) => a < b ? -1 : 1).map(([kind, rule]) => (
      { kind, debit_kind: rule.debit, credit_kind: rule.credit, is_whole: rule.isWhole, needs_cover: rule.needsCover })))
  })

  test('kinds of accounts that packages/payments does not know', async () => {
    const [row] = await database.asAdmin(`SELECT pg_get_constraintdef(oid) AS definition FROM pg_constraint
      WHERE conrelid = 'ngome.accounts'::regclass AND conname = 'accounts_kind_check'`)
    const kinds = [...String(row?.['definition']).matchAll(/'([a-z_]+)'/g)].map(([, kind]) => kind)
    assert.deepEqual(new Set(kinds), new Set(accountKinds))
  })

  const changes: readonly (readonly [what: string, sql: string, code: string])[] = [
    ['another amount of a payment', 'UPDATE ngome.payments SET amount_minor = 1', 'NG002'],
    ['another sealed part of a payment', `UPDATE ngome.payments SET sealed = sealed || 'x'`, 'NG002'],
    ['another network of a payment', `UPDATE ngome.payments SET network = 'airtel-ug'`, 'NG002'],
    ['another amount of a transfer', 'UPDATE ngome.transfers SET amount_minor = 1', 'NG003'],
    ['another account of a transfer', 'UPDATE ngome.transfers SET debit_account = credit_account', 'NG003'],
    ['another phase of a transfer', `UPDATE ngome.transfers SET phase = 'posted'`, 'NG003'],
    ['another time of a transfer', 'UPDATE ngome.transfers SET came_in = \'0\'', 'NG003'],
    ['the removal of payments', 'DELETE FROM ngome.payments', 'NG003'],
    ['the removal of transfers', 'DELETE FROM ngome.transfers', 'NG003'],
    ['the removal of attempts', 'DELETE FROM ngome.attempts', 'NG003'],
    ['the removal of all transfers at once', 'TRUNCATE ngome.transfers', 'NG003'],
    ['the removal of events', 'DELETE FROM ngome.events', 'NG003'],
    ['a change of events', `UPDATE ngome.events SET type = 'x'`, 'NG003'],
    ['a change of leaves', `UPDATE ngome.audit_leaves SET at = now()`, 'NG003'],
    ['the removal of all events at once', 'TRUNCATE ngome.events', 'NG003'],
  ]
  for (const [what, sql, code] of changes) {
    test(what, async () => {
      await accepted()
      await assert.rejects(database.asAdmin(sql), { code })
    })
  }

  const inserts: readonly (readonly [what: string, change: string, code: string])[] = [
    ['a payment that begins as succeeded', `status = 'succeeded'`, 'NG001'],
    ['a payment of nothing', 'amount_minor = 0', '23514'],
    ['a payment of less than nothing', 'amount_minor = -5', '23514'],
    ['a phone number that is not masked', `payer_masked = '+46733123499'`, '23514'],
    ['an id of another kind', `id = 'mer_01jd0000000000000000000000'`, '23514'],
    ['a third world', `world = 'staging'`, '23514'],
  ]
  for (const [what, change, code] of inserts) {
    test(what, async () => {
      const payment = await accepted()
      await assert.rejects(database.asAdmin(`
        CREATE TEMPORARY TABLE copy AS SELECT * FROM ngome.payments WHERE id = '${payment}';
        UPDATE copy SET id = 'pay_01jd0000000000000000000000';
        UPDATE copy SET ${change};
        INSERT INTO ngome.payments SELECT * FROM copy`), { code })
    })
  }

  test('a transfer from an account to itself, or of nothing', async () => {
    const payment = await accepted()
    for (const change of ['debit_account = credit_account', 'amount_minor = 0']) {
      await assert.rejects(database.asAdmin(`
        CREATE TEMPORARY TABLE copy AS SELECT * FROM ngome.transfers WHERE payment = '${payment}';
        UPDATE copy SET ${change};
        ${putBack}`), { code: '23514' })
    }
  })

  const [otherDebit, otherCredit] = ['acc_01jd0000000000000000000000', 'acc_01jd0000000000000000000001']
  const transfers: readonly (readonly [what: string, change: string, code: string])[] = [
    ['another amount than its payment\'s', 'amount_minor = amount_minor + 1', '23503'],
    ['another currency than its payment\'s', `currency = 'UGX',
      debit_account = '${otherDebit}',
      credit_account = '${otherCredit}'`, '23503'],
    ['an account that it takes from in another currency', `debit_account = '${otherDebit}'`, '23503'],
    ['an account that it gives to in another currency', `credit_account = '${otherCredit}'`, '23503'],
    ['the opposite direction', 'debit_account = credit_account, credit_account = debit_account', '23503'],
    ['the opposite direction, said so', `debit_account = credit_account, credit_account = debit_account,
      debit_kind = credit_kind, credit_kind = debit_kind`, '23503'],
    ['the opposite direction, as a payout', `debit_account = credit_account, credit_account = debit_account,
      debit_kind = credit_kind, credit_kind = debit_kind, kind = 'payout'`, 'NG007'],
    ['an end that nothing waits for', `phase = 'posted'`, 'NG001'],
    ['a payment that is not there', `payment = 'pay_01jd0000000000000000000000'`, '23503'],
    ['its payment\'s own money and accounts', 'kind = kind', ''],
  ]
  for (const [what, change, code] of transfers) {
    test(`${code === '' ? 'not ' : ''}a transfer with ${what}`, async () => {
      const fresh = await addTestMerchant(database)
      const acceptance = testAcceptance(fresh)
      await acceptPayment(database.open('ngome_gateway'), acceptance)
      const { merchant: id, world } = fresh.tenant
      // Its transfer is taken away and put back changed, in a transaction of the administrator's.
      const again = database.asAdmin(`
        INSERT INTO ngome.accounts (id, merchant, world, kind, network, currency) VALUES
          ('${otherDebit}', '${id}', '${world}', 'provider_clearing', 'mtn-ug', 'UGX'),
          ('${otherCredit}', '${id}', '${world}', 'merchant_available', '', 'UGX');
        CREATE TEMPORARY TABLE copy AS SELECT * FROM ngome.transfers WHERE payment = '${acceptance.payment.id}';
        SET LOCAL session_replication_role = replica;
        DELETE FROM ngome.transfers WHERE payment = '${acceptance.payment.id}';
        SET LOCAL session_replication_role = origin;
        UPDATE copy SET ${change};
        ${putBack}`)
      if (code === '') await again
      else await assert.rejects(again, { code })
    })
  }

  test('a second transfer and a second attempt of one payment', async () => {
    const payment = await accepted()
    await assert.rejects(database.asAdmin(`
      CREATE TEMPORARY TABLE copy AS SELECT * FROM ngome.transfers WHERE payment = '${payment}';
      ${putBack}`), { code: '23505' })
    const insert = (id: string) => database.asAdmin(`INSERT INTO ngome.attempts
      (id, merchant, world, payment, reference, fence, state, prepared_at)
      VALUES ($1, $2, 'test', $3, gen_random_uuid(), 1, 'prepared', now())`, [id, merchant.tenant.merchant, payment])
    await insert('att_01jd0000000000000000000000')
    await assert.rejects(insert('att_01jd0000000000000000000001'), { code: '23505' })
    await assert.rejects(database.asAdmin(`UPDATE ngome.attempts SET reference = gen_random_uuid()`), { code: 'NG002' })
    await assert.rejects(database.asAdmin(`UPDATE ngome.attempts SET fence = 0`), { code: 'NG001' })
  })
})
