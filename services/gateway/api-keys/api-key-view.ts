import { keyReminders, keySettingsJson, type ApiKeySettings, type KeyReminders } from '@ngome/access'
import type { ApiKeyView } from '@ngome/contracts'
import { formatMoney, type Currency, type Tenant } from '@ngome/kernel'
import type { OwnApiKeyRow } from '@ngome/store'

const dayMs = 86_400_000
const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString())

/** A key as its merchant sees it: never more of its text than people know it by. */
export function apiKeyView(tenant: Tenant, row: OwnApiKeyRow, reminders: KeyReminders, nowMs: number): ApiKeyView {
  const { id, hint, settings, createdAtMs, revokedAtMs, lastUse } = row
  const state = stateOf(row, nowMs)
  const { rotateByMs, isRotationDue, isUnused } = keyReminders({ createdAtMs, lastUsedAtMs: lastUse?.atMs ?? null, settings }, reminders, nowMs)
  return {
    id, object: 'api_key', world: tenant.world, prefix: hint, state,
    ...mayOf(settings),
    created_at: new Date(createdAtMs).toISOString(), revoked_at: iso(revokedAtMs),
    last_used_at: iso(lastUse?.atMs ?? null), last_network: lastUse?.network ?? null, last_agent: lastUse?.agent ?? null,
    age_days: Math.max(0, Math.floor((nowMs - createdAtMs) / dayMs)),
    rotate_by: new Date(rotateByMs).toISOString(),
    is_rotation_due: state === 'valid' && isRotationDue,
    is_unused: state === 'valid' && isUnused,
  }
}

function stateOf({ settings, revokedAtMs }: OwnApiKeyRow, nowMs: number): ApiKeyView['state'] {
  if (revokedAtMs !== null) return 'revoked'
  if (settings === undefined) return 'invalid'
  return settings.expiresAtMs !== null && settings.expiresAtMs <= nowMs ? 'ended' : 'valid'
}

type May = Pick<ApiKeyView, 'name' | 'kind' | 'scopes' | 'allowed_addresses' | 'caps' | 'must_sign' | 'rotate_after' | 'expires_at'>

/** What a key may do; of a row that nobody signed: nothing. */
function mayOf(settings: ApiKeySettings | undefined): May {
  if (settings === undefined) {
    const caps = { amount_max: {}, day_total_max: {}, currencies: [], networks: [] }
    return { name: '', kind: 'secret', scopes: [], allowed_addresses: [], caps, must_sign: false, rotate_after: null, expires_at: null }
  }
  const { name, kind, scopes, allowedAddresses, caps, mustSign, rotateAfterS, expiresAt } = keySettingsJson(settings)
  return {
    name, kind, scopes, allowed_addresses: allowedAddresses, must_sign: mustSign, rotate_after: rotateAfterS ?? null, expires_at: expiresAt,
    caps: {
      amount_max: major(settings.caps.amountMax), day_total_max: major(settings.caps.dayTotalMax),
      currencies: caps.currencies, networks: caps.networks,
    },
  }
}

function major(amounts: ReadonlyMap<Currency, bigint>): Record<string, string> {
  return Object.fromEntries([...amounts].map(([currency, amountMinor]) => [currency, formatMoney({ currency, amountMinor })]))
}
