import type { Event } from '@ngome/contracts'
import { Fault, type Tenant, type WebhookEndpointId } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { appendEventStatement } from '../events/append-event.ts'
import { withIdempotency, type IdempotencyClaim, type IdempotentOutcome } from '../payments/idempotency.ts'
import type { Statement } from '../statement.ts'
import { errorCode, foreignKeyViolation, uniqueViolation, violatedConstraint } from '../store-fault.ts'
import { insertSecretStatement, type NewWebhookSecret } from './insert-secret-statement.ts'

/**
 * Gives an endpoint its next secret, in one transaction with the end of the one before, which signs on until then; what
 * was before that is removed. Without an end the one before is removed as well.
 * @throws Fault `webhooks/endpoint_unknown` where it was deleted meanwhile, `webhooks/secret_rolling` where another
 * replaced it meanwhile, `store/unavailable`
 */
export async function replaceWebhookSecret(
  db: Database,
  input: {
    readonly tenant: Tenant
    readonly secret: NewWebhookSecret
    readonly previousEndsAtMs: number | null
    readonly event: Event
    readonly idempotency: IdempotencyClaim
  },
): Promise<IdempotentOutcome> {
  const { tenant, secret, previousEndsAtMs, event, idempotency } = input
  const versionKept = previousEndsAtMs === null ? secret.version : secret.version - 1
  try {
    return await withIdempotency(db, tenant, idempotency, secret.createdAtMs, [
      removeBefore(tenant, secret.endpoint, versionKept),
      ...previousEndsAtMs === null ? [] : [endNewest(tenant, secret.endpoint, versionKept, previousEndsAtMs)],
      insertSecretStatement(tenant, secret),
      appendEventStatement(event),
    ])
  } catch (error) {
    const constraint = violatedConstraint(error) ?? ''
    if (errorCode(error) === foreignKeyViolation && constraint.includes('endpoint')) {
      throw new Fault('webhooks/endpoint_unknown', 'deleted while its secret was replaced', { cause: error })
    }
    if (errorCode(error) === uniqueViolation && constraint.startsWith('webhook_secrets')) {
      throw new Fault('webhooks/secret_rolling', 'replaced by another at the same time', { cause: error })
    }
    throw error
  }
}

function removeBefore(tenant: Tenant, endpoint: WebhookEndpointId, version: number): Statement {
  return {
    name: 'remove_webhook_secrets',
    text: 'DELETE FROM ngome.webhook_secrets WHERE merchant = $1 AND world = $2 AND endpoint = $3 AND version < $4',
    values: [tenant.merchant, tenant.world, endpoint, version],
  }
}

function endNewest(tenant: Tenant, endpoint: WebhookEndpointId, version: number, endsAtMs: number): Statement {
  return {
    name: 'end_webhook_secret',
    text: `UPDATE ngome.webhook_secrets SET ends_at = $5
      WHERE merchant = $1 AND world = $2 AND endpoint = $3 AND version = $4 AND ends_at IS NULL`,
    values: [tenant.merchant, tenant.world, endpoint, version, new Date(endsAtMs)],
  }
}
