import type { KeyObject } from 'node:crypto'
import { addressMatcher, defaultKeySettings, isProvenApiKey, type ApiKeySettings } from '@ngome/access'
import { toBase64Url, type ApiKeyId, type Tenant } from '@ngome/kernel'
import type { ApiKeyRow } from '@ngome/store'
import type { AuthenticatedCaller } from '../http/call.ts'

declare const proven: unique symbol
/** A row that the custodian made and signed, as it stands, or one that is revoked; only the functions below make one. */
export type ProvenApiKey = ApiKeyRow & {
  readonly proof: Uint8Array
  readonly settings: ApiKeySettings
  /** `verifier` as text, which each check compares with. */
  readonly verifierText: string
  /** Of the settings' addresses; `null`: from anywhere. */
  readonly mayCallFrom: ((remoteAddress: string | undefined) => boolean) | null
  /** Whose pages may use it: of a publishable key those of its merchant, in its world. */
  readonly origins: ReadonlySet<string>
  /** Who calls with it, made with its first use: one for as long as the row is in memory. */
  caller: AuthenticatedCaller | undefined
  readonly [proven]: true
}

const noOrigins: ReadonlySet<string> = new Set()

/** @returns `undefined` where a field is not what the custodian signed: whoever wrote the row, it is nobody's key */
export function proveApiKey(row: ApiKeyRow, statementKey: KeyObject): ProvenApiKey | undefined {
  const { proof, settings } = row
  if (proof === null || settings === undefined || !isProvenApiKey({ ...row, settings }, proof, statementKey)) return undefined
  const { allowedAddresses } = settings
  return { ...row, verifierText: toBase64Url(row.verifier), caller: undefined, origins: noOrigins, mayCallFrom: allowedAddresses.length === 0 ? null : addressMatcher(allowedAddresses) } as ProvenApiKey
}

/**
 * A row that says that it was revoked needs no proof, and has none any more: nothing of it counts but whose key it was, so that its
 * merchant sees that somebody tries it.
 */
export function revokedApiKey(row: ApiKeyRow): ProvenApiKey {
  const settings = row.settings ?? defaultKeySettings()
  return { ...row, isRevoked: true, proof: new Uint8Array(), settings, verifierText: toBase64Url(row.verifier), caller: undefined, origins: noOrigins, mayCallFrom: null } as ProvenApiKey
}

/**
 * Adds its merchant's origins to a publishable key. They are read after the key and kept with it, so that a revocation which
 * passes meanwhile has both read again.
 */
export function withOrigins(
  find: (id: ApiKeyId) => Promise<ProvenApiKey | undefined>, listOrigins: (tenant: Tenant) => Promise<readonly string[]>,
): (id: ApiKeyId) => Promise<ProvenApiKey | undefined> {
  return async (id) => {
    const key = await find(id)
    return key?.settings.kind === 'publishable' ? { ...key, caller: undefined, origins: new Set(await listOrigins(key.tenant)) } : key
  }
}
