import { keySettingsJson, type ApiKeySettings } from '@ngome/access'
import type { Event } from '@ngome/contracts'
import { Fault, type ApiKeyId } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { appendEventStatement } from '../events/append-event.ts'
import { withIdempotency, type IdempotencyClaim, type IdempotentOutcome } from '../payments/idempotency.ts'
import type { Statement } from '../statement.ts'
import { errorCode } from '../store-fault.ts'
import type { NewApiKey } from './issue-api-key.ts'

/** The end of a key that another takes the place of, as the custodian signed it. */
export type OwnKeyEnd = { readonly id: ApiKeyId; readonly fromProof: Uint8Array; readonly settings: ApiKeySettings; readonly proof: Uint8Array }

/**
 * Keeps a key that a merchant made, in one transaction with its request's mark and, where it takes another's place, that one's
 * end: within the lease every gateway knows it.
 * @throws Fault `store/unavailable`, also where the old key's row changed since it was shown
 */
export async function insertOwnApiKey(
  db: Database, { key, ended, event, idempotency }: {
    readonly key: NewApiKey; readonly ended: OwnKeyEnd | null; readonly event: Event; readonly idempotency: IdempotencyClaim
  },
): Promise<IdempotentOutcome> {
  try {
    return await withIdempotency(db, key.tenant, idempotency, key.createdAtMs, [
      insertStatement(key), ...ended === null ? [] : [endStatement(ended)], appendEventStatement(event),
    ])
  } catch (error) {
    if (errorCode(error) !== 'NG006') throw error
    throw new Fault('store/unavailable', 'the key that was rolled changed meanwhile', { cause: error })
  }
}

function insertStatement({ id, tenant, verifier, pepperVersion, proof, settings, hint, createdAtMs }: NewApiKey): Statement {
  return {
    name: 'insert_own_api_key',
    text: `INSERT INTO ngome.api_keys (id, merchant, world, verifier, pepper_version, proof, settings, hint, created_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    values: [id, tenant.merchant, tenant.world, verifier, pepperVersion, proof, JSON.stringify(keySettingsJson(settings)), hint, new Date(createdAtMs)],
  }
}

function endStatement({ id, fromProof, settings, proof }: OwnKeyEnd): Statement {
  return {
    name: 'end_own_api_key', text: 'SELECT ngome.end_own_api_key($1, $2, $3, $4)',
    values: [id, fromProof, JSON.stringify(keySettingsJson(settings)), proof],
  }
}
