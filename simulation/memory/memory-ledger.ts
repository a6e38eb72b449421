import type { AdjustmentId, Currency, PaymentId, Tenant } from '@ngome/kernel'
import { accountFor, reversalsOf, transferRules, transfersOf, type Account, type MovedPayment, type Transfer, type TransferKind } from '@ngome/payments'
import type { Balance } from '@ngome/store'

type Move = Omit<Transfer, 'payment' | 'kind'> & { readonly document: PaymentId | AdjustmentId; readonly kind: TransferKind }
export type LedgerRow = Move & { readonly phase: 'pending' | 'posted' | 'voided' }
type Sums = { readonly account: Account; postedIn: bigint; postedOut: bigint; pendingIn: bigint; pendingOut: bigint }

/** Transfers between accounts: rows are added and never changed, and what needs cover is never taken below zero. */
export class MemoryLedger {
  readonly rows: LedgerRow[] = []
  readonly #sums = new Map<string, Sums>()
  readonly #pending = new Map<PaymentId, readonly Transfer[]>()

  /** @returns whether each transfer of the payments that needs it is covered, all together */
  covers(...payments: readonly MovedPayment[]): boolean {
    const wanted = new Map<string, bigint>()
    for (const { kind, debit, money } of payments.flatMap((payment) => transfersOf(payment))) {
      if (!transferRules[kind].needsCover) continue
      wanted.set(debit.id, (wanted.get(debit.id) ?? 0n) + money.amountMinor)
    }
    return [...wanted].every(([account, amount]) => this.#takeable(this.#sums.get(account)) >= amount)
  }

  begin(payment: MovedPayment): void {
    const transfers = transfersOf(payment)
    this.#pending.set(payment.id, transfers)
    for (const transfer of transfers) this.#begin({ ...transfer, document: payment.id })
  }

  /** Gives back all that a payment moved. */
  reverse(payment: MovedPayment): void {
    for (const transfer of reversalsOf(payment)) this.#post({ ...transfer, document: payment.id })
  }

  /** Repays what is owed as far as something is there. @returns whether there was */
  repay(tenant: Tenant, currency: Currency, repayment: AdjustmentId): boolean {
    const [debit, credit] = [accountFor(tenant, 'merchant_available', '', currency), accountFor(tenant, 'merchant_debt', '', currency)]
    const [held, owed] = [availableOf(this.#sums.get(debit.id)), -availableOf(this.#sums.get(credit.id))]
    const amountMinor = held < owed ? held : owed
    if (amountMinor <= 0n) return false
    this.#post({ document: repayment, kind: 'debt_repayment', debit, credit, money: { amountMinor, currency } })
    return true
  }

  /** Whose debts there are, and were. */
  debts(): readonly Pick<Account, 'tenant' | 'currency'>[] {
    return [...this.#sums.values()].map(({ account }) => account).filter(({ kind }) => kind === 'merchant_debt')
  }

  end(payment: PaymentId, phase: 'posted' | 'voided'): void {
    const transfers = this.#pending.get(payment)
    if (transfers === undefined) throw new Error(`payment ${payment} has no transfer that waits`)
    this.#pending.delete(payment)
    for (const transfer of transfers) this.#end({ ...transfer, document: payment }, phase)
  }

  balances({ merchant, world }: Tenant): readonly Balance[] {
    return [...this.#sums.values()]
      .filter(({ account }) => account.kind === 'merchant_available' && account.tenant.merchant === merchant && account.tenant.world === world)
      .map((sums) => ({
        currency: sums.account.currency, availableMinor: atLeastNothing(this.#takeable(sums)), pendingMinor: sums.pendingIn, reservedMinor: sums.pendingOut,
        owedMinor: atLeastNothing(-this.#takeable(sums)),
      }))
      .toSorted((one, other) => compareCurrencies(one.currency, other.currency))
  }

  /** What does not add up, counted from the rows alone. */
  problems(): readonly string[] {
    const counted = new Map<string, bigint>()
    const add = (account: Account, amount: bigint): void => void counted.set(account.id, (counted.get(account.id) ?? 0n) + amount)
    const lives = new Map<string, string[]>()
    for (const { document, kind, phase, debit, credit, money } of this.rows) {
      const name = `${document} ${kind}`
      lives.set(name, [...lives.get(name) ?? [], phase])
      if (phase !== 'posted') continue
      add(debit, -money.amountMinor)
      add(credit, money.amountMinor)
    }
    const sums = [...this.#sums.values()]
    return [
      ...sums.filter((one) => (counted.get(one.account.id) ?? 0n) !== one.postedIn - one.postedOut).map((one) => `account ${one.account.id} does not add up`),
      ...sums.filter((one) => one.account.kind === 'merchant_available' && availableOf(one) < 0n).map((one) => `account ${one.account.id} is below zero`),
      ...sums.filter((one) => one.account.kind === 'merchant_debt' && availableOf(one) > 0n).map((one) => `of ${one.account.id} more was repaid than was owed`),
      ...[...lives].filter(([, phases]) => phases[0] !== 'pending' || phases.length > 2).map(([name, phases]) => `${name} went ${phases.join(', ')}`),
      ...[...counted.values()].reduce((all, one) => all + one, 0n) === 0n ? [] : ['what left is not what came'],
    ]
  }

  #post(transfer: Move): void {
    this.#begin(transfer)
    this.#end(transfer, 'posted')
  }

  #begin(transfer: Move): void {
    this.rows.push({ ...transfer, phase: 'pending' })
    this.#of(transfer.debit).pendingOut += transfer.money.amountMinor
    this.#of(transfer.credit).pendingIn += transfer.money.amountMinor
  }

  #end(transfer: Move, phase: 'posted' | 'voided'): void {
    this.rows.push({ ...transfer, phase })
    const { amountMinor } = transfer.money
    const [debit, credit] = [this.#of(transfer.debit), this.#of(transfer.credit)]
    debit.pendingOut -= amountMinor
    credit.pendingIn -= amountMinor
    if (phase === 'voided') return
    debit.postedOut += amountMinor
    credit.postedIn += amountMinor
  }

  /** What may be taken of a merchant's account: less than nothing where more is owed than is there. */
  #takeable(sums: Sums | undefined): bigint {
    if (sums === undefined) return 0n
    return availableOf(sums) + availableOf(this.#sums.get(accountFor(sums.account.tenant, 'merchant_debt', '', sums.account.currency).id))
  }

  #of(account: Account): Sums {
    let sums = this.#sums.get(account.id)
    if (sums === undefined) this.#sums.set(account.id, sums = { account, postedIn: 0n, postedOut: 0n, pendingIn: 0n, pendingOut: 0n })
    return sums
  }
}

function availableOf(sums: Sums | undefined): bigint {
  return sums === undefined ? 0n : sums.postedIn - sums.postedOut - sums.pendingOut
}

function atLeastNothing(amountMinor: bigint): bigint {
  return amountMinor < 0n ? 0n : amountMinor
}

function compareCurrencies(one: Currency, other: Currency): number {
  return one < other ? -1 : 1
}
