import type { Event, FailureCode } from '@ngome/contracts'
import type { Clock, PaymentId, Tenant } from '@ngome/kernel'
import { dispatcherOrigins, paymentStates, type ObjectEvent } from '@ngome/payments'
import type { Database } from '../database.ts'
import { appendEventStatement } from '../events/append-event.ts'
import { lastEventsStatement, provingStatement } from '../events/object-events.ts'
import { takeBackStatement } from '../jobs/enqueue.ts'
import { pipelinedInTurns, type Sequel } from '../pipeline.ts'
import type { Statement } from '../statement.ts'
import { lockStatement } from './lock-payment.ts'

export type PaymentOutcome =
  | { readonly status: 'succeeded'; readonly networkReference: string | null }
  | { readonly status: 'failed'; readonly failure: FailureCode; readonly networkReason: string | null }

export type OutcomeRecord = {
  readonly payment: PaymentId
  /** The fence that the caller holds, or `null` for a record that was refused before there was any attempt. */
  readonly fence: number | null
  readonly outcome: PaymentOutcome
  /** `payment.succeeded` or `payment.failed`, for the operator. */
  readonly event: Event
  readonly prove: ProveChange
  /** Further events, of what was found out with the end. */
  readonly alarms?: readonly Event[]
}

/**
 * Proves what webhooks say of a change, from the rows as they are under the lock.
 * @param factsProof what proves what the payment is; `null` where no attempt was made
 * @returns `null` where they are not what was once compared
 */
export type ProveChange = (event: ObjectEvent, factsProof: Uint8Array | null) => Uint8Array | null

/**
 * Ends a payment, in one transaction: attempt, payment, ledger, event with its leaf, and the proof of what webhooks say. Compare-and-set: it happens once, for the holder of the fence, or never.
 *
 * @returns `superseded` where the payment has ended already or another holds the attempt by now
 * @throws Fault `store/unavailable`
 */
export async function recordOutcome(
  db: Database,
  from: { readonly clock: Clock },
  tenant: Tenant,
  record: OutcomeRecord,
): Promise<'recorded' | 'superseded'> {
  const { payment, fence, outcome, event, alarms = [], prove } = record
  const at = new Date(from.clock.nowMs())
  const isRecorded = await pipelinedInTurns(db, tenant, async (ask) => {
    // The lock keeps an attempt from appearing between the look at it and the end.
    const [locked, attempts] = await ask([lockStatement(tenant, payment), fence === null ? attemptStatement(tenant, payment) : endAttemptStatement(tenant, payment, fence, outcome, at)])
    const attempt = attempts?.rows[0] as { readonly facts_proof: Uint8Array | null; readonly reference: string } | undefined
    // Taken back by its merchant while this was found out: its attempt stays as it was prepared.
    if (locked?.rows[0]?.['status'] === 'cancelled' || (attempt === undefined) !== (fence === null)) return superseded
    const [ended, events] = await ask([endPaymentStatement(tenant, payment, outcome, at), lastEventsStatement(tenant, payment)])
    if (ended?.rowCount !== 1) {
      // The attempt was held and its payment has ended: two rows that one transaction writes disagree.
      if (fence !== null) throw new Error(`attempt and payment disagree about ${payment}`)
      return superseded
    }
    const [transfers] = await ask([endTransfersStatement(tenant, payment, outcome, at)])
    if ((transfers?.rowCount ?? 0) === 0) throw new Error(`payment ${payment} has no transfer that waits`)
    const proof = provingStatement(tenant, payment, events?.rows ?? [], (told) => prove(told, attempt?.facts_proof ?? null))
    return { result: true, statements: [
      // Where a callback came before the first enquiry was due, nothing is left to be asked.
      ...attempt === undefined ? [] : [takeBackStatement('payment-enquire', attempt.reference)],
      ...[...alarms, event].map(appendEventStatement),
      ...proof === null ? [] : [proof],
    ] }
  })
  if (!isRecorded) return 'superseded'
  db.wake('webhook-deliver')
  return 'recorded'
}

const superseded: Sequel<boolean> = { statements: null, result: false }

/** What must not be there, where nobody took the payment in hand. */
function attemptStatement({ merchant, world }: Tenant, payment: PaymentId): Statement {
  return { name: 'find_attempt', text: 'SELECT facts_proof, reference FROM ngome.attempts WHERE merchant = $1 AND world = $2 AND payment = $3', values: [merchant, world, payment] }
}

function endAttemptStatement({ merchant, world }: Tenant, payment: PaymentId, fence: number, outcome: PaymentOutcome, at: Date): Statement {
  const [reference, reason] = outcome.status === 'succeeded' ? [outcome.networkReference, null] : [null, outcome.networkReason]
  return {
    name: 'end_attempt',
    text: `UPDATE ngome.attempts SET state = 'known', known_at = $5, network_reference = $6, network_reason = $7
      WHERE merchant = $1 AND world = $2 AND payment = $3 AND fence = $4 AND state = ANY($8) RETURNING facts_proof, reference`,
    // Money can only have moved for what was sent.
    values: [merchant, world, payment, fence, at, reference, reason, outcome.status === 'succeeded' ? ['sent'] : ['prepared', 'sent']],
  }
}

/** A success is only of what was sent; a failure is also of what never was. */
function endPaymentStatement({ merchant, world }: Tenant, payment: PaymentId, outcome: PaymentOutcome, at: Date): Statement {
  return {
    name: 'end_payment',
    text: `UPDATE ngome.payments SET status = $4, failure = $5, updated_at = $6
      WHERE merchant = $1 AND world = $2 AND id = $3 AND status = ANY($7)`,
    values: [merchant, world, payment, outcome.status, outcome.status === 'failed' ? outcome.failure : null, at, dispatcherOrigins(outcome.status)],
  }
}

/** Every transfer of the payment that waits comes to its end; its begin stays as it was. */
function endTransfersStatement({ merchant, world }: Tenant, payment: PaymentId, outcome: PaymentOutcome, at: Date): Statement {
  const copied = 'debit_account, credit_account, debit_kind, credit_kind, amount_minor, currency'
  return {
    name: 'end_transfers',
    text: `INSERT INTO ngome.transfers (merchant, world, payment, kind, phase, ${copied}, at)
      SELECT merchant, world, payment, kind, $4, ${copied}, $5 FROM ngome.transfers WHERE merchant = $1 AND world = $2 AND document = $3 AND phase = 'pending'`,
    values: [merchant, world, payment, paymentStates[outcome.status].transfers, at],
  }
}
