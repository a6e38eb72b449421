import type { Event, SeenNetworkStatus } from '@ngome/contracts'
import { sql } from 'kysely'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { inPlatform } from '../transaction.ts'

/** How a dispatcher last saw a network. Times in milliseconds. */
export type NetworkHealth = {
  readonly network: string
  readonly status: SeenNetworkStatus
  readonly sinceMs: number
  readonly seenAtMs: number
}

/** A time in which a network is closed: from its beginning until before its end. */
export type NetworkMaintenance = { readonly network: string; readonly fromMs: number; readonly toMs: number; readonly reason: string }

export type NetworkStanding = { readonly health: readonly NetworkHealth[]; readonly maintenance: readonly NetworkMaintenance[] }

/** A network of the configuration each, and a few that were. */
const rowsMax = 1_000

/** What is known of networks, and the times that are not over. @throws Fault `store/unavailable` */
export async function findNetworkStanding(db: Database, nowMs: number): Promise<NetworkStanding> {
  return inPlatform(db, async (tx) => {
    const health = await tx.selectFrom('network_health').selectAll().orderBy('network').limit(rowsMax).execute()
    const maintenance = await tx.selectFrom('network_maintenance').selectAll().where('ends_at', '>', new Date(nowMs))
      .orderBy('begins_at').orderBy('network').limit(rowsMax).execute()
    return {
      health: health.map((row) => ({ network: row.network, status: row.status, sinceMs: row.since.getTime(), seenAtMs: row.seen_at.getTime() })),
      maintenance: maintenance.map((row) => ({ network: row.network, fromMs: row.begins_at.getTime(), toMs: row.ends_at.getTime(), reason: row.reason })),
    }
  })
}

/** Says, as a dispatcher, how networks do, with the events that tell of a change. @throws Fault `store/unavailable` */
export async function recordNetworkHealth(db: Database, seen: readonly NetworkHealth[], events: readonly Event[]): Promise<void> {
  await inPlatform(db, async (tx) => {
    if (seen.length > 0) {
      await tx.insertInto('network_health').values(seen.map(({ network, status, sinceMs, seenAtMs }) => ({
        network, status, since: new Date(sinceMs), seen_at: new Date(seenAtMs),
      }))).onConflict((conflict) => conflict.column('network').doUpdateSet({
        status: sql`excluded.status`, since: sql`excluded.since`, seen_at: sql`excluded.seen_at`,
      })).execute()
    }
    for (const event of events) await appendEvent(tx, event)
  })
}

/** @returns false where one of this network begins then already @throws Fault `store/unavailable` */
export async function addNetworkMaintenance(db: Database, { network, fromMs, toMs, reason }: NetworkMaintenance, event: Event): Promise<boolean> {
  return inPlatform(db, async (tx) => {
    const { numInsertedOrUpdatedRows } = await tx.insertInto('network_maintenance')
      .values({ network, begins_at: new Date(fromMs), ends_at: new Date(toMs), reason })
      .onConflict((conflict) => conflict.doNothing()).executeTakeFirst()
    if (numInsertedOrUpdatedRows !== 1n) return false
    await appendEvent(tx, event)
    return true
  })
}

/** @returns false where none of this network begins then @throws Fault `store/unavailable` */
export async function removeNetworkMaintenance(db: Database, { network, fromMs }: Pick<NetworkMaintenance, 'network' | 'fromMs'>, event: Event): Promise<boolean> {
  return inPlatform(db, async (tx) => {
    const { numDeletedRows } = await tx.deleteFrom('network_maintenance')
      .where('network', '=', network).where('begins_at', '=', new Date(fromMs)).executeTakeFirst()
    if (numDeletedRows === 0n) return false
    await appendEvent(tx, event)
    return true
  })
}
