import type { Event, VaultTokenStatus, VaultTokenType } from '@ngome/contracts'
import type { ApiKeyId, DataKeyId, Tenant, VaultTokenId } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { appendEventStatement } from '../events/append-event.ts'
import { enqueueStatement } from '../jobs/enqueue.ts'
import { withIdempotency, type IdempotencyClaim, type IdempotentOutcome } from '../payments/idempotency.ts'
import type { Statement } from '../statement.ts'

export type NewVaultToken = {
  readonly id: VaultTokenId
  readonly type: VaultTokenType
  /** `pending` where a client sealed the value, which then shows nothing yet. */
  readonly status: Exclude<VaultTokenStatus, 'invalid'>
  readonly network: string | null
  readonly masked: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly apiKey: ApiKeyId
  /** Inserted before, with `insertDataKey`. */
  readonly dataKey: DataKeyId
  readonly sealed: Uint8Array
  readonly createdAtMs: number
  readonly expiresAtMs: number | null
}

/** A token with the event that tells of it. */
export type VaultTokenEntry = { readonly token: NewVaultToken; readonly event: Event }

/**
 * Keeps tokens, one or a batch, in one transaction with the claim of their request's idempotency key and the jobs that
 * compute their fingerprints: all of them or none.
 * @throws Fault `store/unavailable`, after which the merchant repeats with the same key
 */
export async function insertVaultTokens(db: Database, input: {
  readonly tenant: Tenant
  readonly entries: readonly VaultTokenEntry[]
  readonly idempotency: IdempotencyClaim
  readonly atMs: number
}): Promise<IdempotentOutcome> {
  const { tenant, entries, idempotency, atMs } = input
  const outcome = await withIdempotency(db, tenant, idempotency, atMs, entries.flatMap(({ token, event }) => [
    tokenStatement(tenant, token),
    appendEventStatement(event),
    enqueueStatement('vault-index', { ...tenant, token: token.id }, 0),
  ]))
  if (outcome.kind === 'accepted' && entries.length > 0) db.wake('vault-index')
  return outcome
}

function tokenStatement(tenant: Tenant, token: NewVaultToken): Statement {
  return {
    name: 'insert_vault_token',
    text: `INSERT INTO ngome.vault_tokens (id, merchant, world, type, status, network, masked, metadata, api_key, data_key,
        sealed, fingerprint_status, created_at, expires_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'pending', $12, $13)`,
    values: [token.id, tenant.merchant, tenant.world, token.type, token.status, token.network, token.masked,
      JSON.stringify(token.metadata), token.apiKey, token.dataKey, token.sealed, new Date(token.createdAtMs),
      token.expiresAtMs === null ? null : new Date(token.expiresAtMs)],
  }
}
