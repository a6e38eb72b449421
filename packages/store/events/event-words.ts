import type { EventId, SettlementId, Tenant } from '@ngome/kernel'
import type { ObjectEvent } from '@ngome/payments'
import type { Transaction } from 'kysely'
import type { Database } from '../database.ts'
import type { Tables } from '../tables.ts'
import { inTenant } from '../transaction.ts'
import { toSettlementEvent } from './object-events.ts'

/** What a process said of an event, as its row holds it: a signature, and the certificate of its key. */
export type EventWord = { readonly certificate: string; readonly signature: Uint8Array }

/** Vouches for the event of a change as the database wrote it: by a proof, by a word, or, where it is not the change that was made, not at all. */
export type Vouch = (event: ObjectEvent) =>
  | { readonly kind: 'proof'; readonly proof: Uint8Array }
  | { readonly kind: 'word'; readonly word: EventWord }
  | null

/** Vouches for a settlement's newest event, in the transaction of the change that made it. */
export async function vouchForSettlement(tx: Transaction<Tables>, tenant: Tenant, settlement: SettlementId, vouch: Vouch): Promise<void> {
  const row = await tx.selectFrom('object_events').select(['id', 'object', 'sequence', 'type', 'at', 'facts'])
    .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('object', '=', settlement)
    .orderBy('sequence', 'desc').limit(1).executeTakeFirst()
  if (row === undefined) throw new TypeError(`${settlement} changed and has no event`)
  const said = vouch(toSettlementEvent(tenant, row))
  if (said === null) return
  if (said.kind === 'word') await tx.insertInto('event_words').values({ ...tenant, event: row.id, ...said.word }).execute()
  else await setProof(tx, tenant, row.id, said.proof)
}

/**
 * Proves an event that somebody gave his word for.
 * @param judge makes the proof where the word is good
 * @returns the proof that the event has now; `null` where there is no good word
 * @throws Fault `store/unavailable`
 */
export async function proveByWord(
  db: Database, tenant: Tenant, event: EventId, judge: (word: EventWord) => Uint8Array | null,
): Promise<Uint8Array | null> {
  return inTenant(db, tenant, async (tx) => {
    const word = await tx.selectFrom('event_words').select(['certificate', 'signature'])
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('event', '=', event).executeTakeFirst()
    const proof = word === undefined ? null : judge(word)
    if (proof !== null) await setProof(tx, tenant, event, proof)
    return proof
  })
}

/** Of jobs that prove the same event at once the first writes. */
async function setProof(tx: Transaction<Tables>, tenant: Tenant, event: EventId, proof: Uint8Array): Promise<void> {
  await tx.updateTable('object_events').set({ proof })
    .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', '=', event).where('proof', 'is', null).execute()
}
