import { parseKeySettings } from '@ngome/access'
import type { ApiKeyId } from '@ngome/kernel'
import type { ApiKeyListing } from './list-api-keys.ts'

/** What a merchant sees of a key of its own. */
export type OwnApiKeyRow = Omit<ApiKeyListing, 'pepperVersion'>

/** With `WHERE` behind it. */
export const ownApiKeyColumns = `k.id, k.hint, k.settings, k.created_at, k.revoked_at, u.last_used_at, u.network, u.agent
  FROM ngome.api_keys k LEFT JOIN ngome.api_key_uses u ON u.api_key = k.id`

export type OwnApiKeyColumns = {
  readonly id: ApiKeyId; readonly hint: string; readonly settings: unknown; readonly created_at: Date; readonly revoked_at: Date | null
  readonly last_used_at: Date | null; readonly network: string | null; readonly agent: string | null
}

export function toOwnApiKeyRow({ id, hint, settings, created_at: createdAt, revoked_at: revokedAt, last_used_at: lastUsedAt, network, agent }: OwnApiKeyColumns): OwnApiKeyRow {
  return {
    id, hint, settings: parseKeySettings(settings), createdAtMs: createdAt.getTime(), revokedAtMs: revokedAt?.getTime() ?? null,
    lastUse: lastUsedAt === null ? null : { atMs: lastUsedAt.getTime(), network: network ?? '', agent: agent ?? '' },
  }
}
