import { existsSync, readFileSync } from 'node:fs'
import { sign } from 'node:crypto'
import {
  approvalBytes, approvalLifeMsMax, approvalSchema, canonicalJson, parseApprovalRequest, type Approval, type ApprovalRequest,
} from '@ngome/contracts'
import { parseStrictJson, toBase64Url } from '@ngome/kernel'
import { Misuse, type Context } from '../command.ts'
import { writePrivateFile } from '../launcher/private-file.ts'
import type { Person } from './staff-key.ts'

/** A request on its way from one person to the next: what is asked, and who has signed it so far. */
export type ApprovalFile = {
  readonly request: ApprovalRequest
  readonly text: string
  readonly signatures: Approval['signatures']
}

const nonceBytes = 16
const fileBounds = { depthMax: 4, nodesMax: 64 }
/** As {@link approvalSchema}, but nobody may have signed yet. */
const fileSchema = approvalSchema.extend({ signatures: approvalSchema.shape.signatures.element.array().max(5) })

/**
 * Writes a request for others to sign.
 * @throws Misuse where the reason is not one that may be signed
 */
export function writeRequest(
  { clock, random }: Context, path: string, asked: Pick<ApprovalRequest, 'operation' | 'parameters' | 'reason'>,
): void {
  const text = canonicalJson({
    ...asked,
    nonce: toBase64Url(random.bytes(nonceBytes)),
    expires_at: new Date(clock.nowMs() + approvalLifeMsMax).toISOString(),
  })
  if (parseApprovalRequest(text) === undefined) throw new Misuse('a reason has 10 to 500 characters, in one printable line')
  write(path, { text, signatures: [] })
}

/** @throws Misuse where the file is no request in the one form that may be signed */
export function readApproval(path: string): ApprovalFile {
  if (!existsSync(path)) throw new Misuse(`there is no file ${path}`)
  const json = parseStrictJson(readFileSync(path), fileBounds)
  const parsed = fileSchema.safeParse(json.ok ? json.value : undefined)
  const request = parsed.success ? parseApprovalRequest(parsed.data.request) : undefined
  if (!parsed.success || request === undefined) throw new Misuse(`${path} is not a request to approve`)
  return { request, text: parsed.data.request, signatures: parsed.data.signatures }
}

/** Adds a person's signature to the file. */
export function signApproval(path: string, { text, signatures }: ApprovalFile, { id, privateKey }: Person): void {
  const signature = toBase64Url(sign(null, approvalBytes(text), privateKey))
  write(path, { text, signatures: [...signatures.filter(({ staff }) => staff !== id), { staff: id, signature }] })
}

/** What the custodian is sent. */
export function approvalOf({ text, signatures }: ApprovalFile): Approval {
  return { request: text, signatures: [...signatures] }
}

/** What one signs, for people to read before they do. */
export function linesOf({ request: { operation, parameters, reason, expires_at }, signatures }: ApprovalFile): string[] {
  const subject = Object.entries(parameters).map(([name, value]) => `  ${name}: ${shown(value)}`)
  return [
    `operation: ${operation}`, 'of:', ...subject, `reason: ${reason}`, `until: ${expires_at}`,
    `signed by: ${signatures.length === 0 ? 'nobody yet' : signatures.map(({ staff }) => staff).join(', ')}`,
  ]
}

/** Bytes are long and say nothing to people; JSON keeps control characters out of the terminal. */
const shownMax = 80

function shown(value: unknown): string {
  const text = JSON.stringify(value).replace(/[^\x20-\x7e]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return text.length > shownMax ? `${text.slice(0, shownMax)}… (${text.length} characters)` : text
}

function write(path: string, { text, signatures }: Pick<ApprovalFile, 'text' | 'signatures'>): void {
  writePrivateFile(path, `${JSON.stringify({ request: text, signatures }, null, 2)}\n`)
}
