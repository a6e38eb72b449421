import { verify } from 'node:crypto'
import { idSchema, staffEnrolmentBytes } from '@ngome/contracts'
import { parseBase64Url, parseStrictJson } from '@ngome/kernel'
import { parsePublicKeyText } from '@ngome/runtime'
import type { Custodian } from '../custodian.ts'
import { findStaff } from '../staff/staff-rows.ts'
import { problemOfLife, tokenSchema, type VerifiedToken } from './enrolment-token.ts'

const mark = 'staff'
const staffTokenSchema = tokenSchema.extend({ staff: idSchema('staff') })

/** Whether the token says that a person signed it: base64url of its JSON, base64url of his signature, and `staff`. */
export function isStaffToken(text: string): boolean {
  return text.split('.')[2] === mark
}

/**
 * Checks a token that a person signed (Ed25519) to enrol as the operator, or as the auditor, who only reads; people have
 * no other role. That it was not used before is the store's to say.
 */
export async function verifyStaffToken(
  { store, rowTagKey, clock }: Pick<Custodian, 'store' | 'rowTagKey' | 'clock'>, text: string,
): Promise<VerifiedToken> {
  const [body = '', signatureText = '', , ...rest] = text.split('.')
  const json = parseStrictJson(parseBase64Url(body) ?? new Uint8Array(), { depthMax: 1, nodesMax: 5 })
  const parsed = staffTokenSchema.safeParse(json.ok ? json.value : undefined)
  const signature = parseBase64Url(signatureText)
  if (!parsed.success || signature === undefined || rest.length > 0) return { ok: false, reason: 'token_malformed' }
  const { role, staff, nonce, expiresAtMs } = parsed.data
  const person = await findStaff(store, rowTagKey, staff)
  const publicKey = person === undefined || person.retiredAtMs !== null ? undefined : parsePublicKeyText(person.publicKey)
  const isSigned = publicKey !== undefined && verify(null, staffEnrolmentBytes(body), publicKey, signature)
  if (!isSigned) return { ok: false, reason: 'token_forged' }
  const reason = problemOfLife(expiresAtMs, clock.nowMs())
  if (reason !== null) return { ok: false, reason }
  const isPeoples = role === 'operator' || role === 'auditor'
  return isPeoples ? { ok: true, token: { role, nonce, staff } } : { ok: false, reason: 'token_role' }
}
