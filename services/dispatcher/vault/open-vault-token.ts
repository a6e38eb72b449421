import { sealedVaultTokenSchema, type Purpose, type SealedVaultToken, type VaultTokenType } from '@ngome/contracts'
import { parseStrictJson, Secret, type Tenant, type VaultTokenId } from '@ngome/kernel'
import { loadSealedVaultToken, type SealedVaultTokenRow } from '@ngome/store'
import type { Dispatcher } from '../dispatcher.ts'

/** A token's value, for as long as one job needs it. */
export type OpenedVaultToken = {
  readonly row: SealedVaultTokenRow
  readonly type: VaultTokenType
  /** Normalised. */
  readonly value: Secret<string>
}

/** `gone`: never there, deleted or expired. `unopenable`: nobody will ever open it. `later`: not now. */
export type VaultTokenOpening =
  | { readonly kind: 'opened'; readonly opened: OpenedVaultToken }
  | { readonly kind: 'gone' }
  | { readonly kind: 'unopenable'; readonly reason: string }
  | { readonly kind: 'later'; readonly reason: string }

/** A sealed token is one flat object. */
const sealedBounds = { depthMax: 1, nodesMax: 8 }

/**
 * Opens the value of a live token for a purpose of the custodian's table: the one way to a value in the vault. A row
 * whose type or end is not what was sealed does not open.
 * @throws Fault `custodian/unavailable`, `store/unavailable`
 */
export async function openVaultToken(
  { db, openSealed, clock }: Pick<Dispatcher, 'db' | 'openSealed' | 'clock'>,
  purpose: Purpose, tenant: Tenant, id: VaultTokenId, signal: AbortSignal,
): Promise<VaultTokenOpening> {
  const row = await loadSealedVaultToken(db, tenant, id, clock.nowMs())
  if (row === undefined) return { kind: 'gone' }
  const opening = await openSealed(purpose, {
    dataKey: row.dataKey,
    context: { tenant, table: 'vault_tokens', recordId: id, dataClass: 'restricted', version: 1 },
    blob: row.sealed,
  }, signal)
  if (opening.kind !== 'opened') return opening
  const sealed = parseSealed(opening.plaintext)
  opening.plaintext.fill(0)
  if (sealed === undefined) return { kind: 'unopenable', reason: 'what was sealed is no token' }
  const expiresAtMs = sealed.expires_at === null ? null : Date.parse(sealed.expires_at)
  if (sealed.type !== row.type || expiresAtMs !== row.expiresAtMs) {
    return { kind: 'unopenable', reason: 'the row does not say what was sealed' }
  }
  return { kind: 'opened', opened: { row, type: sealed.type, value: new Secret(sealed.value) } }
}

function parseSealed(plaintext: Uint8Array): SealedVaultToken | undefined {
  const json = parseStrictJson(plaintext, sealedBounds)
  const parsed = json.ok ? sealedVaultTokenSchema.safeParse(json.value) : undefined
  return parsed?.success === true ? parsed.data : undefined
}
