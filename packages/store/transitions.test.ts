import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { paymentDirections, paymentStatuses, type PaymentStatus } from '@ngome/contracts'
import { newId, systemClock, systemRandom, type PaymentId } from '@ngome/kernel'
import { accountKinds, canTransition, documentTransferRules, initialStatuses, paymentStates, paymentTransitions, transferRules } from '@ngome/payments'
import { addTestMerchant, testAcceptance, testDatabase, type TestDatabase, type TestMerchant } from '@ngome/testkit'
import type { Database } from './database.ts'
import { acceptPayment } from './payments/accept-payment.ts'
import { inTenant } from './transaction.ts'

let database: TestDatabase
let merchant: TestMerchant
let roles: { readonly gateway: Database; readonly dispatcher: Database }
before(async () => {
  database = await testDatabase()
  roles = { gateway: database.open('ngome_gateway', { poolMax: 2 }), dispatcher: database.open('ngome_dispatcher', { poolMax: 2 }) }
  merchant = await addTestMerchant(database)
})
after(() => database.close())

async function accepted(): Promise<PaymentId> {
  const acceptance = testAcceptance(merchant)
  await acceptPayment(roles.gateway, acceptance)
  return acceptance.payment.id
}

const waysTo: Readonly<Record<PaymentStatus, readonly PaymentStatus[]>> = {
  awaiting_approval: [], accepted: [], processing: ['processing'], in_doubt: ['processing', 'in_doubt'],
  succeeded: ['processing', 'succeeded'], failed: ['processing', 'failed'], cancelled: ['cancelled'],
  reversed: ['processing', 'succeeded', 'reversed'],
}

/** Puts a payment into a state on a way that is allowed; one that waits for an approval is a payout. */
async function paymentIn(status: PaymentStatus): Promise<PaymentId> {
  if (status === 'awaiting_approval') return waitingPayout()
  const payment = await accepted()
  for (const step of waysTo[status]) await move(payment, step)
  return payment
}

/** As the administrator, without its transfers: what is tested here is the payment's own row. */
async function waitingPayout(): Promise<PaymentId> {
  const id = newId('payout', { clock: systemClock, random: systemRandom })
  await database.asAdmin(`INSERT INTO ngome.payments (id, merchant, world, status, direction, network, currency, amount_minor, reference,
      payer_masked, api_key, data_key, sealed, created_at, updated_at)
    SELECT $1, merchant, world, 'awaiting_approval', 'payout', network, currency, amount_minor, reference, payer_masked, api_key, data_key,
      sealed, created_at, updated_at FROM ngome.payments WHERE id = $2`, [id, await accepted()])
  return id
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
    const rows = await database.asAdmin(`SELECT from_status AS "from", to_status AS "to", by_process AS "by"
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

  test('to know other states than packages/payments does, or another phase of their transfers', async () => {
    const rows = await database.asAdmin('SELECT status, transfers FROM ngome.payment_states')
    assert.deepEqual(Object.fromEntries(rows.map((row) => [row['status'], row['transfers']])),
      Object.fromEntries(Object.entries(paymentStates).map(([status, { transfers }]) => [status, transfers])))
  })

  for (const role of ['gateway', 'dispatcher'] as const) {
    test(`the ${role} every change that is the other's`, async () => {
      const db = roles[role]
      for (const { from, to } of paymentTransitions) {
        const payment = await paymentIn(from)
        const asRole = inTenant(db, merchant.tenant, (tx) => tx.updateTable('payments')
          .set({ status: to, failure: to === 'failed' ? 'network_refused' : null }).where('id', '=', payment).execute())
        // Of a row of a batch that was approved alone: payouts/batch-approvals.test.ts.
        const isOfBatches = role === 'dispatcher' && from === 'awaiting_approval' && to === 'accepted'
        if (!isOfBatches && paymentTransitions.some((one) => one.from === from && one.to === to && one.by === role)) await asRole
        else await assert.rejects(asRole, { code: 'NG001' }, `${from} ${to}`)
      }
    })
  }

  for (const direction of paymentDirections) {
    for (const status of paymentStatuses) {
      const mayBegin = initialStatuses[direction].includes(status)
      if (direction === 'refund') continue
      test(`${mayBegin ? 'not ' : ''}a ${direction} that begins as ${status}`, async () => {
        const insert = database.asAdmin(`
          CREATE TEMPORARY TABLE copy AS SELECT * FROM ngome.payments WHERE id = '${await accepted()}';
          UPDATE copy SET id = '${newId(direction === 'payout' ? 'payout' : 'payment', { clock: systemClock, random: systemRandom })}',
            direction = '${direction}', status = '${status}', failure = ${status === 'failed' ? `'network_refused'` : 'NULL'};
          INSERT INTO ngome.payments SELECT * FROM copy`)
        if (mayBegin) await insert
        else await assert.rejects(insert, { code: 'NG001' })
      })
    }
  }

  test('exactly the transfers that packages/payments has no rule for', async () => {
    const rows = await database.asAdmin(`SELECT kind, document, direction, debit_kind, credit_kind, share, needs_cover, needs_debt, is_reversal
      FROM ngome.transfer_kinds ORDER BY kind`)
    const rules = [
      ...Object.entries(transferRules).map(([kind, rule]) => ({ kind, document: 'payment', needsDebt: false, ...rule })),
      ...Object.entries(documentTransferRules).map(([kind, rule]) => ({ kind, direction: null, share: 'amount', isReversal: false, ...rule })),
    ].toSorted((a, b) => a.kind < b.kind ? -1 : 1)
    assert.deepEqual(rows.map((row) => ({ ...row })), rules.map(({ kind, document, direction, debit, credit, share, needsCover, needsDebt, isReversal }) => (
      { kind, document, direction, debit_kind: debit, credit_kind: credit, share, needs_cover: needsCover, needs_debt: needsDebt, is_reversal: isReversal })))
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
    ['another fee of a payment', 'UPDATE ngome.payments SET fee_minor = 1', 'NG002'],
    ['another collection of a payment', 'UPDATE ngome.payments SET original = id', 'NG002'],
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
    ['a payout by the id of a collection', `direction = 'payout'`, '23514'],
    ['a fee that leaves nothing', 'fee_minor = amount_minor', '23514'],
    ['a fee of less than nothing', 'fee_minor = -1', '23514'],
    ['a collection that gives another back', `original = '${'pay_01jd0000000000000000000000'}'`, '23514'],
    ['a refund of nothing', `direction = 'refund', id = 'rfd_01jd0000000000000000000000'`, 'NG008'],
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
    for (const [change, code] of [['debit_account = credit_account', '23514'], ['amount_minor = 0', 'NG001']] as const) {
      await assert.rejects(database.asAdmin(`
        CREATE TEMPORARY TABLE copy AS SELECT * FROM ngome.transfers WHERE payment = '${payment}';
        UPDATE copy SET ${change};
        ${putBack}`), { code })
    }
  })

  const [otherDebit, otherCredit] = ['acc_01jd0000000000000000000000', 'acc_01jd0000000000000000000001']
  const transfers: readonly (readonly [what: string, change: string, code: string])[] = [
    ['another amount than its payment\'s', 'amount_minor = amount_minor + 1', 'NG001'],
    ['another currency than its payment\'s', `currency = 'UGX',
      debit_account = '${otherDebit}',
      credit_account = '${otherCredit}'`, 'NG001'],
    ['an account that it takes from in another currency', `debit_account = '${otherDebit}'`, '23503'],
    ['an account that it gives to in another currency', `credit_account = '${otherCredit}'`, '23503'],
    ['the opposite direction', 'debit_account = credit_account, credit_account = debit_account', '23503'],
    ['the opposite direction, said so', `debit_account = credit_account, credit_account = debit_account,
      debit_kind = credit_kind, credit_kind = debit_kind`, '23503'],
    ['the opposite direction, as a payout', `debit_account = credit_account, credit_account = debit_account,
      debit_kind = credit_kind, credit_kind = debit_kind, kind = 'payout'`, 'NG001'],
    ['a fee that its payment has not', `kind = 'collection_fee'`, 'NG001'],
    ['an end that nothing waits for', `phase = 'posted'`, 'NG001'],
    ['a payment that is not there', `payment = 'pay_01jd0000000000000000000000'`, 'NG001'],
    ['its payment\'s own money and accounts', 'kind = kind', ''],
  ]
  for (const [what, change, code] of transfers) {
    test(`${code === '' ? 'not ' : ''}a transfer with ${what}`, async () => {
      const fresh = await addTestMerchant(database)
      const acceptance = testAcceptance(fresh)
      await acceptPayment(roles.gateway, acceptance)
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

  test('an end of a transfer that its payment\'s state does not have', async () => {
    for (const [to, phase] of [['accepted', 'voided'], ['processing', 'posted'], ['succeeded', 'voided'], ['failed', 'posted'], ['cancelled', 'posted']] as const) {
      const payment = await paymentIn(to)
      await assert.rejects(database.asAdmin(`
        CREATE TEMPORARY TABLE copy AS SELECT * FROM ngome.transfers WHERE payment = '${payment}';
        UPDATE copy SET phase = '${phase}';
        ${putBack}`), { code: 'NG001' }, to)
    }
  })

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
