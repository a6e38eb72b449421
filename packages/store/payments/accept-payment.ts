import type { Event, PaymentDirection, PaymentStatus } from '@ngome/contracts'
import type { ApiKeyId, DataKeyId, Money, PaymentId, Tenant } from '@ngome/kernel'
import { transfersOf, type Account, type Transfer } from '@ngome/payments'
import { checkoutTryStatements, type NewCheckoutTry } from '../checkout/checkout-try.ts'
import type { Database } from '../database.ts'
import { appendEventStatement } from '../events/append-event.ts'
import { proveFirstEventStatement } from '../events/object-events.ts'
import { enqueueStatement } from '../jobs/enqueue.ts'
import type { Statement } from '../statement.ts'
import { errorCode } from '../store-fault.ts'
import { withIdempotency, type IdempotencyClaim, type IdempotentOutcome } from './idempotency.ts'
import { askForApprovalStatement, type ApprovalParty } from './payout-approvals.ts'
import { transferStatement } from './transfer-statement.ts'

export type NewPayment = {
  readonly id: PaymentId
  /** One that its direction may begin with. */
  readonly status: PaymentStatus
  readonly direction: PaymentDirection
  readonly network: string
  readonly money: Money
  readonly feeMinor: bigint
  readonly reference: string
  readonly payerMasked: string
  /** The collection that a refund gives back; `null` of all else. */
  readonly original: PaymentId | null
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
  /** Of the payment's first event (`proveEvent(secret, firstEvent(…))`); without it no webhook tells of it. */
  readonly eventProof: Uint8Array
  readonly idempotency: IdempotencyClaim
  /** Of a payout that begins as `awaiting_approval`: who asks. */
  readonly askedBy?: ApprovalParty | undefined
  /** Of a payment that a payer asked for through a link. */
  readonly checkout?: NewCheckoutTry
}

/** What took the place of an acceptance, from the codes that the database's rules raise. */
const refusals = {
  /** `ngome.count_towards_day`. */
  NG005: 'day_total_reached',
  /** `ngome.guard_transfer_row`: what a payout or a refund would take is not there. */
  NG007: 'not_covered',
  /** `ngome.guard_refund`: no collection that succeeded, or not of this network, currency or payer. */
  NG008: 'not_refundable',
  /** `ngome.guard_refund`: more than is left of the collection. */
  NG009: 'refund_exceeds',
  /** `ngome.guard_checkout_try`: the session is over, or another payment of it was asked for. */
  NG036: 'checkout_not_open',
} as const
type Refusal = (typeof refusals)[keyof typeof refusals]

export type AcceptanceOutcome = IdempotentOutcome | { readonly [K in Refusal]: { readonly kind: K } }[Refusal]

/**
 * Accepts a payment in one transaction and one round trip: idempotency record, payment, accounts, transfers, event,
 * audit leaf, the job that dispatches it and the total of its key's day. After `accepted` all of them are on disk; after any other outcome none.
 * @throws Fault `store/unavailable`, after which the merchant repeats with the same key
 */
export async function acceptPayment(db: Database, acceptance: Acceptance): Promise<AcceptanceOutcome> {
  const { tenant, payment, event, eventProof, idempotency, dayTotal } = acceptance
  const transfers = transfersOf({ ...payment, tenant })
  const accounts = makeAccounts(db, transfers)
  const outcome = await withIdempotency(db, tenant, idempotency, payment.createdAtMs, [
    paymentStatement(tenant, payment),
    proveFirstEventStatement(tenant, payment.id, eventProof),
    ...acceptance.askedBy === undefined ? [] : [askForApprovalStatement(tenant, payment.id, acceptance.askedBy, payment.createdAtMs)],
    ...accounts.statements,
    appendEventStatement(event),
    // What waits for an approval is dispatched by who approves it.
    ...payment.status === 'accepted' ? [enqueueStatement('payment-dispatch', { ...tenant, payment: payment.id, network: payment.network }, 0)] : [],
    ...acceptance.checkout === undefined ? [] : checkoutTryStatements(tenant, payment, acceptance.checkout),
    // Last, so that others wait for the rows of account and day no longer than for the commit.
    ...transfers.map((transfer) => transferStatement(tenant, transfer, 'pending', payment.createdAtMs)),
    ...dayTotal === null ? [] : [dayTotalStatement(payment, dayTotal)],
  ]).catch((error: unknown) => {
    const code = errorCode(error)
    if (code === undefined || !Object.hasOwn(refusals, code)) throw error
    return { kind: refusals[code as keyof typeof refusals] }
  })
  if (outcome.kind === 'accepted') {
    accounts.remember()
    db.wake('payment-dispatch')
  }
  return outcome
}

/** Accounts that this process saw committed; they are never removed, so that nobody needs to make them again. */
const knownByDatabase = new WeakMap<Database, Set<string>>()
/** A bound on memory: past it the oldest are asked for again, which only costs a statement. */
const knownAccountsMax = 10_000

/** What makes the accounts of these transfers that this process has not seen. `remember`: once that is committed. */
export function makeAccounts(db: Database, transfers: readonly Transfer[]): { readonly statements: readonly Statement[]; readonly remember: () => void } {
  const known = knownAccounts(db)
  // In one order, so that two who make the same accounts wait for one another and never both.
  const accounts = [...new Map(transfers.flatMap(({ debit, credit }) => [debit, credit]).map((account) => [account.id, account])).values()]
    .filter((account) => !known.has(account.id)).toSorted((a, b) => a.id < b.id ? -1 : 1)
  return {
    statements: accounts.map((account) => accountStatement(account)),
    remember: () => {
      for (const account of accounts) remember(known, account)
    },
  }
}

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
        reference, payer_masked, api_key, data_key, sealed, created_at, updated_at, fee_minor, original)
      VALUES ($1, $2, $3, $14, $13, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, $15, $16)`,
    values: [payment.id, tenant.merchant, tenant.world, payment.network, payment.money.currency,
      payment.money.amountMinor, payment.reference, payment.payerMasked, payment.apiKey, payment.dataKey,
      payment.sealed, at, payment.direction, payment.status, payment.feeMinor, payment.original],
  }
}

export function dayTotalStatement({ money, createdAtMs }: NewPayment, { ofKey, atMostMinor }: DayTotal): Statement {
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
