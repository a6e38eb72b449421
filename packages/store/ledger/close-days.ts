import { emit } from '@ngome/contracts'
import type { Clock, Random } from '@ngome/kernel'
import { sql } from 'kysely'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { inPlatform } from '../transaction.ts'

/** Accounts whose day is written at once: short enough for a statement, whatever moved in them. */
const accountsAtOnce = 500

type Step = { has_more: boolean; closed_day: string | null; accounts: bigint; hash: Uint8Array }

/**
 * Closes the days of the ledger that are over, as far as it goes now: a day waits for every transaction that could still write into
 * it. Each step is a transaction of its own that continues where the last ended, whoever took that; two at once take turns. With a
 * day's last step its hash enters the audit log.
 * @param timeZone of the midnights at which days end, by its IANA name
 * @throws Fault `store/unavailable`
 */
export async function closeLedgerDays(
  { db, clock, random }: { readonly db: Database; readonly clock: Clock; readonly random: Random }, timeZone: string, signal?: AbortSignal,
): Promise<void> {
  while (signal?.aborted !== true && await takeStep(db, { clock, random }, timeZone)) continue
}

/** @returns whether there is another step to take at once */
export function takeStep(db: Database, from: { readonly clock: Clock; readonly random: Random }, timeZone: string): Promise<boolean> {
  return inPlatform(db, async (tx) => {
    const { rows: [step] } = await sql<Step>`SELECT * FROM ngome.close_ledger_days(${timeZone}, ${accountsAtOnce})`.execute(tx)
    if (step === undefined) return false
    if (step.closed_day !== null) {
      const data = { day: step.closed_day, accounts: Number(step.accounts), hash: Buffer.from(step.hash).toString('hex') }
      await appendEvent(tx, emit({ ...from, process: 'dispatcher' }, 'ledger.day_closed', null, data))
    }
    return step.has_more
  })
}
