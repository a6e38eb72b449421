import type { KeyObject } from 'node:crypto'
import { Fault, type Clock } from '@ngome/kernel'
import { FlattenedSign } from 'jose'
import type { EgressGuard } from '../egress/egress-guard.ts'
import type { Outgoing } from '../egress/transmit.ts'
import { AcmeFailure, own } from './acme-failure.ts'
import { directorySchema, isProblem, problemOf, readAnswer, type Directory } from './answers.ts'
import { retryAfterMs } from './retry-after.ts'

export type AcmeAnswer = {
  readonly status: number
  readonly body: Uint8Array
  readonly contentType: string
  readonly location: string | undefined
  readonly retryAfterMs: number | undefined
}
export type AccountKey = {
  readonly privateKey: KeyObject
  readonly publicJwk: { readonly kty: string; readonly crv: string; readonly x: string; readonly y: string }
}
type Ports = { readonly egress: Pick<EgressGuard, 'toCertificateAuthority'>; readonly clock: Clock }
/** What a request says who it is from (RFC 8555 §6.2): its key before there is an account, then the account's address. */
type Signer = AccountKey & { readonly accountUrl: string | null }

/** From the look at the name to the last byte of an answer. */
export const requestMsMax = 15_000
/** RFC 8555 §6.5: a nonce may have been spent by the time that it is used; more often than this is no accident. */
const badNoncesMax = 3
/** RFC 8555 §6.5.1: base64url; another one is passed over. */
const noncePattern = /^[A-Za-z0-9_-]{1,512}$/
/** RFC 8555 §6.1 demands one. */
const userAgent = 'ngome'
const nothing = new Uint8Array()

/** One authority's directory, and signed requests to it, each with a nonce of its own (RFC 8555 §6). */
export class AcmeSession {
  readonly directory: Directory
  readonly #ports: Ports
  #nonce: string | undefined

  private constructor(ports: Ports, directory: Directory) {
    this.#ports = ports
    this.directory = directory
  }

  /** @throws AcmeFailure, Fault `store/unavailable` */
  static async open(ports: Ports, directoryUrl: string): Promise<AcmeSession> {
    const answer = await send(ports, directoryUrl, { method: 'GET', headers: {}, body: nothing })
    if (answer.status !== 200) throw problemOf(answer.status, answer.body, answer.retryAfterMs)
    return new AcmeSession(ports, readAnswer(answer.body, directorySchema, 'the directory'))
  }

  /**
   * Sends a signed request and gives its answer of success.
   * @param payload `null` only reads what is there (POST-as-GET, RFC 8555 §6.3)
   * @throws AcmeFailure
   */
  async post(url: string, payload: object | null, signer: Signer, accept = 'application/json'): Promise<AcmeAnswer> {
    for (let bad = 0; ; bad++) {
      const body = await this.#sign(url, payload, signer, this.#nonce ?? await this.#newNonce())
      this.#nonce = undefined
      const answer = await this.#send(url, { method: 'POST', headers: { 'content-type': 'application/jose+json', accept }, body })
      if (answer.status >= 200 && answer.status < 300) return answer
      const failure = problemOf(answer.status, answer.body, answer.retryAfterMs)
      if (!isProblem(failure, 'badNonce') || bad >= badNoncesMax) throw failure
    }
  }

  /** Reads what anybody may (RFC 9773 §4.1). @throws AcmeFailure */
  async get(url: string): Promise<AcmeAnswer> {
    const answer = await this.#send(url, { method: 'GET', headers: { accept: 'application/json' }, body: nothing })
    if (answer.status !== 200) throw problemOf(answer.status, answer.body, answer.retryAfterMs)
    return answer
  }

  async #sign(url: string, payload: object | null, { privateKey, publicJwk, accountUrl }: Signer, nonce: string): Promise<Uint8Array> {
    const signed = await new FlattenedSign(payload === null ? nothing : Buffer.from(JSON.stringify(payload)))
      .setProtectedHeader({ alg: 'ES256', nonce, url, ...accountUrl === null ? { jwk: publicJwk } : { kid: accountUrl } })
      .sign(privateKey)
    return Buffer.from(JSON.stringify(signed))
  }

  async #newNonce(): Promise<string> {
    await this.#send(this.directory.newNonce, { method: 'HEAD', headers: {}, body: nothing })
    if (this.#nonce === undefined) throw new AcmeFailure(own('unreadable_answer'), 'the authority gave no nonce')
    return this.#nonce
  }

  async #send(url: string, outgoing: Pick<Outgoing, 'method' | 'headers' | 'body'>): Promise<AcmeAnswer> {
    const { nonce, ...answer } = await send(this.#ports, url, outgoing)
    this.#nonce = nonce
    return answer
  }
}

async function send(
  { egress, clock }: Ports, url: string, { headers, ...outgoing }: Pick<Outgoing, 'method' | 'headers' | 'body'>,
): Promise<AcmeAnswer & { readonly nonce: string | undefined }> {
  const sent = await egress.toCertificateAuthority(url, { ...outgoing, timeoutMs: requestMsMax, headers: { 'user-agent': userAgent, ...headers } })
    .catch((error: unknown) => {
      if (error instanceof Fault && error.code === 'egress/refused') throw new AcmeFailure(own('away_from_itself'), error.message, { isOrderLost: true })
      throw error
    })
  if (sent.kind !== 'answered') throw new AcmeFailure(own('unreached'), `${sent.kind}: ${sent.reason}`)
  const nonce = sent.headers['replay-nonce']
  return {
    status: sent.status, body: sent.body, contentType: sent.headers['content-type'] ?? '', location: sent.headers.location,
    retryAfterMs: retryAfterMs(sent.retryAfter, clock.nowMs()),
    nonce: typeof nonce === 'string' && noncePattern.test(nonce) ? nonce : undefined,
  }
}
