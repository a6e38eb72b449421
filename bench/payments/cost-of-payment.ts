import { setTimeout as sleep } from 'node:timers/promises'
import { acceptPayment } from '@ngome/store'
import { addTestMerchant, testAcceptance } from '@ngome/testkit'
import type { GatewayStand } from '../sides/gateway-stand.ts'

/** What an acceptance touches and writes, which no neighbour changes. */
export type Cost = { readonly buffers: number; readonly walBytes: number }

const warmUp = 50
const counted = 1_000
/** A backend reports its counters at the end of a transaction, and at most this long after. */
const reportMs = 300

/**
 * Counts the buffers and the bytes of the log of acceptances, one after the other on one connection while nobody else writes. First
 * touches of a page after a checkpoint write the whole page; they are counted out, for how many there are is the checkpoints' doing.
 */
export async function costOfPayment({ database }: GatewayStand): Promise<Cost> {
  const merchant = await addTestMerchant(database)
  const gateway = database.open('ngome_gateway', { poolMax: 1 })
  const accept = async (count: number): Promise<void> => {
    for (let made = 0; made < count; made++) await acceptPayment(gateway, testAcceptance(merchant))
    await gateway.pool.query('SELECT pg_stat_force_next_flush()')
    await sleep(reportMs)
  }
  await accept(warmUp)
  const before = await countersOf(database)
  await accept(counted)
  const after = await countersOf(database)
  await gateway.close()
  return { buffers: (after.buffers - before.buffers) / counted, walBytes: (after.walBytes - before.walBytes) / counted }
}

async function countersOf(database: GatewayStand['database']): Promise<Cost> {
  const [row] = await database.asAdmin(`SELECT (d.blks_hit + d.blks_read)::float8 AS buffers, (w.wal_bytes - w.wal_fpi * 8192)::float8 AS wal_bytes
    FROM pg_stat_database d, pg_stat_wal w WHERE d.datname = current_database()`)
  return { buffers: Number(row?.['buffers']), walBytes: Number(row?.['wal_bytes']) }
}
