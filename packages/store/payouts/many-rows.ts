import { auditLeaf, type Event } from '@ngome/contracts'
import type { Tenant } from '@ngome/kernel'
import type { Transfer, TransferPhase } from '@ngome/payments'
import type { Statement } from '../statement.ts'

/** Writes that transfers begin, or that they ended. */
export function transfersStatement({ merchant, world }: Tenant, transfers: readonly Transfer[], phase: TransferPhase, atMs: number): Statement {
  const of = <V>(column: (transfer: Transfer) => V): readonly V[] => transfers.map(column)
  return {
    name: 'insert_transfers',
    text: `INSERT INTO ngome.transfers (merchant, world, payment, kind, phase, debit_account, credit_account, debit_kind, credit_kind,
        amount_minor, currency, at)
      SELECT $1, $2, r.payment, r.kind, $12, r.debit, r.credit, r.debit_kind, r.credit_kind, r.amount_minor, r.currency, $3
      FROM unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::bigint[], $11::text[])
        r (payment, kind, debit, credit, debit_kind, credit_kind, amount_minor, currency)`,
    values: [merchant, world, new Date(atMs), of(({ payment }) => payment), of(({ kind }) => kind), of(({ debit }) => debit.id), of(({ credit }) => credit.id),
      of(({ debit }) => debit.kind), of(({ credit }) => credit.kind), of(({ money }) => money.amountMinor), of(({ money }) => money.currency), phase],
  }
}

/** Appends events with their leaves, as `appendEventStatement` does one. */
export function eventsStatement(events: readonly Event[]): Statement {
  const of = <V>(column: (event: Event) => V): readonly V[] => events.map(column)
  return {
    name: 'append_events',
    text: `WITH told AS (
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::jsonb[], $9::bytea[])
          r (id, type, severity, at, process, merchant, world, data, leaf)
      ), event AS (
        INSERT INTO ngome.events (id, type, severity, at, process, merchant, world, data)
        SELECT id, type, severity, at, process, merchant, world, data FROM told
      )
      INSERT INTO ngome.audit_leaves (event, at, leaf) SELECT id, at, leaf FROM told`,
    values: [of(({ id }) => id), of(({ type }) => type), of(({ severity }) => severity), of(({ at }) => at), of(({ process }) => process),
      of(({ merchant }) => merchant), of(({ world }) => world), of(({ data }) => JSON.stringify(data)), of((event) => bytesOf(auditLeaf(event)))],
  }
}

/** Within an array the driver writes only Buffers as bytes. */
export function bytesOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
