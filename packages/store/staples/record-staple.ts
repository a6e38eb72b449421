import type { Event, StapleFailure } from '@ngome/contracts'
import type { Transaction } from 'kysely'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import type { Tables } from '../tables.ts'
import { inPlatform } from '../transaction.ts'
import type { StapleRow } from './claim-due-staple.ts'

type Outcome = {
  readonly nextAskAtMs: number
  /** When an alarm was last raised; `null` forgets it, `undefined` leaves it. */
  readonly toldAtMs?: number | null | undefined
}

/** Keeps an OCSP answer that is proven, with the events that tell of it. @throws Fault `store/unavailable` */
export async function recordStaple(
  db: Database, leaf: Uint8Array, { response, status, thisUpdateMs, nextUpdateMs, ...outcome }: NonNullable<StapleRow['kept']> & Outcome, events: readonly Event[],
): Promise<void> {
  await inPlatform(db, async (tx) => {
    await update(tx, leaf, {
      ...timesOf(outcome), response, status, this_update: new Date(thisUpdateMs), next_update: new Date(nextUpdateMs), failures: 0, failure: null, failing_since: null,
    }, events)
  })
}

/** Keeps that there was no answer that is proven, with the events that tell of it. @throws Fault `store/unavailable` */
export async function recordStapleFailure(
  db: Database, leaf: Uint8Array,
  { failure, failures, failingSinceMs, ...outcome }: { readonly failure: StapleFailure; readonly failures: number; readonly failingSinceMs: number } & Outcome,
  events: readonly Event[],
): Promise<void> {
  await inPlatform(db, async (tx) => {
    await update(tx, leaf, { ...timesOf(outcome), failure, failures, failing_since: new Date(failingSinceMs) }, events)
  })
}

function timesOf({ nextAskAtMs, toldAtMs }: Outcome) {
  return { next_ask_at: new Date(nextAskAtMs), ...toldAtMs === undefined ? {} : { told_at: toldAtMs === null ? null : new Date(toldAtMs) } }
}

async function update(tx: Transaction<Tables>, leaf: Uint8Array, set: Partial<Tables['ocsp_staples']>, events: readonly Event[]): Promise<void> {
  await tx.updateTable('ocsp_staples').set(set).where('leaf', '=', leaf).execute()
  for (const event of events) await appendEvent(tx, event)
}
