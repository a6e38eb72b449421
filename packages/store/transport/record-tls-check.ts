import type { Event, TlsFindingCode, TlsObservation, TlsVerdict } from '@ngome/contracts'
import type { TlsCheckId } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { inPlatform } from '../transaction.ts'

export type TlsCheck = {
  readonly id: TlsCheckId
  /** host:port. */
  readonly address: string
  readonly checkedAtMs: number
  readonly verdict: TlsVerdict
  readonly findings: readonly TlsFindingCode[]
  /** SHA-256 over the public keys of the chain; `null` where none was seen. */
  readonly chain: Uint8Array | null
  readonly observed: TlsObservation | null
}

/** Keeps what was seen of a public address, with the events that tell of it. @throws Fault `store/unavailable` */
export async function recordTlsCheck(db: Database, check: TlsCheck, events: readonly Event[]): Promise<void> {
  await inPlatform(db, async (tx) => {
    await tx.insertInto('tls_checks').values({
      id: check.id, address: check.address, checked_at: new Date(check.checkedAtMs), verdict: check.verdict,
      findings: check.findings, chain: check.chain, observed: check.observed === null ? null : JSON.stringify(check.observed),
    }).execute()
    for (const event of events) await appendEvent(tx, event)
  })
}
