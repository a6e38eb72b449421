import type { KeyObject } from 'node:crypto'
import { isProvenApiKey } from '@ngome/access'
import type { ApiKeyRow } from '@ngome/store'

declare const proven: unique symbol
/** A row that the custodian made and signed, as it stands; only {@link proveApiKey} makes one. */
export type ProvenApiKey = ApiKeyRow & { readonly proof: Uint8Array; readonly [proven]: true }

/** @returns `undefined` where a field is not what the custodian signed: whoever wrote the row, it is nobody's key */
export function proveApiKey(row: ApiKeyRow, statementKey: KeyObject): ProvenApiKey | undefined {
  return row.proof !== null && isProvenApiKey(row, row.proof, statementKey) ? row as ProvenApiKey : undefined
}
