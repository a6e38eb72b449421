import type { Event } from '@ngome/contracts'
import type { ApiKeyId, CheckoutSessionId, Money, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { appendEventStatement } from '../events/append-event.ts'
import { withIdempotency, type IdempotencyClaim, type IdempotentOutcome } from '../payments/idempotency.ts'

export type NewCheckoutSession = {
  readonly id: CheckoutSessionId
  /** SHA-256 of the link's token, 32 bytes. */
  readonly tokenHash: Uint8Array
  readonly apiKey: ApiKeyId
  readonly money: Money
  readonly reference: string
  readonly networks: readonly string[]
  /** Encrypted under the link. */
  readonly details: Uint8Array
  readonly createdAtMs: number
  readonly expiresAtMs: number
}

/**
 * Adds a session: its row, its event and the claim of its request's key in one transaction. The answer in `idempotency` must not
 * carry the link, which is shown once.
 * @throws Fault `store/unavailable`, after which the merchant repeats with the same key
 */
export function insertCheckoutSession(db: Database, input: {
  readonly tenant: Tenant
  readonly session: NewCheckoutSession
  readonly event: Event
  readonly idempotency: IdempotencyClaim
}): Promise<IdempotentOutcome> {
  const { tenant, session, event, idempotency } = input
  return withIdempotency(db, tenant, idempotency, session.createdAtMs, [
    {
      name: 'insert_checkout_session',
      text: `INSERT INTO ngome.checkout_sessions (id, merchant, world, token_hash, api_key, currency, amount_minor, reference, networks,
          details, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
      values: [session.id, tenant.merchant, tenant.world, session.tokenHash, session.apiKey, session.money.currency,
        session.money.amountMinor, session.reference, session.networks, session.details, new Date(session.createdAtMs),
        new Date(session.expiresAtMs)],
    },
    appendEventStatement(event),
  ])
}
