import type { ObjectEventType, WebhookDisabledReason, WebhookEncryption, WebhookHoldReason } from '@ngome/contracts'
import type { Tenant, WebhookEndpointId } from '@ngome/kernel'
import type { Transaction } from 'kysely'
import type { Tables } from '../tables.ts'

export type WebhookEndpointRow = {
  readonly id: WebhookEndpointId
  readonly tenant: Tenant
  readonly url: string
  readonly encryption: WebhookEncryption
  /** What it is told of; `null`: what is told by default. */
  readonly eventTypes: readonly ObjectEventType[] | null
  readonly failingSinceMs: number | null
  /** Since when, and why, nothing is sent to it any more. */
  readonly disabled: { readonly because: WebhookDisabledReason; readonly sinceMs: number } | null
  /** Why nothing is sent to it, and since when; `null` where it goes out. */
  readonly held: { readonly because: WebhookHoldReason; readonly sinceMs: number } | null
  readonly createdAtMs: number
  readonly secret: {
    /** Counts from 1. */
    readonly version: number
    readonly createdAtMs: number
    /** When the one before stops to sign, or did; `null` where there is none on record. */
    readonly previousEndsAtMs: number | null
  }
}

/** A tenant's endpoints with what may be known of their secrets: the newest, and the one that it took over from. */
export function selectWebhookEndpoints(tx: Transaction<Tables>, tenant: Tenant) {
  return tx.selectFrom('webhook_endpoints as e')
    .innerJoin('webhook_secrets as s', (join) => join
      .onRef('s.merchant', '=', 'e.merchant').onRef('s.world', '=', 'e.world').onRef('s.endpoint', '=', 'e.id')
      .on('s.ends_at', 'is', null))
    .leftJoin('webhook_secrets as p', (join) => join
      .onRef('p.merchant', '=', 'e.merchant').onRef('p.world', '=', 'e.world').onRef('p.endpoint', '=', 'e.id')
      .on('p.ends_at', 'is not', null))
    .select([
      'e.id', 'e.url', 'e.encryption', 'e.event_types', 'e.failing_since', 'e.disabled_at', 'e.disabled_because', 'e.held_since', 'e.held_because',
      'e.created_at', 's.version', 's.created_at as secret_created_at', 'p.ends_at as previous_ends_at',
    ])
    .where('e.merchant', '=', tenant.merchant).where('e.world', '=', tenant.world)
}

export function toWebhookEndpointRow(tenant: Tenant, row: {
  readonly id: WebhookEndpointId
  readonly url: string
  readonly encryption: WebhookEncryption
  readonly event_types: readonly ObjectEventType[] | null
  readonly failing_since: Date | null
  readonly disabled_at: Date | null
  readonly disabled_because: WebhookDisabledReason | null
  readonly held_since: Date | null
  readonly held_because: WebhookHoldReason | null
  readonly created_at: Date
  readonly version: number
  readonly secret_created_at: Date
  readonly previous_ends_at: Date | null
}): WebhookEndpointRow {
  return {
    id: row.id,
    tenant,
    url: row.url,
    encryption: row.encryption,
    eventTypes: row.event_types,
    failingSinceMs: row.failing_since?.getTime() ?? null,
    disabled: row.disabled_because === null || row.disabled_at === null ? null : { because: row.disabled_because, sinceMs: row.disabled_at.getTime() },
    held: row.held_because === null || row.held_since === null ? null : { because: row.held_because, sinceMs: row.held_since.getTime() },
    createdAtMs: row.created_at.getTime(),
    secret: {
      version: row.version,
      createdAtMs: row.secret_created_at.getTime(),
      previousEndsAtMs: row.previous_ends_at?.getTime() ?? null,
    },
  }
}
