import { verify, type KeyObject } from 'node:crypto'
import { refusalStatementSchema, type signedRefusalSchema } from '@ngome/contracts'
import { equalsInConstantTime, Fault, parseBase64Url, parseStrictJson } from '@ngome/kernel'
import type { z } from 'zod'

export type SignedRefusal = z.output<typeof signedRefusalSchema>
export type RefusalStatement = z.output<typeof refusalStatementSchema>

/**
 * The custodian's no. It throws this with the signed refusal where the call carried a challenge; the server puts that
 * into the problem document as `refusal`, and the client gives it back here. Without one, it may be anybody's 4xx: the
 * server's own about the caller or the size of a body.
 */
export class CustodianRefusal extends Fault {
  readonly refusal: SignedRefusal | undefined

  constructor(message: string, options: { refusal?: SignedRefusal | undefined; cause?: unknown } = {}) {
    super('custodian/refused', message, 'cause' in options ? { cause: options.cause } : {})
    this.refusal = options.refusal
  }
}

const statementBounds = { depthMax: 1, nodesMax: 16 }

/**
 * Checks that the custodian itself signed this refusal, and for this challenge, so that it is not an old one.
 * @returns what the custodian said, or `undefined` where it did not say it
 */
export function verifyRefusal(
  statementKey: KeyObject, refusal: SignedRefusal, challenge: string,
): RefusalStatement | undefined {
  const signed = Buffer.from(refusal.statement, 'utf8')
  const signature = parseBase64Url(refusal.signature)
  if (statementKey.asymmetricKeyType !== 'ed25519' || signature === undefined) return undefined
  if (!verify(null, signed, statementKey, signature)) return undefined
  const json = parseStrictJson(signed, statementBounds)
  const statement = refusalStatementSchema.safeParse(json.ok ? json.value : undefined)
  if (!statement.success) return undefined
  const isFresh = equalsInConstantTime(Buffer.from(statement.data.challenge), Buffer.from(challenge))
  return isFresh ? statement.data : undefined
}
