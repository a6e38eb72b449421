import { Fault, type Tenant } from '@ngome/kernel'
import { accountFor, writeStatement, type StatementEntry, type StatementForm } from '@ngome/payments'
import { findStatement, firstPosition, listStatementEntries, statementPageMax, type Database, type StatementPeriod } from '@ngome/store'

/**
 * Writes a merchant's statement of closed days whole, a page of entries at a time, however many there are.
 * @throws Fault `statements/not_closed`, `store/unavailable`
 */
export async function* exportStatement(db: Database, tenant: Tenant, period: StatementPeriod, form: StatementForm): AsyncGenerator<string> {
  const totals = await findStatement(db, tenant, period)
  if (totals === undefined) throw new Fault('statements/not_closed', `${period.to} is not closed yet: ngome ledger check says which day was last`)
  const { openingMinor, closingMinor, inMinor, outMinor, entries } = totals
  yield* writeStatement(form, {
    tenant, account: accountFor(tenant, 'merchant_available', '', period.currency).id, ...period, createdAtMs: totals.closedAtMs,
    number: 1, isLast: true, openingMinor, closingMinor, entryCount: entries, creditMinor: inMinor, debitMinor: outMinor,
  }, pagesOf(db, tenant, period))
}

async function* pagesOf(db: Database, tenant: Tenant, period: StatementPeriod): AsyncGenerator<readonly StatementEntry[]> {
  for (let position = firstPosition; ;) {
    const page = await listStatementEntries(db, tenant, period, position, statementPageMax)
    yield page
    const last = page.at(-1)
    if (last === undefined || page.length < statementPageMax) return
    position = last.position
  }
}
