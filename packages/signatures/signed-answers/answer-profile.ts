import { isOfRequest } from '../http-messages/signature-base.ts'
import { noncePattern, signatureLabel } from '../signed-requests/profile.ts'
import { soleMember, textOf } from '../signed-requests/sole-member.ts'
import { isInnerList, type InnerList } from '../structured-fields/values.ts'

/** How Ngome signs answers by RFC 9421; docs/signed-answers.md is the same in words. */
export const answerTag = 'ngome-answer-v1'
/** The request header that asks for a signature (RFC 9421 §5.1), and the headers that one has, in lower case. */
export const acceptSignature = 'accept-signature'
export const answerSignatureHeaders = ['content-digest', 'answer-key', 'signature-input', 'signature'] as const

/** What an answer's signature covers of the answer, always. */
export const ofAnswer = ['@status', 'content-type', 'content-digest', 'answer-key'] as const
/**
 * Of its request: always the first four, and of the others those that it has. The signature of a signed request is in it whole,
 * and with that everything that the request's own signature covers.
 */
const always = ['@method', '@authority', '@path', '@query'] as const
const wherePresent = ['content-digest', 'idempotency-key', 'signature'] as const

type Field = (name: string) => string | undefined

export function coveredOfRequest(field: Field): readonly string[] {
  return [...always, ...wherePresent.filter((name) => field(name) !== undefined)]
}

/** The list of all that, as it stands in both fields. */
export function componentsText(ofRequest: readonly string[]): string {
  return `("${ofAnswer.join('" "')}" ${ofRequest.map((name) => `"${name}";req`).join(' ')})`
}

/** What a client sends to have the answer to this request signed. @param field of the request, its signature included */
export function askForSignature(field: Field, nonce: string): string {
  return `${signatureLabel}=${componentsText(coveredOfRequest(field))};created;nonce="${nonce}";tag="${answerTag}"`
}

/**
 * Reads what a request asks for: our label alone, in its canonical form, exactly the components that this answer will have,
 * and each parameter once.
 * @returns the nonce, or `undefined` where another signature is asked for than the one that we make
 */
export function readAcceptSignature(value: string, field: Field): string | undefined {
  // What nearly everybody sends, without the parser: the text that we would have written.
  const [, usual] = /;nonce="([A-Za-z0-9_-]{22,64})"/.exec(value) ?? []
  if (usual !== undefined && value === askForSignature(field, usual)) return usual
  const asked = soleMember(value)
  if (asked === undefined || !isInnerList(asked) || !coversExactly(asked, coveredOfRequest(field))) return undefined
  const { nonce, created, tag, alg, ...others } = Object.fromEntries(asked.parameters)
  const isKnown = Object.keys(others).length === 0 && created?.type === 'boolean' && created.value && textOf(tag) === answerTag
  const isAlgorithm = alg === undefined || textOf(alg) === 'ed25519'
  const text = textOf(nonce)
  return isKnown && isAlgorithm && text !== undefined && noncePattern.test(text) ? text : undefined
}

export function coversExactly({ items }: InnerList, ofRequest: readonly string[]): boolean {
  return items.length === ofAnswer.length + ofRequest.length && items.every(({ value, parameters }, at) => {
    const name = at < ofAnswer.length ? ofAnswer[at] : ofRequest[at - ofAnswer.length]
    return value.type === 'string' && value.value === name && (at < ofAnswer.length ? parameters.size === 0 : isOfRequest(parameters))
  })
}
