import type { Event } from '@ngome/contracts'
import type { AcmeOrderId } from '@ngome/kernel'
import { sql } from 'kysely'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { guarded } from '../store-fault.ts'
import { inPlatform } from '../transaction.ts'
import { acmeOrderRow, type AcmeOrderRow } from './acme-order-row.ts'

/** More gateways than one platform has. */
const instancesMax = 64

/**
 * @returns what each gateway's folder serves, the newest that it installed, where the authority is to be asked now when to
 * renew it @throws Fault `store/unavailable`
 */
export async function findAcmeRenewals(db: Database, nowMs: number): Promise<readonly AcmeOrderRow[]> {
  const rows = await guarded(() => db.kysely.with('newest', (of) => of.selectFrom('acme_orders').distinctOn('instance').selectAll()
    .where('state', '=', 'installed').orderBy('instance').orderBy('requested_at', 'desc'))
    .selectFrom('newest').selectAll()
    .where((is) => is.or([is('renewal_due_at', 'is', null), is('renewal_due_at', '<=', new Date(nowMs))])).limit(instancesMax).execute())
  return rows.map(acmeOrderRow)
}

/** Keeps when the authority would have a certificate renewed, `null` where it does not say. @throws Fault `store/unavailable` */
export async function recordAcmeRenewal(
  db: Database, id: AcmeOrderId, { renewAtMs, againAtMs }: { readonly renewAtMs: number | null; readonly againAtMs: number },
): Promise<void> {
  await inPlatform(db, (tx) => tx.updateTable('acme_orders')
    .set({ renew_at: renewAtMs === null ? null : new Date(renewAtMs), renewal_due_at: new Date(againAtMs) }).where('id', '=', id).execute())
}

/**
 * Has every gateway order another certificate now, and what waits to be tried again be tried now; for the operator.
 * @returns how many gateways' folders hear of it
 * @throws Fault `store/unavailable`
 */
export async function askAcmeRenewal(db: Database, atMs: number, event: (instances: number) => Event): Promise<number> {
  const at = new Date(atMs)
  return inPlatform(db, async (tx) => {
    const tried = await tx.updateTable('acme_orders').set({ due_at: at })
      .where('state', 'in', ['requested', 'ordered']).returning('instance').execute()
    const { rows } = await sql<{ instance: string }>`UPDATE ngome.acme_orders SET renewal_asked_at = ${at} WHERE id IN (
      SELECT DISTINCT ON (instance) id FROM ngome.acme_orders ORDER BY instance, requested_at DESC
    ) AND state NOT IN ('requested', 'ordered', 'issued') RETURNING instance`.execute(tx)
    const instances = new Set([...tried, ...rows].map(({ instance }) => instance)).size
    if (instances > 0) await appendEvent(tx, event(instances))
    return instances
  })
}
