import { verify, type KeyObject } from 'node:crypto'
import { refusalStatementSchema } from '@ngome/contracts'
import { parseBase64Url, toBase64Url, type Random } from '@ngome/kernel'
import type { SignedRefusal } from './custodian-view.ts'

/** A fresh challenge for one refusal; a refusal signed over it cannot be an old one. */
export function newChallenge(random: Random): string {
  return toBase64Url(random.bytes(32))
}

/**
 * Checks that the custodian itself refused this caller, now.
 * @returns the refusal's reason, or what is wrong with it
 */
export function judgeRefusal(
  refusal: SignedRefusal,
  expected: { readonly challenge: string; readonly caller: string; readonly statementKey: KeyObject },
): { readonly ok: true; readonly reason: string } | { readonly ok: false; readonly problem: string } {
  const signature = parseBase64Url(refusal.signature)
  const isSigned = signature !== undefined
    && verify(null, Buffer.from(refusal.statement, 'utf8'), expected.statementKey, signature)
  if (!isSigned) return { ok: false, problem: 'a refusal that the custodian did not sign' }
  const parsed = refusalStatementSchema.safeParse(parseJson(refusal.statement))
  if (!parsed.success) return { ok: false, problem: 'a signed refusal of unknown form' }
  const { challenge, caller, operation, reason } = parsed.data
  if (challenge !== expected.challenge) return { ok: false, problem: 'a refusal of another question' }
  if (caller !== expected.caller) return { ok: false, problem: `a refusal of ${caller}, not of ${expected.caller}` }
  return { ok: true, reason: `${operation}: ${reason}` }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
