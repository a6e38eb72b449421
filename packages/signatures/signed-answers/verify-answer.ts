import { createPublicKey } from 'node:crypto'
import { verifyBytes } from '../http-messages/algorithms.ts'
import { isContentDigest } from '../http-messages/content-digest.ts'
import type { HttpMessage } from '../http-messages/message.ts'
import { plainSignatureBase } from '../http-messages/signature-base.ts'
import { signatureLabel, signatureToleranceS } from '../signed-requests/profile.ts'
import { bytesOf, soleMember, textOf } from '../signed-requests/sole-member.ts'
import { isInnerList, type Member } from '../structured-fields/values.ts'
import { answerTag, coveredOfRequest, coversExactly, ofAnswer } from './answer-profile.ts'

/** An answer as it came, with the request that it answers as it was sent. */
export type AnswerToVerify = HttpMessage & { readonly status: number; readonly request: HttpMessage; readonly body: Uint8Array }

/** What the reader knows by himself. */
export type ExpectedAnswer = {
  /** What the request asked with. */
  readonly nonce: string
  readonly nowMs: number
  /**
   * Proves a statement of an answer key, its times included.
   * @returns the key, 32 bytes in base64url, or `undefined` where the custodian states none now
   */
  readonly proveKey: (statement: string) => string | undefined
}

/** Whether an answer is one that we signed, to this very request. Whatever is wrong, the answer is the same. */
export async function isAnswerSigned(answer: AnswerToVerify, { nonce, nowMs, proveKey }: ExpectedAnswer): Promise<boolean> {
  const { field, body, request } = answer
  const [statement, digest, input = ''] = [field('answer-key'), field('content-digest'), field('signature-input')]
  const key = statement === undefined ? undefined : proveKey(statement)
  if (key === undefined || digest === undefined || !isContentDigest(digest, body)) return false
  const ofRequest = coveredOfRequest(request.field)
  const signature = bytesOf(soleMember(field('signature') ?? ''))
  if (signature === undefined || !isOurs(soleMember(input), { ofRequest, nonce, key, nowMs })) return false
  const base = plainSignatureBase(answer, ofAnswer, input.slice(signatureLabel.length + 1), ofRequest)
  if (base === undefined) return false
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: key }, format: 'jwk' })
  return verifyBytes('ed25519', publicKey, base, signature)
}

type Expected = { readonly ofRequest: readonly string[]; readonly nonce: string; readonly key: string; readonly nowMs: number }

function isOurs(input: Member | undefined, { ofRequest, nonce, key, nowMs }: Expected): boolean {
  if (input === undefined || !isInnerList(input) || !coversExactly(input, ofRequest)) return false
  const { created, nonce: stated, keyid, tag, ...others } = Object.fromEntries(input.parameters)
  const isNow = created?.type === 'integer' && Math.abs(Math.floor(nowMs / 1_000) - created.value) <= signatureToleranceS
  return isNow && textOf(stated) === nonce && textOf(keyid) === key && textOf(tag) === answerTag && Object.keys(others).length === 0
}
