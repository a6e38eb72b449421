import { emit, type SealedVaultToken } from '@ngome/contracts'
import { newId, type Clock, type Random } from '@ngome/kernel'
import type { VaultTokenEntry, VaultTokenRow } from '@ngome/store'
import type { AuthenticatedCaller } from '../http/call.ts'
import type { DataKeys } from '../keys/data-keys.ts'
import { seal } from '../keys/seal.ts'
import type { CheckedToken } from './check-token.ts'

export type SealTokenPorts = { readonly dataKeys: DataKeys; readonly clock: Clock; readonly random: Random }

/** A token that is ready to be written, and what its merchant sees of it. */
export type SealedToken = { readonly entry: VaultTokenEntry; readonly row: VaultTokenRow }

/** What is sealed grows in steps of this, so that nothing tells how long a value is. */
const paddedTo = 128

/**
 * Seals a token's value under a new id (PCI DSS 4.0 §3.5.1: unreadable anywhere it is stored).
 * @throws Fault `custodian/unavailable`, `store/unavailable`
 */
export async function sealToken(ports: SealTokenPorts, caller: AuthenticatedCaller, token: CheckedToken): Promise<SealedToken> {
  const { tenant, apiKey } = caller
  const { type, holds, metadata, expiresAtMs } = token
  const shown = holds.kind === 'value'
    ? { status: 'active', network: holds.network, masked: holds.masked } as const
    : { status: 'pending', network: null, masked: null } as const
  const id = newId('vaultToken', ports)
  const createdAtMs = ports.clock.nowMs()
  const { dataKey, blob } = await seal(
    ports, 'vault', { tenant, table: 'vault_tokens', recordId: id, dataClass: 'restricted', version: 1 }, toSeal(token),
  )
  return {
    entry: {
      token: { id, type, ...shown, metadata, apiKey, dataKey, sealed: blob, createdAtMs, expiresAtMs },
      event: emit({ ...ports, process: 'gateway' }, 'vault.token_created', tenant, { token: id }),
    },
    row: { id, tenant, type, ...shown, metadata, fingerprintStatus: 'pending', fingerprint: null, createdAtMs, expiresAtMs },
  }
}

/** What a client sealed is sealed once more, as any value: that binds it to this token, whatever else its row says. */
function toSeal({ type, holds, expiresAtMs }: CheckedToken): Uint8Array {
  const expiresAt = expiresAtMs === null ? null : new Date(expiresAtMs).toISOString()
  const held = holds.kind === 'value' ? { value: holds.normalised } : { client_sealed: holds.clientSealed }
  const json = JSON.stringify({ type, ...held, expires_at: expiresAt } satisfies SealedVaultToken)
  const bytes = Buffer.byteLength(json)
  return Buffer.from(json + ' '.repeat(Math.ceil(bytes / paddedTo) * paddedTo - bytes), 'utf8')
}
