import { keySettingsJson, type ApiKeySettings } from '@ngome/access'
import type { Event } from '@ngome/contracts'
import type { ApiKeyId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { inTenant } from '../transaction.ts'

export type NewApiKey = {
  readonly id: ApiKeyId
  readonly tenant: Tenant
  readonly verifier: Uint8Array
  readonly pepperVersion: number
  readonly settings: ApiKeySettings
  /** The custodian's, over the fields above. */
  readonly proof: Uint8Array
  /** The masked form that people recognise the key by, such as its first characters. */
  readonly hint: string
  readonly createdAtMs: number
}

/** @throws Fault `store/unavailable` */
export async function issueApiKey(db: Database, key: NewApiKey, event: Event): Promise<void> {
  await inTenant(db, key.tenant, async (tx) => {
    await tx.insertInto('api_keys').values({
      ...key.tenant,
      id: key.id,
      verifier: key.verifier,
      pepper_version: key.pepperVersion,
      proof: key.proof,
      settings: JSON.stringify(keySettingsJson(key.settings)),
      hint: key.hint,
      created_at: new Date(key.createdAtMs),
      revoked_at: null,
    }).execute()
    await appendEvent(tx, event)
  })
}
