import { createHmac } from 'node:crypto'
import {
  equalsInConstantTime, lengthPrefixed, parseBase64Url, parseId, parseLengthPrefixed, toBase64Url, type Id,
  type IdKind, type Secret, type Tenant,
} from '@ngome/kernel'

/** Separates these MACs from every other use of the secret. */
const label = 'ngome/cursor/v1'
/** Half of SHA-256: a cursor is worth little, a forgery still costs 2^128. */
const macBytes = 16

/** Where a list continues, and what it was a list of. */
export type Position = { readonly after: string; readonly filter: string }

/**
 * Writes a cursor that only we can make and that only its tenant can use, so that what it holds may change at any time.
 */
export function writeCursor(secret: Secret<Uint8Array>, tenant: Tenant, position: Position): string {
  const body = lengthPrefixed(position.after, position.filter)
  return toBase64Url(Buffer.concat([body, macOf(secret, tenant, body)]))
}

/** @returns the id after which the list goes on, or `undefined` where this is not a cursor that we gave this tenant for this list */
export function parseCursor<K extends IdKind>(
  kind: K, secret: Secret<Uint8Array>, tenant: Tenant, filter: string, text: string,
): Id<K> | undefined {
  const after = readCursor(secret, tenant, filter, text)
  return after === undefined ? undefined : parseId(kind, after)
}

/** @returns the position, or `undefined` where this is not a cursor that we gave this tenant for this list */
export function readCursor(secret: Secret<Uint8Array>, tenant: Tenant, filter: string, text: string): string | undefined {
  const bytes = parseBase64Url(text)
  if (bytes === undefined || bytes.length <= macBytes) return undefined
  const body = bytes.subarray(0, -macBytes)
  if (!equalsInConstantTime(macOf(secret, tenant, body), bytes.subarray(-macBytes))) return undefined
  const [after, ofFilter] = parseLengthPrefixed(body)?.map((field) => Buffer.from(field).toString('utf8')) ?? []
  return ofFilter === filter ? after : undefined
}

function macOf(secret: Secret<Uint8Array>, tenant: Tenant, body: Uint8Array): Uint8Array {
  const framed = lengthPrefixed(label, tenant.merchant, tenant.world, body)
  return secret.expose((key) => createHmac('sha256', key).update(framed).digest().subarray(0, macBytes))
}
