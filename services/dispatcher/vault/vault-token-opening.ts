import type { VaultTokenType } from '@ngome/contracts'
import type { Tenant, VaultTokenId } from '@ngome/kernel'
import type { SealedVaultTokenRow } from '@ngome/store'
import type { OpenedValue } from './open-client-value.ts'

/** A token's value, for as long as one job needs it. */
export type OpenedVaultToken = OpenedValue & { readonly row: SealedVaultTokenRow; readonly type: VaultTokenType }

/**
 * `gone`: never there, deleted or expired. `unopenable`: nobody will ever open it. `invalid`: what its client sealed is no
 * value of its type. `later`: not now.
 */
export type VaultTokenOpening =
  | { readonly kind: 'opened'; readonly opened: OpenedVaultToken }
  | { readonly kind: 'gone' }
  | { readonly kind: 'unopenable'; readonly reason: string }
  | { readonly kind: 'invalid' }
  | { readonly kind: 'later'; readonly reason: string }

/** Opens a token to charge the card in it. @throws Fault `custodian/unavailable`, `store/unavailable` */
export type OpenCard = (tenant: Tenant, token: VaultTokenId, signal: AbortSignal) => Promise<VaultTokenOpening>
