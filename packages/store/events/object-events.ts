import type { ObjectEventType, PaymentDirection } from '@ngome/contracts'
import type { Currency, EventId, PaymentId, SettlementId, Tenant, WebhookEndpointId } from '@ngome/kernel'
import type { EndpointFacts, MovementFacts, ObjectEvent, SettlementFacts } from '@ngome/payments'
import { CompiledQuery, type Transaction } from 'kysely'
import type { Statement } from '../statement.ts'
import type { Tables } from '../tables.ts'
import { timeOf } from '../time-of.ts'

/** Of an event and of the movement that it is of; `alias e` is the event, `p` the payment. */
export const objectEventColumns = `e.id, e.object, e.sequence, e.type, e.at, e.facts, e.position::text AS position, e.number, e.proof,
  p.direction, p.network, p.currency, p.amount_minor, p.fee_minor, p.reference, p.payer_masked, p.original, p.created_at`
/** One look for each event, in the partition that its movement can lie in; a join would be free to read them all (ADR 41). */
export const objectEventTables = `ngome.object_events e LEFT JOIN LATERAL (
    SELECT p.direction, p.network, p.currency, p.amount_minor, p.fee_minor, p.reference, p.payer_masked, p.original, p.created_at
    FROM ngome.payments p WHERE p.merchant = e.merchant AND p.world = e.world AND p.id = e.object LIMIT 1
  ) p ON true`

export type ObjectEventColumns = {
  readonly id: EventId
  readonly object: PaymentId | SettlementId | WebhookEndpointId
  readonly sequence: number
  readonly type: ObjectEventType
  readonly at: Date
  readonly facts: unknown
  readonly position: string
  readonly number: bigint
  readonly proof: Uint8Array | null
  readonly direction: PaymentDirection | null
  readonly network: string
  readonly currency: Currency
  readonly amount_minor: bigint
  readonly fee_minor: bigint
  readonly reference: string
  readonly payer_masked: string
  readonly original: PaymentId | null
  readonly created_at: Date
}

/** An event as it stands in its rows; what it says is nobody's word where no proof of it holds. */
export type ProvableEvent = { readonly event: ObjectEvent; readonly proof: Uint8Array | null }

export function toProvableEvent(tenant: Tenant, row: ObjectEventColumns): ProvableEvent {
  const { id, sequence, proof } = row
  const about = { id, tenant, sequence, atMs: timeOf(row.at) }
  // What the rows say is told apart by the schema of what they are told as.
  if (row.direction === null) {
    if (row.object.startsWith('stl_')) return { proof, event: toSettlementEvent(tenant, row) }
    return { proof, event: { ...about, kind: 'endpoint', type: row.type as never, endpoint: row.object as WebhookEndpointId, facts: row.facts as EndpointFacts } }
  }
  const movement = {
    id: row.object as PaymentId, direction: row.direction, network: row.network, currency: row.currency, amountMinor: row.amount_minor,
    feeMinor: row.fee_minor, reference: row.reference, payerMasked: row.payer_masked, original: row.original, createdAtMs: timeOf(row.created_at),
  }
  return { proof, event: { ...about, kind: 'movement', type: row.type as never, movement, facts: row.facts as MovementFacts } }
}

/** All of a settlement stands in its event. */
export function toSettlementEvent(
  tenant: Tenant, { id, object, sequence, type, at, facts }: Pick<ObjectEventColumns, 'id' | 'object' | 'sequence' | 'type' | 'at' | 'facts'>,
): ObjectEvent {
  return {
    id, tenant, sequence, atMs: timeOf(at), kind: 'settlement', type: type as never, settlement: object as SettlementId, facts: facts as SettlementFacts,
  }
}

/** Proves the first event of a payment in the transaction that accepts it; later ones by {@link proveLastEvent}. */
export function proveFirstEventStatement(tenant: Tenant, payment: PaymentId, proof: Uint8Array): Statement {
  return {
    name: 'prove_first_event',
    text: 'UPDATE ngome.object_events SET proof = $4 WHERE merchant = $1 AND world = $2 AND object = $3 AND sequence = 1',
    values: [tenant.merchant, tenant.world, payment, proof],
  }
}

/**
 * Proves an object's newest event, in the transaction of the change that made it. A change that nobody proves happens all the same
 * and is listed; no webhook tells of it.
 * @param prove makes the proof from the rows as they are under the object's lock, or `null` where they are not what they were
 */
export async function proveLastEvent(
  tx: Transaction<Tables>, tenant: Tenant, object: PaymentId | WebhookEndpointId,
  prove: (event: ObjectEvent, previous: ProvableEvent | null) => Uint8Array | null,
): Promise<void> {
  const asked = lastEventsStatement(tenant, object)
  const { rows } = await tx.executeQuery(CompiledQuery.raw(asked.text, [...asked.values]))
  const statement = provingStatement(tenant, object, rows, prove)
  if (statement !== null) await tx.executeQuery(CompiledQuery.raw(statement.text, [...statement.values]))
}

/** The newest event of an object and the one before it: what {@link provingStatement} takes. */
export function lastEventsStatement(tenant: Tenant, object: PaymentId | WebhookEndpointId): Statement {
  return {
    name: 'last_events',
    text: `SELECT ${objectEventColumns} FROM ${objectEventTables} WHERE e.merchant = $1 AND e.world = $2 AND e.object = $3 ORDER BY e.sequence DESC LIMIT 2`,
    values: [tenant.merchant, tenant.world, object],
  }
}

/** As {@link proveLastEvent}, where rows are at hand; `null` where they are not what they were. */
export function provingStatement(
  tenant: Tenant, object: PaymentId | WebhookEndpointId, rows: readonly unknown[],
  prove: (event: ObjectEvent, previous: ProvableEvent | null) => Uint8Array | null,
): Statement | null {
  const [last, previous] = rows.map((row) => toProvableEvent(tenant, row as ObjectEventColumns))
  if (last === undefined || last.proof !== null) throw new TypeError(`${object} has no event to prove`)
  const proof = prove(last.event, previous ?? null)
  return proof && {
    name: 'prove_event',
    text: 'UPDATE ngome.object_events SET proof = $5 WHERE merchant = $1 AND world = $2 AND object = $3 AND sequence = $4',
    values: [tenant.merchant, tenant.world, object, last.event.sequence, proof],
  }
}
