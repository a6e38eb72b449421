import { fromUtf8, parseBase64, parseBase64Url, utf8, type Bytes } from './bytes.ts'
import { digestOf } from './content-digest.ts'
import { misconfigured, SignatureError } from './errors.ts'
import { parseRetryAfter } from './rate-limit-fields.ts'
import type { TransportAnswer } from './transport.ts'

/** A request as it is sent, but for the header that asks. */
export type SentRequest = { readonly method: string; readonly url: string; readonly headers: Readonly<Record<string, string>> }

/** A gateway's key that the platform's statement key vouches for, in between. */
type StatedKey = { readonly id: string; readonly key: CryptoKey; readonly fromMs: number; readonly untilMs: number }

const tag = 'ngome-answer-v1'
const ofAnswer = ['@status', 'content-type', 'content-digest', 'answer-key'] as const
const wherePresent = ['content-digest', 'idempotency-key', 'signature'] as const
/** How far a server's clock may lie from this one. */
const toleranceMs = 300_000
/** Two while one takes over from another; none needs more. */
const statementKeysMax = 4
/** Gateways that were met last: a statement is checked once, not with each of their answers. */
const statedMax = 16
const keyBytes = 32
const statementCharactersMax = 1_024
/** `{"alg":"EdDSA","typ":"ngome-answer-key+jws"}`: compared whole, so that no algorithm is ever read from it. */
const statementHead = 'eyJhbGciOiJFZERTQSIsInR5cCI6Im5nb21lLWFuc3dlci1rZXkrandzIn0'
const ed25519 = { name: 'Ed25519' } as const

/** What asks for a signed answer to this request, and to no other (RFC 9421 §5.1, docs/signed-answers.md). */
export function askForSignature(request: SentRequest, nonce: string): string {
  return `ngome=${listOf(componentsOf(request))};created;nonce="${nonce}";tag="${tag}"`
}

/** Holds answers against what the platform's statement key vouches for. */
export class AnswerVerifier {
  readonly #statementKeys: readonly Bytes[]
  readonly #stated = new Map<string, StatedKey>()

  /** @param statementKeys 32 bytes in base64url each @throws ConfigurationError */
  constructor(statementKeys: string | readonly string[]) {
    const keys = [statementKeys].flat().map(parseBase64Url)
    const isWhole = keys.length > 0 && keys.length <= statementKeysMax && keys.every((key) => key?.length === keyBytes)
    if (!isWhole) throw misconfigured('statementKey is what the operator gives out (ngome vault pin): 43 characters, one to four of them')
    this.#statementKeys = keys as Bytes[]
  }

  /** @throws SignatureError `sdk/answer_unproven`, the same whatever was wrong */
  async verify(answer: TransportAnswer, request: SentRequest, nonce: string, nowMs: number): Promise<void> {
    if (await this.#isOurs(answer, request, nonce, nowMs)) return
    const { status, header } = answer
    throw new SignatureError({
      // A status that asks to come again is taken as that, as a broken connection is; nothing else of such an answer is.
      code: 'sdk/answer_unproven', status, requestId: header('request-id'), retryAfterS: parseRetryAfter(header('retry-after'), nowMs),
      message: `an answer that the platform did not sign for this request, or not now; its status says ${status}, which nobody vouches for`,
    })
  }

  async #isOurs({ status, header, body }: TransportAnswer, request: SentRequest, nonce: string, nowMs: number): Promise<boolean> {
    const [contentType, digest, statement, input = '', signature = ''] =
      ['content-type', 'content-digest', 'answer-key', 'signature-input', 'signature'].map(header)
    if (contentType === undefined || statement === undefined || digest !== await digestOf(body)) return false
    const components = componentsOf(request)
    const start = `ngome=${listOf(components)};created=`
    const [, created, keyId] = input.startsWith(start)
      ? /^([1-9][0-9]{0,14});nonce="[A-Za-z0-9_-]+";keyid="([A-Za-z0-9_-]{43})";tag="ngome-answer-v1"$/.exec(input.slice(start.length)) ?? [] : []
    if (keyId === undefined || !input.includes(`;nonce="${nonce}";keyid=`) || Math.abs(nowMs - Number(created) * 1_000) >= toleranceMs + 1_000) return false
    const stated = await this.#statedKey(statement, nowMs)
    const bytes = parseBase64(/^ngome=:([A-Za-z0-9+/=]+):$/.exec(signature)?.[1] ?? '')
    if (stated?.id !== keyId || bytes === undefined) return false
    const values = [String(status), contentType, digest, statement]
    // RFC 9421 §2.5.
    const lines = [...ofAnswer.map((name, at) => `"${name}": ${values[at]}`), ...components.map(([name, value]) => `"${name}";req: ${value}`)]
    return crypto.subtle.verify(ed25519, stated.key, bytes, utf8(`${lines.join('\n')}\n"@signature-params": ${input.slice('ngome='.length)}`))
  }

  async #statedKey(statement: string, nowMs: number): Promise<StatedKey | undefined> {
    const known = this.#stated.get(statement) ?? await this.#prove(statement)
    if (known === undefined) return undefined
    const [oldest] = this.#stated.keys()
    if (this.#stated.size >= statedMax && !this.#stated.has(statement) && oldest !== undefined) this.#stated.delete(oldest)
    this.#stated.set(statement, known)
    return nowMs >= known.fromMs - toleranceMs && nowMs < known.untilMs ? known : undefined
  }

  async #prove(statement: string): Promise<StatedKey | undefined> {
    const [head, body = '', signed = '', ...rest] = statement.length > statementCharactersMax ? [] : statement.split('.')
    const [text, signature] = [parseBase64Url(body), parseBase64Url(signed)]
    if (head !== statementHead || rest.length > 0 || text === undefined || signature === undefined) return undefined
    for (const raw of this.#statementKeys) {
      const key = await publicKey(raw)
      if (!await crypto.subtle.verify(ed25519, key, signature, utf8(`${head}.${body}`))) continue
      // The platform wrote it: its form is not in doubt any more.
      const { key: id, issued_at: from, expires_at: until } = JSON.parse(fromUtf8(text)) as { readonly key: string; readonly issued_at: string; readonly expires_at: string }
      const own = parseBase64Url(id)
      return own?.length !== keyBytes ? undefined : { id, key: await publicKey(own), fromMs: Date.parse(from), untilMs: Date.parse(until) }
    }
    return undefined
  }
}

function publicKey(raw: Bytes): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', raw, ed25519, false, ['verify'])
}

type Component = readonly [name: string, value: string]

function componentsOf({ method, url, headers }: SentRequest): readonly Component[] {
  const { host, pathname, search } = new URL(url)
  const present = wherePresent.flatMap((name): Component[] => headers[name] === undefined ? [] : [[name, headers[name]]])
  // A query that is not there is a question mark alone (RFC 9421 §2.2.7).
  return [['@method', method], ['@authority', host], ['@path', pathname], ['@query', search === '' ? '?' : search], ...present]
}

function listOf(components: readonly Component[]): string {
  return `("${ofAnswer.join('" "')}" ${components.map(([name]) => `"${name}";req`).join(' ')})`
}
