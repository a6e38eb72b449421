import type { KeyObject } from 'node:crypto'
import { signBytes } from '../http-messages/algorithms.ts'
import { contentDigest } from '../http-messages/content-digest.ts'
import type { HttpMessage } from '../http-messages/message.ts'
import { plainSignatureBase } from '../http-messages/signature-base.ts'
import { signatureLabel } from '../signed-requests/profile.ts'
import { answerTag, componentsText, coveredOfRequest, ofAnswer } from './answer-profile.ts'

/** A key that answers are signed with: Ed25519, of one process. */
export type AnswerKey = {
  /** The public half as `keyid` names it: 32 bytes in base64url. */
  readonly id: string
  readonly privateKey: KeyObject
  /** The custodian's statement of it, which goes with each answer. */
  readonly statement: string
}

export type AnswerToSign = {
  readonly status: number
  readonly contentType: string
  /** As it leaves; empty where there is none. */
  readonly body: Uint8Array
  readonly request: HttpMessage
  /** The request's own, so that no answer to another one is taken for this. */
  readonly nonce: string
  readonly createdS: number
}

/**
 * Signs an answer as docs/signed-answers.md says.
 * @returns names and values of headers in turn
 * @throws TypeError where the request lacks a part that every request has
 */
export function signAnswer({ status, contentType, body, request, nonce, createdS }: AnswerToSign, key: AnswerKey): readonly string[] {
  const digest = contentDigest(body)
  const fields: Readonly<Record<string, string>> = { 'content-type': contentType, 'content-digest': digest, 'answer-key': key.statement }
  const ofRequest = coveredOfRequest(request.field)
  const input = `${componentsText(ofRequest)};created=${createdS};nonce="${nonce}";keyid="${key.id}";tag="${answerTag}"`
  const base = plainSignatureBase({ status, request, field: (name) => fields[name] }, ofAnswer, input, ofRequest)
  if (base === undefined) throw new TypeError('an answer that cannot be covered')
  const signature = Buffer.from(signBytes('ed25519', key.privateKey, base)).toString('base64')
  return [
    'content-digest', digest, 'answer-key', key.statement,
    'signature-input', `${signatureLabel}=${input}`, 'signature', `${signatureLabel}=:${signature}:`,
  ]
}
