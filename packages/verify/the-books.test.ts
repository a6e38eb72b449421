import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ManualClock, type PaymentId } from '@ngome/kernel'
import { acceptPayment, type Database } from '@ngome/store'
import { addTestMerchant, testAcceptance, testDatabase, type TestDatabase } from '@ngome/testkit'
import type { PlantedPayment } from './at-rest/plant-payment.ts'
import { theBooksOnlyGrow, type AttemptingRole } from './probes/the-books-only-grow.ts'
import { runProbes } from './run-probes.ts'

let database: TestDatabase
let roles: Readonly<Record<AttemptingRole, Database>>
let planted: PlantedPayment
before(async () => {
  database = await testDatabase()
  roles = { operator: database.open('ngome_operator', { poolMax: 2 }), auditor: database.open('ngome_auditor', { poolMax: 2 }) }
  const merchant = await addTestMerchant(database)
  const acceptance = testAcceptance(merchant)
  await acceptPayment(database.open('ngome_gateway'), acceptance)
  planted = { id: acceptance.payment.id, tenant: merchant.tenant, phoneDigits: '', note: '' }
  await end(planted.id)
})
after(() => database.close())

async function end(id: PaymentId): Promise<void> {
  for (const status of ['processing', 'succeeded']) await database.asAdmin('UPDATE ngome.payments SET status = $2 WHERE id = $1', [id, status])
  await database.asAdmin(`INSERT INTO ngome.transfers (merchant, world, payment, kind, phase, debit_account, credit_account, debit_kind, credit_kind, amount_minor, currency, at)
    SELECT merchant, world, payment, kind, 'posted', debit_account, credit_account, debit_kind, credit_kind, amount_minor, currency, now()
    FROM ngome.transfers WHERE payment = $1 AND NOT is_end`, [id])
}

async function attemptAs(role: AttemptingRole, statement: string): Promise<string | undefined> {
  try {
    await roles[role].pool.query(statement)
    return undefined
  } catch (error) {
    return (error as { readonly code: string }).code
  }
}

type Ledger = Awaited<ReturnType<Parameters<typeof theBooksOnlyGrow.run>[0]['ledgerFindings']>>
const agreeing: Ledger = [{ what: 'sums are those of all transfers', found: [] }]

async function look(changes: { readonly ledger?: Ledger; readonly planted?: PlantedPayment } = {}): Promise<string> {
  const target = {
    planted: async () => changes.planted ?? planted, ledgerFindings: async () => changes.ledger ?? agreeing, attemptAs,
    // What a query of the probe selects is what it says; the driver knows no types.
    auditor: { query: async <Row>(text: string, values: readonly unknown[] = []) => (await roles.auditor.pool.query(text, [...values])).rows as readonly Row[] },
  }
  const [result] = await runProbes([theBooksOnlyGrow], target, new ManualClock(0))
  return `${result?.status}: ${result?.evidence}`
}

test('books as the migrations make them only grow', async () => {
  assert.match(await look(), /^holds/)
})

test('a ledger that differs fails, with what', async () => {
  const ledger = [...agreeing, { what: 'every posted transfer is in exactly one day', found: ['tra_1'] }]
  assert.equal(await look({ ledger }), 'fails: not so: every posted transfer is in exactly one day (tra_1)')
})

test('a payment without transfers, and one whose transfer has no end, fail', async () => {
  const acceptance = testAcceptance(await addTestMerchant(database))
  assert.equal(await look({ planted: { ...planted, id: acceptance.payment.id } }), 'fails: a payment of the probes has no transfer')
  await acceptPayment(database.open('ngome_gateway'), acceptance)
  assert.match(await look({ planted: { ...planted, id: acceptance.payment.id } }), /^fails: a payment's collection began 1 times, ended 0 times/)
})

const sabotages: readonly (readonly [what: string, right: string, on: string, role: string, found: RegExp])[] = [
  ['the operator may change transfers', 'SELECT, UPDATE', 'ngome.transfers', 'ngome_operator', /the operator's role was answered NG003 to UPDATE ngome\.transfers/],
  ['the operator may remove events', 'SELECT, DELETE', 'ngome.events', 'ngome_operator', /the operator's role was let DELETE FROM ngome\.events/],
  ['the auditor may remove closed days', 'SELECT, DELETE', 'ngome.ledger_days', 'ngome_auditor', /the auditor's role was answered NG003 to DELETE FROM ngome\.ledger_days/],
  ['the dispatcher may change transfers', 'UPDATE', 'ngome.transfers', 'ngome_dispatcher', /ngome_dispatcher UPDATE ngome\.transfers/],
  ['the gateway may change one column of settlements', 'UPDATE (amount_minor)', 'ngome.settlements', 'ngome_gateway', /ngome_gateway UPDATE ngome\.settlements/],
  ['the gateway may change what an event said', 'UPDATE (facts)', 'ngome.object_events', 'ngome_gateway', /ngome_gateway UPDATE ngome\.object_events/],
  ['the dispatcher may empty adjustments', 'TRUNCATE', 'ngome.adjustments', 'ngome_dispatcher', /ngome_dispatcher TRUNCATE ngome\.adjustments/],
  ['the gateway may remove from a partition of the audit log', 'DELETE', 'ngome.audit_leaves_default', 'ngome_gateway', /ngome_gateway DELETE ngome\.audit_leaves_default/],
  ['everybody may change statements', 'UPDATE', 'ngome.account_days', 'PUBLIC', /UPDATE ngome\.account_days/],
]
for (const [what, right, on, role, found] of sabotages) {
  test(`fails where ${what}`, async () => {
    await database.asAdmin(`GRANT ${right} ON ${on} TO ${role}`)
    try {
      const seen = await look()
      assert.match(seen, /^fails/)
      assert.match(seen, found)
    } finally {
      await database.asAdmin(`REVOKE ${right.replace('SELECT, ', '')} ON ${on} FROM ${role}`)
    }
  })
}
