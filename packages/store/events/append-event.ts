import { auditLeaf, type Event } from '@ngome/contracts'
import { CompiledQuery, type Transaction } from 'kysely'
import type { Statement } from '../statement.ts'
import type { Tables } from '../tables.ts'

/** Writes an event and its audit leaf in the transaction of the effect that it tells of. */
export async function appendEvent(tx: Transaction<Tables>, event: Event): Promise<void> {
  const statement = appendEventStatement(event)
  await tx.executeQuery(CompiledQuery.raw(statement.text, [...statement.values]))
}

export function appendEventStatement(event: Event): Statement {
  return {
    name: 'append_event',
    text: `WITH event AS (
        INSERT INTO ngome.events (id, type, severity, at, process, merchant, world, data)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
      )
      INSERT INTO ngome.audit_leaves (event, at, leaf) VALUES ($1, $4, $9)`,
    values: [event.id, event.type, event.severity, event.at, event.process, event.merchant, event.world,
      JSON.stringify(event.data), auditLeaf(event)],
  }
}
