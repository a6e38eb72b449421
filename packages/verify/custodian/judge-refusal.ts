import type { KeyObject } from 'node:crypto'
import { toBase64Url, type ProcessRole, type Random } from '@ngome/kernel'
import { verifyRefusal, type SignedRefusal } from '@ngome/runtime'

/** A fresh challenge for one refusal; a refusal signed over it cannot be an old one. */
export function newChallenge(random: Random): string {
  return toBase64Url(random.bytes(32))
}

type Attempted = { readonly outcome: string; readonly refusal?: SignedRefusal | null | undefined }

/**
 * Checks that the custodian itself refused this caller, now.
 * @param reasons what may stand in the refusal; another reason says that the question was wrong, not who asked
 * @returns what is wrong with it, or `undefined` where nothing is
 */
export function problemOfRefusal(
  { outcome, refusal }: Attempted,
  expected: {
    readonly challenge: string
    readonly caller: ProcessRole
    readonly reasons: readonly string[]
    readonly statementKey: KeyObject
  },
): string | undefined {
  const { challenge, caller, reasons, statementKey } = expected
  if (outcome !== 'refused') return `the custodian did not refuse it to the ${caller} (${outcome})`
  if (refusal === undefined || refusal === null) return `the ${caller} shows no signed refusal`
  const statement = verifyRefusal(statementKey, refusal, challenge)
  if (statement === undefined) return `the ${caller} shows a refusal that the custodian did not sign for our challenge`
  // A caller is named as role/serial of its certificate.
  if (statement.caller.split('/')[0] !== caller) return `the refusal is ${statement.caller}'s, not the ${caller}'s`
  return reasons.includes(statement.reason) ? undefined : `the ${caller} was refused for another reason: ${statement.reason}`
}

/** The custodian's word for "not you": it is decided before the question itself is looked at. */
export const notPermitted = ['caller_not_permitted', 'purpose_not_permitted', 'secret_not_permitted'] as const
