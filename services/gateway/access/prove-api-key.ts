import type { KeyObject } from 'node:crypto'
import { addressMatcher, isProvenApiKey, type ApiKeySettings } from '@ngome/access'
import type { ApiKeyRow } from '@ngome/store'

declare const proven: unique symbol
/** A row that the custodian made and signed, as it stands; only {@link proveApiKey} makes one. */
export type ProvenApiKey = ApiKeyRow & {
  readonly proof: Uint8Array
  readonly settings: ApiKeySettings
  /** Of the settings' addresses; `null`: from anywhere. */
  readonly mayCallFrom: ((remoteAddress: string | undefined) => boolean) | null
  readonly [proven]: true
}

/** @returns `undefined` where a field is not what the custodian signed: whoever wrote the row, it is nobody's key */
export function proveApiKey(row: ApiKeyRow, statementKey: KeyObject): ProvenApiKey | undefined {
  const { proof, settings } = row
  if (proof === null || settings === undefined || !isProvenApiKey({ ...row, settings }, proof, statementKey)) return undefined
  const { allowedAddresses } = settings
  return { ...row, mayCallFrom: allowedAddresses.length === 0 ? null : addressMatcher(allowedAddresses) } as ProvenApiKey
}
