import { Fault, type Clock } from '@ngome/kernel'
import { acceptSignature, isContentDigest, readAcceptSignature, signAnswer, type AnswerKey, type HttpMessage } from '@ngome/signatures'
import { jsonType, type Answer } from '../http/answer.ts'
import type { GatewayRequest } from '../http/gateway-request.ts'
import type { Guards } from '../http/guards.ts'
import { headerGroups } from '../http/header-table.ts'

type Ports = { readonly keys: { readonly current: AnswerKey }; readonly clock: Clock }

const noBytes = new Uint8Array()

/**
 * Of a known caller who asks for it (`Accept-Signature`, RFC 9421 §5.1): every answer from here on is signed, refusals too.
 * Before, nobody has paid for a signature; and what is refused because there is too much of it stays as cheap as it was.
 * @throws Fault (the guard) `request/header_refused` where another signature is asked for, `custodian/unavailable` where we can
 * sign none now: before anything was done
 */
export function answerSigner({ keys, clock }: Ports): Guards['authorize'] {
  return (_caller, request) => {
    // One look for all who sign nothing and ask for nothing.
    if ((request.headerBits & headerGroups.signature) === 0) return
    const asked = fieldOf(request, acceptSignature)
    if (asked === undefined) return
    const message = messageOf(request)
    const nonce = readAcceptSignature(asked, message.field)
    if (nonce === undefined) throw refused('accept-signature asks for another signature than this request\'s answer can have')
    const key = keys.current
    request.signAnswer = (answer) => signedAnswer(answer, (body, contentType) =>
      signAnswer({ status: answer.status, contentType, body, request: message, nonce, createdS: Math.floor(clock.nowMs() / 1_000) }, key))
  }
}

/**
 * Whether the digest that the answer will repeat is that of the body which came: who changed it on its way would else have
 * our signature on the answer to his own. The digest of a signed request is looked at with its signature.
 * @throws Fault (the guard) `request/header_refused`
 */
export const holdDigest: Guards['verify'] = ({ bytes }, request) => {
  if (request.signAnswer === null || fieldOf(request, 'signature') !== undefined) return
  const digest = fieldOf(request, 'content-digest')
  const isRight = digest === undefined ? bytes.length === 0 : isContentDigest(digest, bytes)
  if (!isRight) throw refused('content-digest is missing or not of this body, and a signed answer covers it')
}

function signedAnswer(answer: Answer, headersOf: (body: Uint8Array, contentType: string) => readonly string[]): Answer {
  const { body, contentType = jsonType, headers = [] } = answer
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  return { ...answer, contentType, ...(bytes === undefined ? {} : { body: bytes }), headers: [...headers, ...headersOf(bytes ?? noBytes, contentType)] }
}

function messageOf(request: GatewayRequest): HttpMessage {
  const { method = '', url = '', headers: { host = '' } } = request
  return { method, target: url, host, field: (name) => fieldOf(request, name) }
}

function fieldOf({ headers }: GatewayRequest, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : undefined
}

function refused(reason: string): Fault {
  return new Fault('request/header_refused', reason, { fields: [{ pointer: '', detail: `Refused: ${reason}. See docs/signed-answers.md.` }] })
}
