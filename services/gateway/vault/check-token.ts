import type { CreateVaultToken, Metadata } from '@ngome/contracts'
import { Fault, type FieldFault, type Tenant } from '@ngome/kernel'
import { holdsCardNumber, parseVaultValue } from '@ngome/payments'
import type { MerchantStatements } from '../keys/merchant-statements.ts'
import { checkSealed } from './check-sealed.ts'

/** A token whose parts were all recognised, as far as we can see them. */
export type CheckedToken = {
  readonly type: CreateVaultToken['type']
  readonly holds:
    | { readonly kind: 'value'; readonly normalised: string; readonly network: string | null; readonly masked: string | null }
    | { readonly kind: 'sealed'; readonly clientSealed: string }
  readonly metadata: Metadata
  readonly expiresAtMs: number | null
}

export type CheckTokenPorts = { readonly statements: Pick<MerchantStatements, 'published'> }

/** A card outlives five years, a document ten; what shall stay longer is kept without an end. */
const lifeMsMax = 20 * 366 * 86_400_000

/**
 * Checks what a schema cannot: that the value is of its type, or was sealed by its client to a key of now; that the end lies
 * ahead; and that nobody puts a card number where it would be kept in clear (PCI DSS 4.0 §3.5.1).
 * @throws Fault `request/invalid` that names the fields, and never what stood in them; `vault/key_refused`,
 * `custodian/unavailable`
 */
export async function checkToken(
  { statements }: CheckTokenPorts, tenant: Tenant, body: CreateVaultToken, nowMs: number,
): Promise<CheckedToken> {
  const fields: FieldFault[] = []
  const holds = heldBy(body, fields)
  const expiresAtMs = body.expires_at === undefined ? null : Date.parse(body.expires_at)
  if (expiresAtMs !== null && (expiresAtMs <= nowMs || expiresAtMs > nowMs + lifeMsMax)) {
    fields.push({ pointer: '/expires_at', detail: 'This is over already, or more than twenty years ahead.' })
  }
  const metadata = body.metadata ?? {}
  if (Object.values(metadata).some(holdsCardNumber)) {
    fields.push({ pointer: '/metadata', detail: 'This holds what looks like a card number, and metadata is kept in clear.' })
  }
  if (fields.length > 0 || holds === undefined) {
    throw new Fault('request/invalid', fields.map(({ pointer }) => pointer).join(' '), { fields })
  }
  if (holds.kind === 'sealed') await checkSealed(statements, tenant, body.type, holds.clientSealed)
  return { type: body.type, holds, metadata, expiresAtMs }
}

function heldBy({ type, value, sealed }: CreateVaultToken, fields: FieldFault[]): CheckedToken['holds'] | undefined {
  if (sealed !== undefined) {
    if (value === undefined) return { kind: 'sealed', clientSealed: sealed }
    fields.push({ pointer: '/sealed', detail: 'Send the value or what you sealed, not both.' })
    return undefined
  }
  if (value === undefined) {
    fields.push({ pointer: '/value', detail: 'Send a value, or `sealed`.' })
    return undefined
  }
  const parsed = parseVaultValue(type, value)
  if (parsed.ok) return { kind: 'value', ...parsed.value }
  fields.push({ pointer: '/value', detail: parsed.detail })
  return undefined
}
