import { sealedVaultTokenSchema, type Purpose, type SealedVaultToken } from '@ngome/contracts'
import { parseStrictJson, Secret, type Tenant, type VaultTokenId } from '@ngome/kernel'
import { loadSealedVaultToken } from '@ngome/store'
import type { SealedRecord } from '../custodian/open-sealed.ts'
import type { Dispatcher } from '../dispatcher.ts'
import { openClientValue } from './open-client-value.ts'
import type { VaultTokenOpening } from './vault-token-opening.ts'

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
  const record: SealedRecord = {
    dataKey: row.dataKey,
    context: { tenant, table: 'vault_tokens', recordId: id, dataClass: 'restricted', version: 1 },
    blob: row.sealed,
  }
  const opening = await openSealed(purpose, record, signal)
  if (opening.kind !== 'opened') return opening
  const sealed = parseSealed(opening.plaintext)
  opening.plaintext.fill(0)
  if (sealed === undefined) return { kind: 'unopenable', reason: 'what was sealed is no token' }
  const { type, value, client_sealed: clientSealed, expires_at: expiresAt } = sealed
  if (type !== row.type || (expiresAt === null ? null : Date.parse(expiresAt)) !== row.expiresAtMs) {
    return { kind: 'unopenable', reason: 'the row does not say what was sealed' }
  }
  if (clientSealed !== undefined) {
    const client = await openClientValue((inner) => openSealed(purpose, { ...record, inner }, signal), type, clientSealed)
    return client.kind === 'opened' ? { kind: 'opened', opened: { row, type, ...client.opened } } : client
  }
  if (value === undefined) return { kind: 'unopenable', reason: 'what was sealed holds no value' }
  return { kind: 'opened', opened: { row, type, value: new Secret<string>(value) } }
}

function parseSealed(plaintext: Uint8Array): SealedVaultToken | undefined {
  const json = parseStrictJson(plaintext, sealedBounds)
  const parsed = json.ok ? sealedVaultTokenSchema.safeParse(json.value) : undefined
  return parsed?.success === true ? parsed.data : undefined
}
