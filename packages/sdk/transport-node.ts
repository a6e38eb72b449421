import { request as httpsRequest } from 'node:https'
import type { IncomingMessage } from 'node:http'
import { concat, type Bytes } from './bytes.ts'
import { AnswerError, ConnectionError, misconfigured, NgomeError, PeerError } from './errors.ts'
import { CheckedAgent } from './checked-agent.ts'
import { tooLarge, type Transport, type TransportAnswer, type TransportOptions, type TransportRequest } from './transport.ts'

const pinPattern = /^[A-Za-z0-9+/]{43}=$/

/** The transport of Node: kept connections of TLS 1.3, to a peer that was checked before the first byte of a request. */
export function nodeTransport({ ca, pins }: TransportOptions): Transport {
  if (pins !== undefined && (pins.length === 0 || !pins.every((pin) => pinPattern.test(pin)))) {
    throw misconfigured('pins are the base64 SHA-256 of public keys, 44 characters each, one at least')
  }
  const agent = new CheckedAgent({ ca: typeof ca === 'string' ? [ca] : ca, pins })
  return {
    send: (request) => new Promise((resolve, reject) => {
      const { method, url, headers, body, signal } = request
      const refuse = (error: unknown): void => reject(error instanceof NgomeError ? error : connectionError(error))
      const outgoing = httpsRequest(url, {
        agent, method, signal, headers: { ...headers, ...(body === undefined ? {} : { 'content-length': body.length }) },
      }, (incoming) => {
        readAnswer(incoming, request).then(resolve, (error: unknown) => {
          outgoing.destroy()
          refuse(error)
        })
      })
      outgoing.on('error', refuse)
      outgoing.end(body)
    }),
    close: () => agent.destroy(),
  }
}

async function readAnswer(incoming: IncomingMessage, { answerBytesMax }: TransportRequest): Promise<TransportAnswer> {
  // What says how long it is and is too long is not read at all.
  if (Number(incoming.headers['content-length'] ?? 0) > answerBytesMax) throw tooLarge(answerBytesMax)
  const chunks: Bytes[] = []
  let length = 0
  for await (const chunk of incoming as AsyncIterable<Bytes>) {
    length += chunk.length
    if (length > answerBytesMax) throw tooLarge(answerBytesMax)
    chunks.push(chunk)
  }
  if (!incoming.complete) throw connectionError(new Error('the answer ended early'))
  const status = incoming.statusCode
  if (status === undefined) throw new AnswerError({ code: 'sdk/answer_malformed', message: 'an answer without a status' })
  return {
    status,
    header: (name) => {
      const { [name]: value } = incoming.headers
      return typeof value === 'string' ? value : value?.join(', ')
    },
    body: concat(...chunks),
  }
}

/** How OpenSSL and Node name a certificate that is not good: trying again changes nothing. */
const certificateCodes = /^(?:CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_TLS_CERT|HOSTNAME_MISMATCH|INVALID_(?:CA|PURPOSE)|ERR_SSL_)/

function connectionError(cause: unknown): NgomeError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'broken off'
  if (certificateCodes.test(code)) {
    return new PeerError({ code: 'sdk/peer_refused', message: `the peer is not the one to talk to (${code}): nothing was sent`, cause })
  }
  return new ConnectionError({ code: 'sdk/connection_failed', message: `no whole answer came (${code})`, cause })
}
