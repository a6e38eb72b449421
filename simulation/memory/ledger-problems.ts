import type { AccountId, Currency, Tenant } from '@ngome/kernel'
import { accountFor, paymentStates, reversalsOf, transferRules, transfersOf, type Account } from '@ngome/payments'
import type { PaymentRow } from '@ngome/store'
import type { LedgerRow } from './memory-ledger.ts'

/** @returns what of a ledger is not as its payments are, counted from its rows alone */
export function ledgerProblems(payments: readonly PaymentRow[], rows: readonly LedgerRow[]): readonly string[] {
  return [...misstanding(payments, rows), ...overtaken(rows), ...unrepaidOf(rows)]
}

/** Transfers that stand otherwise than their payments: money that is kept, or given away, for nothing. */
function misstanding(payments: readonly PaymentRow[], rows: readonly LedgerRow[]): readonly string[] {
  const last = new Map(rows.map(({ document, kind, phase }) => [`${document} ${kind}`, phase]))
  const sums = new Map<string, Map<AccountId, bigint>>()
  for (const { document, phase, debit, credit, money: { amountMinor } } of rows) {
    if (phase !== 'posted') continue
    const own = sums.get(document) ?? new Map<AccountId, bigint>()
    sums.set(document, own)
    own.set(ownerOf(debit), (own.get(ownerOf(debit)) ?? 0n) - amountMinor)
    own.set(ownerOf(credit), (own.get(ownerOf(credit)) ?? 0n) + amountMinor)
  }
  return payments.flatMap((row) => {
    const { id, status } = row
    const isReversed = status === 'reversed'
    const due = [
      ...transfersOf({ ...row, money: row }).map(({ kind }) => [kind, paymentStates[status].transfers] as const),
      ...reversalsOf({ ...row, money: row }).map(({ kind }) => [kind, isReversed ? 'posted' : undefined] as const),
    ]
    const isLeft = isReversed && [...sums.get(id)?.values() ?? []].some((sum) => sum !== 0n)
    return [
      ...due.filter(([kind, phase]) => last.get(`${id} ${kind}`) !== phase).map(([kind]) => `${id} is ${status}, and its ${kind} is ${last.get(`${id} ${kind}`) ?? 'not there'}`),
      ...isLeft ? [`${id} is reversed, and does not come to nothing`] : [],
    ]
  })
}

/** What a merchant owes stands against what it has. */
function ownerOf({ kind, tenant, currency, id }: Account): AccountId {
  return kind === 'merchant_debt' ? accountFor(tenant, 'merchant_available', '', currency).id : id
}

/** Whatever was taken of a merchant's money was there as it was begun, less what was owed. */
function overtaken(rows: readonly LedgerRow[]): readonly string[] {
  const takeable = new Map<AccountId, bigint>()
  const problems: string[] = []
  for (const { document, kind, phase, debit, credit, money: { amountMinor } } of rows) {
    const add = (account: Account, by: bigint): bigint => {
      const sum = (takeable.get(ownerOf(account)) ?? 0n) + by
      takeable.set(ownerOf(account), sum)
      return sum
    }
    if (phase === 'posted') add(credit, amountMinor)
    if (phase === 'voided') add(debit, amountMinor)
    const left = phase === 'pending' ? add(debit, -amountMinor) : 0n
    if (left < 0n && kind in transferRules && transferRules[kind as keyof typeof transferRules].needsCover) problems.push(`${document} took more than was there beyond what is owed`)
  }
  return problems
}

/** Where something is owed, and there to repay it. */
export function unrepaidOf(rows: readonly LedgerRow[]): readonly string[] {
  const sums = new Map<AccountId, bigint>()
  const debts = new Map<AccountId, { readonly tenant: Tenant; readonly currency: Currency }>()
  for (const { phase, debit, credit, money: { amountMinor } } of rows) {
    if (phase !== 'posted') sums.set(debit.id, (sums.get(debit.id) ?? 0n) + (phase === 'pending' ? -amountMinor : amountMinor))
    if (phase === 'posted') sums.set(credit.id, (sums.get(credit.id) ?? 0n) + amountMinor)
    if (debit.kind === 'merchant_debt') debts.set(debit.id, debit)
  }
  return [...debts].filter(([id, { tenant, currency }]) =>
    (sums.get(id) ?? 0n) < 0n && (sums.get(accountFor(tenant, 'merchant_available', '', currency).id) ?? 0n) > 0n).map(([id]) => `${id} is owed, and its merchant has something`)
}
