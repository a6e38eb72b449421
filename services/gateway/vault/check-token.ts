import type { CreateVaultToken, Metadata } from '@ngome/contracts'
import { Fault, type FieldFault } from '@ngome/kernel'
import { holdsCardNumber, parseVaultValue, type VaultValue } from '@ngome/payments'

/** A token whose parts were all recognised. */
export type CheckedToken = VaultValue & {
  readonly type: CreateVaultToken['type']
  readonly metadata: Metadata
  readonly expiresAtMs: number | null
}

/** A card outlives five years, a document ten; what shall stay longer is kept without an end. */
const lifeMsMax = 20 * 366 * 86_400_000

/**
 * Checks what a schema cannot: that the value is of its type, that the end lies ahead, and that nobody puts a card
 * number where it would be kept in clear (PCI DSS 4.0 §3.5.1).
 * @throws Fault `request/invalid` that names the fields, and never what stood in them
 */
export function checkToken(body: CreateVaultToken, nowMs: number): CheckedToken {
  const fields: FieldFault[] = []
  const parsed = parseVaultValue(body.type, body.value)
  if (!parsed.ok) fields.push({ pointer: '/value', detail: parsed.detail })
  const expiresAtMs = body.expires_at === undefined ? null : Date.parse(body.expires_at)
  if (expiresAtMs !== null && (expiresAtMs <= nowMs || expiresAtMs > nowMs + lifeMsMax)) {
    fields.push({ pointer: '/expires_at', detail: 'This is over already, or more than twenty years ahead.' })
  }
  const metadata = body.metadata ?? {}
  if (Object.values(metadata).some(holdsCardNumber)) {
    fields.push({ pointer: '/metadata', detail: 'This holds what looks like a card number, and metadata is kept in clear.' })
  }
  if (fields.length > 0 || !parsed.ok) throw new Fault('request/invalid', fields.map(({ pointer }) => pointer).join(' '), { fields })
  return { ...parsed.value, type: body.type, metadata, expiresAtMs }
}
