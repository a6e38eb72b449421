import { equalsInConstantTime, type Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { pipelined } from '../pipeline.ts'
import type { Statement } from '../statement.ts'
import { isSeenNonce, nonceStatement, spendNonce, type RequestNonce } from '../signing/spend-nonce.ts'
import { errorCode, lockNotAvailable, uniqueViolation, violatedConstraint } from '../store-fault.ts'

/**
 * What a merchant's key was used for, and the answer that a repetition gets. The answer is kept as it is for 30 days,
 * so it carries nothing secret: no key in clear, no payer but masked.
 */
export type IdempotencyClaim = {
  /** HMAC of the merchant's key, 32 bytes. */
  readonly keyHash: Uint8Array
  /** HMAC of method, path and body, keyed from the merchant's key, 32 bytes. */
  readonly fingerprint: Uint8Array
  readonly answer: { readonly status: number; readonly body: string }
  /** Of a request that was signed: spent with the effect, or with the repetition's answer. */
  readonly nonce?: RequestNonce | undefined
}

export type IdempotentOutcome =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'replay'; readonly status: number; readonly body: string }
  /** The key came with another request before. */
  | { readonly kind: 'key_reused' }
  /** The original is still being handled after the wait. */
  | { readonly kind: 'in_flight' }
  /** The same signed request came before. */
  | { readonly kind: 'nonce_seen' }

/**
 * Runs the statements of an effect in one transaction with the claim of its key, so that the key is claimed if and
 * only if the effect is committed. A duplicate waits on the claim's unique index, at most for the lock timeout.
 * @throws Fault `store/unavailable`
 */
export async function withIdempotency(
  db: Database,
  tenant: Tenant,
  claim: IdempotencyClaim,
  atMs: number,
  statements: readonly Statement[],
): Promise<IdempotentOutcome> {
  try {
    const nonce = claim.nonce === undefined ? [] : [nonceStatement(tenant, claim.nonce)]
    await pipelined(db, tenant, [...nonce, claimStatement(tenant, claim, atMs), ...statements])
    return { kind: 'accepted' }
  } catch (error) {
    if (isSeenNonce(error)) return { kind: 'nonce_seen' }
    if (isDuplicateClaim(error)) return findAnswer(db, tenant, claim)
    if (errorCode(error) === lockNotAvailable) return { kind: 'in_flight' }
    throw error
  }
}

/**
 * Looks for the answer of a key before any work is done for it: the repetition of an old request costs one read. Where it
 * was signed its nonce is spent before it is answered; where there is no answer yet, with the effect.
 */
export async function findAnswer(
  db: Database,
  tenant: Tenant,
  claim: Omit<IdempotencyClaim, 'answer'>,
): Promise<IdempotentOutcome> {
  const [result] = await pipelined(db, tenant, [{
    name: 'find_answer',
    text: `SELECT fingerprint, status, body FROM ngome.idempotency
      WHERE merchant = $1 AND world = $2 AND key_hash = $3`,
    values: [tenant.merchant, tenant.world, claim.keyHash],
  }])
  const row = result?.rows[0] as { fingerprint: Uint8Array; status: number; body: string } | undefined
  // The original was there a moment ago and is not any more: its 30 days are over, or it was taken back.
  if (row === undefined) return { kind: 'in_flight' }
  if (claim.nonce !== undefined && await spendNonce(db, tenant, claim.nonce) === 'seen') return { kind: 'nonce_seen' }
  if (!equalsInConstantTime(row.fingerprint, claim.fingerprint)) return { kind: 'key_reused' }
  return { kind: 'replay', status: row.status, body: row.body }
}

function isDuplicateClaim(error: unknown): boolean {
  return errorCode(error) === uniqueViolation && /^idempotency_[0-9]+_pkey$/.test(violatedConstraint(error) ?? '')
}

function claimStatement(tenant: Tenant, claim: IdempotencyClaim, atMs: number): Statement {
  return {
    name: 'claim_key',
    text: `INSERT INTO ngome.idempotency (merchant, world, key_hash, fingerprint, status, body, created_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    values: [tenant.merchant, tenant.world, claim.keyHash, claim.fingerprint, claim.answer.status, claim.answer.body,
      new Date(atMs)],
  }
}
