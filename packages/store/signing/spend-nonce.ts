import type { MerchantSigningKeyId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { pipelined } from '../pipeline.ts'
import type { Statement } from '../statement.ts'
import { errorCode, lockNotAvailable, uniqueViolation, violatedConstraint } from '../store-fault.ts'

/** What makes a signed request the only one of its kind. */
export type RequestNonce = { readonly keyId: MerchantSigningKeyId; readonly nonce: string; readonly createdS: number }

/** Writes a nonce beside the effect of its request; the second of its kind fails, and the effect with it. */
export function nonceStatement(tenant: Tenant, { keyId, nonce, createdS }: RequestNonce): Statement {
  return {
    name: 'spend_nonce',
    text: `INSERT INTO ngome.signed_request_nonces (merchant, world, signing_key, nonce, created) VALUES ($1, $2, $3, $4, $5)`,
    values: [tenant.merchant, tenant.world, keyId, nonce, new Date(createdS * 1_000)],
  }
}

/** Whether a transaction failed because its nonce was seen before. */
export function isSeenNonce(error: unknown): boolean {
  return errorCode(error) === uniqueViolation && /^signed_request_nonces_(?:default|[0-9]{8})_pkey$/.test(violatedConstraint(error) ?? '')
}

/**
 * Spends a nonce by itself, for a request that has no other effect.
 * @returns `seen` where it was spent before, or is being spent for longer than anybody waits
 * @throws Fault `store/unavailable`
 */
export async function spendNonce(db: Database, tenant: Tenant, nonce: RequestNonce): Promise<'spent' | 'seen'> {
  try {
    await pipelined(db, tenant, [nonceStatement(tenant, nonce)])
    return 'spent'
  } catch (error) {
    if (isSeenNonce(error) || errorCode(error) === lockNotAvailable) return 'seen'
    throw error
  }
}
