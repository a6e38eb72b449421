import { bansMax } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { guarded } from '../store-fault.ts'

export type BanRow = {
  readonly network: string
  readonly bannedBy: 'gateway' | 'operator'
  readonly reason: string
  readonly times: number
  /** By the database's clock, which is the same for all; below zero of one that is over and not forgotten yet. */
  readonly secondsLeft: number
}

/** Every ban of the last day, those that end last first. @throws Fault `store/unavailable` */
export async function listBans(db: Database): Promise<readonly BanRow[]> {
  const { rows } = await guarded(() => db.pool.query<{
    network: string; banned_by: 'gateway' | 'operator'; reason: string; times: number; seconds_left: number
  }>({
    name: 'list_bans',
    text: `SELECT network, banned_by, reason, times, ceil(extract(epoch FROM ends_at - now()))::int AS seconds_left
      FROM ngome.address_bans ORDER BY ends_at DESC LIMIT $1`,
    values: [bansMax],
  }))
  return rows.map((row) => ({
    network: row.network, bannedBy: row.banned_by, reason: row.reason, times: row.times, secondsLeft: row.seconds_left,
  }))
}
