import type { Bytes } from './bytes.ts'
import { AnswerError } from './errors.ts'

export type TransportRequest = {
  readonly method: string
  /** `https:` always. */
  readonly url: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Bytes | undefined
  /** Ends the attempt wherever it stands, the reading of the answer included. */
  readonly signal: AbortSignal
  readonly answerBytesMax: number
}

export type TransportAnswer = {
  readonly status: number
  readonly header: (name: string) => string | undefined
  readonly body: Bytes
}

/**
 * One HTTPS exchange, without redirects, cookies or retries.
 * It throws `ConnectionError` where no whole answer came, `PeerError` where the peer is not the one to talk to,
 * `AnswerError` for an answer that is not taken; an abort throws whatever it throws, since its caller knows of it.
 */
export type Transport = {
  send(request: TransportRequest): Promise<TransportAnswer>
  /** Ends the connections that are kept. */
  close(): void
}

/** What a client asks of its transport. */
export type TransportOptions = {
  /** Certificates of authorities to trust in place of the usual ones, PEM. */
  readonly ca: string | readonly string[] | undefined
  /** SHA-256 of the SubjectPublicKeyInfo of certificates, base64: one of the chain has to be among them. */
  readonly pins: readonly string[] | undefined
}

export function tooLarge(answerBytesMax: number): AnswerError {
  return new AnswerError({ code: 'sdk/answer_too_large', message: `the answer is larger than ${answerBytesMax} bytes` })
}
