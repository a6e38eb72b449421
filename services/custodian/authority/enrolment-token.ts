import { createHmac } from 'node:crypto'
import {
  equalsInConstantTime, parseBase64Url, parseStrictJson, type ProcessRole, type Secret, type StaffId,
} from '@ngome/kernel'
import { z } from 'zod'
import type { RefusalReason } from '../calls/refusal.ts'
import { clockSkewMs } from './authority.ts'

/** How long before use a token may be made: a start, not a stock of them. */
export const tokenLifeMsMax = 600_000

/** The custodian enrols nobody as itself. */
const enrolledRoles = ['gateway', 'dispatcher', 'operator', 'auditor'] as const satisfies readonly ProcessRole[]

export const tokenSchema = z.strictObject({
  role: z.string(),
  expiresAtMs: z.int().min(0),
  nonce: z.string().regex(/^[A-Za-z0-9_-]{16,64}$/),
})

export type EnrolmentToken = {
  readonly role: ProcessRole
  readonly nonce: string
  /** Who signed it, where it was a person. */
  readonly staff: StaffId | null
}

export type VerifiedToken =
  | { readonly ok: true; readonly token: EnrolmentToken }
  | { readonly ok: false; readonly reason: RefusalReason }

/**
 * Checks an enrolment token: base64url of its JSON, a point, and base64url of HMAC-SHA-256 over the first part. Nothing
 * inside is looked at before the HMAC was right. That it was not used before is the store's to say.
 */
export function verifyEnrolmentToken(
  text: string, { key, nowMs }: { readonly key: Secret<Uint8Array>; readonly nowMs: number },
): VerifiedToken {
  const [body, tagText, ...rest] = text.split('.')
  const tag = tagText === undefined ? undefined : parseBase64Url(tagText)
  if (body === undefined || tag === undefined || rest.length > 0) return { ok: false, reason: 'token_malformed' }
  const expected = key.expose((bytes) => createHmac('sha256', bytes).update(body, 'utf8').digest())
  if (!equalsInConstantTime(tag, expected)) return { ok: false, reason: 'token_forged' }
  const json = parseStrictJson(parseBase64Url(body) ?? new Uint8Array(), { depthMax: 1, nodesMax: 4 })
  const parsed = tokenSchema.safeParse(json.ok ? json.value : undefined)
  if (!parsed.success) return { ok: false, reason: 'token_malformed' }
  const { expiresAtMs, nonce } = parsed.data
  const reason = problemOfLife(expiresAtMs, nowMs)
  if (reason !== null) return { ok: false, reason }
  const role = enrolledRoles.find((one) => one === parsed.data.role)
  return role === undefined ? { ok: false, reason: 'token_role' } : { ok: true, token: { role, nonce, staff: null } }
}

/** @returns why a token that ends then is not good now, or `null` */
export function problemOfLife(expiresAtMs: number, nowMs: number): RefusalReason | null {
  if (expiresAtMs <= nowMs) return 'token_expired'
  return expiresAtMs > nowMs + tokenLifeMsMax + clockSkewMs ? 'token_too_long_lived' : null
}
