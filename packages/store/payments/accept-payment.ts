import type { Event, PaymentDirection } from '@ngome/contracts'
import type { ApiKeyId, DataKeyId, Money, PaymentId, Tenant } from '@ngome/kernel'
import { transferOf, type Account, type Transfer } from '@ngome/payments'
import type { Database } from '../database.ts'
import { appendEventStatement } from '../events/append-event.ts'
import { enqueueStatement } from '../jobs/enqueue.ts'
import type { Statement } from '../pipeline.ts'
import { errorCode } from '../store-fault.ts'
import { withIdempotency, type IdempotencyClaim, type IdempotentOutcome } from './idempotency.ts'

export type NewPayment = {
  readonly id: PaymentId
  readonly direction: PaymentDirection
  readonly network: string
  readonly money: Money
  readonly reference: string
  readonly payerMasked: string
  readonly apiKey: ApiKeyId
  /** Inserted before, with `insertDataKey`. */
  readonly dataKey: DataKeyId
  readonly sealed: Uint8Array
  readonly createdAtMs: number
}

export type DayTotal = { readonly ofKey: ApiKeyId; readonly atMostMinor: bigint }

export type Acceptance = {
  readonly tenant: Tenant
  readonly payment: NewPayment
  /** What payments of the UTC day may come to, in minor units, and of which key and those that it was rolled into; `null` where there is no such cap. */
  readonly dayTotal: DayTotal | null
  readonly event: Event
  readonly idempotency: IdempotencyClaim
}

/**
 * Accepts a payment in one transaction and one round trip: idempotency record, payment, accounts, transfer, event,
 * audit leaf, the job that dispatches it and the total of its key's day. After `accepted` all of them are on disk; after any other outcome none.
 * @throws Fault `store/unavailable`, after which the merchant repeats with the same key
 */
export async function acceptPayment(
  db: Database, acceptance: Acceptance,
): Promise<IdempotentOutcome | { readonly kind: 'day_total_reached' } | { readonly kind: 'not_covered' }> {
  const { tenant, payment, event, idempotency, dayTotal } = acceptance
  const transfer = transferOf({ ...payment, tenant })
  const known = knownAccounts(db)
  // In one order, so that two who make the same accounts wait for one another and never both.
  const accounts = [transfer.debit, transfer.credit].filter((account) => !known.has(account.id)).toSorted((a, b) => a.id < b.id ? -1 : 1)
  const outcome = await withIdempotency(db, tenant, idempotency, payment.createdAtMs, [
    paymentStatement(tenant, payment),
    ...accounts.map((account) => accountStatement(account)),
    transferStatement(tenant, transfer, payment.createdAtMs),
    appendEventStatement(event),
    enqueueStatement('payment-dispatch', { ...tenant, payment: payment.id }, 0),
    // Last, so that others wait for its row no longer than for the commit.
    ...dayTotal === null ? [] : [dayTotalStatement(payment, dayTotal)],
  ]).catch((error: unknown) => {
    if (errorCode(error) === dayTotalReached) return { kind: 'day_total_reached' } as const
    if (errorCode(error) === notCovered) return { kind: 'not_covered' } as const
    throw error
  })
  if (outcome.kind === 'accepted') {
    for (const account of accounts) remember(known, account)
    db.wake('payment-dispatch')
  }
  return outcome
}

/** Raised by `ngome.guard_transfer_row`: what a payout or a refund would take is not there. */
const notCovered = 'NG007'
/** Raised by `ngome.count_towards_day`. */
const dayTotalReached = 'NG005'

/** Accounts that this process saw committed; they are never removed, so that nobody needs to make them again. */
const knownByDatabase = new WeakMap<Database, Set<string>>()
/** A bound on memory: past it the oldest are asked for again, which only costs a statement. */
const knownAccountsMax = 10_000

function knownAccounts(db: Database): Set<string> {
  let known = knownByDatabase.get(db)
  if (known === undefined) knownByDatabase.set(db, known = new Set())
  return known
}

function remember(known: Set<string>, account: Account): void {
  if (known.size >= knownAccountsMax) {
    for (const oldest of known) {
      known.delete(oldest)
      break
    }
  }
  known.add(account.id)
}

function paymentStatement(tenant: Tenant, payment: NewPayment): Statement {
  const at = new Date(payment.createdAtMs)
  return {
    name: 'insert_payment',
    text: `INSERT INTO ngome.payments (id, merchant, world, status, direction, network, currency, amount_minor,
        reference, payer_masked, api_key, data_key, sealed, created_at, updated_at)
      VALUES ($1, $2, $3, 'accepted', $13, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)`,
    values: [payment.id, tenant.merchant, tenant.world, payment.network, payment.money.currency,
      payment.money.amountMinor, payment.reference, payment.payerMasked, payment.apiKey, payment.dataKey,
      payment.sealed, at, payment.direction],
  }
}

function dayTotalStatement({ money, createdAtMs }: NewPayment, { ofKey, atMostMinor }: DayTotal): Statement {
  return {
    name: 'count_towards_day',
    text: 'SELECT ngome.count_towards_day($1, $2, $3, $4, $5)',
    values: [ofKey, new Date(createdAtMs).toISOString().slice(0, 10), money.currency, money.amountMinor, atMostMinor],
  }
}

function accountStatement({ id, tenant, kind, network, currency }: Account): Statement {
  return {
    name: 'insert_account',
    text: `INSERT INTO ngome.accounts (id, merchant, world, kind, network, currency) VALUES ($1, $2, $3, $4, $5, $6)
      ON CONFLICT DO NOTHING`,
    values: [id, tenant.merchant, tenant.world, kind, network, currency],
  }
}

function transferStatement(tenant: Tenant, { payment, kind, debit, credit, money }: Transfer, atMs: number): Statement {
  return {
    name: 'insert_transfer',
    text: `INSERT INTO ngome.transfers (merchant, world, payment, kind, phase, debit_account, credit_account, debit_kind, credit_kind,
        amount_minor, currency, at)
      VALUES ($1, $2, $3, $4, 'pending', $5, $6, $7, $8, $9, $10, $11)`,
    values: [tenant.merchant, tenant.world, payment, kind, debit.id, credit.id, debit.kind, credit.kind, money.amountMinor,
      money.currency, new Date(atMs)],
  }
}
