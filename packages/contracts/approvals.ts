import { lengthPrefixed, parseStrictJson, type JsonValue } from '@ngome/kernel'
import { z } from 'zod'
import { canonicalJson } from './canonical-json.ts'
import { classed } from './classed.ts'
import { idSchema } from './ids.ts'

/** How far ahead an approval may end: long enough to hand a file over, short enough that none lies about. */
export const approvalLifeMsMax = 900_000
/** Signatures on one approval: nothing asks for more than two people, and each costs the custodian a verification. */
export const approvalSignaturesMax = 5
/** A request is read by people before they sign it. */
const requestLengthMax = 8_192
const requestBounds = { depthMax: 8, nodesMax: 256 }

/**
 * One line that a terminal shows as it is: no control character, and nothing that changes the direction or the place of
 * what is written after it. Whoever signs must see what he signs.
 */
export const plainLine = z.string().regex(/^[^\p{C}\p{Zl}\p{Zp}]*$/u)

/** What people approve: one call of the custodian, word for word, for a reason, once, until a moment. */
export const approvalRequestSchema = z.strictObject({
  /** A path of the custodian. */
  operation: classed('internal', z.string().regex(/^\/v1\/[a-z-]{1,64}$/)),
  /** The whole request of that call but for the approval itself. */
  parameters: classed('internal', z.record(z.string(), z.json())),
  reason: classed('internal', plainLine.min(10).max(500)),
  /** 16 to 64 bytes, base64url, of a secure generator: an approval is used once. */
  nonce: classed('internal', z.base64url().regex(/^[A-Za-z0-9_-]{22,86}$/)),
  expires_at: classed('internal', z.iso.datetime()),
})
export type ApprovalRequest = z.output<typeof approvalRequestSchema>

/** A request and who has signed it. The text is what was signed: it is read, never written anew. */
export const approvalSchema = z.strictObject({
  /** RFC 8785 JSON of an {@link approvalRequestSchema}. */
  request: classed('internal', z.string().max(requestLengthMax)),
  signatures: z.array(z.strictObject({
    staff: classed('internal', idSchema('staff')),
    /** Ed25519 (RFC 8032) over {@link approvalBytes}, base64url. */
    signature: classed('internal', z.base64url().length(86)),
  })).min(1).max(approvalSignaturesMax),
})
export type Approval = z.output<typeof approvalSchema>

/** The bytes that a person signs: a domain of their own, so that no other signature of the key can stand for one. */
export function approvalBytes(request: string): Uint8Array {
  return Buffer.from(`ngome/approval/v1\0${request}`, 'utf8')
}

/** A person's name: for people to read, not to be known by. */
export const staffNameSchema = plainLine.min(1).max(100)

/** What a new person signs with his key, to show that it is his: nobody is admitted with somebody else's public key. */
export function staffAdmissionBytes(name: string, publicKey: string): Uint8Array {
  return lengthPrefixed('ngome/staff-admission/v1', name, publicKey)
}

/** What a person signs to enrol as the operator: the first part of the token. */
export function staffEnrolmentBytes(body: string): Uint8Array {
  return Buffer.from(`ngome/staff-enrolment/v1\0${body}`, 'utf8')
}

/**
 * Reads the text of a request.
 * @returns the request, or `undefined` where the text is not one in its one canonical form: strict JSON without
 * duplicate keys, keys in order, no space
 */
export function parseApprovalRequest(text: string): ApprovalRequest | undefined {
  if (text.length > requestLengthMax) return undefined
  const json = parseStrictJson(Buffer.from(text, 'utf8'), requestBounds)
  const parsed = approvalRequestSchema.safeParse(json.ok ? json.value : undefined)
  if (!json.ok || !parsed.success) return undefined
  return canonicalJson(json.value satisfies JsonValue) === text ? parsed.data : undefined
}
