import type { Event } from '@ngome/contracts'
import { sql } from 'kysely'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { inPlatform } from '../transaction.ts'

export type NewBan = {
  /** As `parseBanNetwork` takes it. */
  readonly network: string
  readonly seconds: number
  readonly times: number
  readonly reason: string
}

/**
 * Bans a network for every gateway, as a gateway does it.
 * @returns false where there are too many bans, or an operator's stands
 * @throws Fault `store/unavailable`
 */
export async function banNetwork(db: Database, { network, seconds, times, reason }: NewBan, event: Event): Promise<boolean> {
  return inPlatform(db, async (tx) => {
    const { rows } = await sql<{ banned: boolean }>`SELECT ngome.ban_network(${network}, ${seconds}, ${times}, ${reason}) AS banned`.execute(tx)
    if (rows[0]?.banned !== true) return false
    await appendEvent(tx, event)
    return true
  })
}

/** Bans a network as the operator, in the place of what was. @throws Fault `store/unavailable` */
export async function banByOperator(
  db: Database, { network, seconds, reason }: Omit<NewBan, 'times'>, event: Event,
): Promise<void> {
  await inPlatform(db, async (tx) => {
    await sql`INSERT INTO ngome.address_bans (network, banned_by, reason, times, banned_at, ends_at)
      VALUES (${network}, 'operator', ${reason}, 1, now(), now() + make_interval(secs => ${seconds}))
      ON CONFLICT (network) DO UPDATE SET banned_by = 'operator', reason = excluded.reason, banned_at = excluded.banned_at,
        ends_at = excluded.ends_at`.execute(tx)
    await appendEvent(tx, event)
  })
}

/** Ends a ban and forgets that it was. @returns false where there was none @throws Fault `store/unavailable` */
export async function endBan(db: Database, network: string, event: Event): Promise<boolean> {
  return inPlatform(db, async (tx) => {
    const deleted = await tx.deleteFrom('address_bans').where('network', '=', network).executeTakeFirst()
    if (deleted.numDeletedRows === 0n) return false
    await appendEvent(tx, event)
    return true
  })
}
