import { createHash, createPublicKey, sign, type KeyObject } from 'node:crypto'

/** A request as it was sent, and what the answer to it says; written out by hand, so that it holds our signers and verifiers to the page. */
export type AnsweredRequest = { readonly method: string; readonly target: string; readonly host: string; readonly headers: Readonly<Record<string, string>> }
export type SentAnswer = { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: string }
export type AnswerParts = {
  readonly request: AnsweredRequest
  readonly status: number
  readonly contentType: string
  readonly body: string
  readonly nonce: string
  readonly createdS: number
  /** Ed25519. */
  readonly privateKey: KeyObject
  /** The public half where it is left out. */
  readonly keyId?: string
  readonly statement: string
  /** What stands in `Signature-Input` behind the label, in place of the usual. */
  readonly input?: (usual: string) => string
}

export function answerKeyId(privateKey: KeyObject): string {
  return createPublicKey(privateKey).export({ format: 'jwk' }).x ?? ''
}

/** Signs an answer as docs/signed-answers.md says, or as `input` says instead. */
export function signAnswerRaw(parts: AnswerParts): SentAnswer {
  const { request: { method, target, host, headers: asked }, status, contentType, body, statement } = parts
  const queryAt = target.indexOf('?')
  const digest = `sha-256=:${createHash('sha256').update(body).digest('base64')}:`
  const own: Readonly<Record<string, string>> = { 'content-type': contentType, 'content-digest': digest, 'answer-key': statement }
  const values: Readonly<Record<string, string | undefined>> = {
    '"@status"': String(status),
    ...Object.fromEntries(Object.entries(own).map(([name, value]) => [`"${name}"`, value])),
    '"@method";req': method, '"@authority";req': host, '"@path";req': queryAt < 0 ? target : target.slice(0, queryAt),
    '"@query";req': queryAt < 0 ? '?' : target.slice(queryAt),
    ...Object.fromEntries(['content-digest', 'idempotency-key', 'signature'].flatMap((name) => asked[name] === undefined ? [] : [[`"${name}";req`, asked[name]]])),
  }
  const usual = `(${Object.keys(values).join(' ')});created=${parts.createdS};nonce="${parts.nonce}";keyid="${parts.keyId ?? answerKeyId(parts.privateKey)}";tag="ngome-answer-v1"`
  const input = parts.input?.(usual) ?? usual
  const covered = [...input.slice(0, input.indexOf(')')).matchAll(/"[^"]+"(?:;[a-z]+)*/g)].map(([name]) => `${name}: ${values[name] ?? ''}\n`)
  const signature = sign(null, Buffer.from(`${covered.join('')}"@signature-params": ${input}`), parts.privateKey)
  return { status, body, headers: { ...own, 'signature-input': `ngome=${input}`, signature: `ngome=:${signature.toString('base64')}:` } }
}

export type AnswerKeyParts = {
  readonly key: string
  readonly fromMs: number
  readonly untilMs: number
  /** The custodian's. */
  readonly signer: KeyObject
  /** In place of the usual. */
  readonly head?: string
}

/** States an answer key as the custodian does. */
export function stateAnswerKeyRaw({ key, fromMs, untilMs, signer, head = '{"alg":"EdDSA","typ":"ngome-answer-key+jws"}' }: AnswerKeyParts): string {
  const body = JSON.stringify({ key, issued_at: new Date(fromMs).toISOString(), expires_at: new Date(untilMs).toISOString() })
  const input = `${Buffer.from(head).toString('base64url')}.${Buffer.from(body).toString('base64url')}`
  return `${input}.${sign(null, Buffer.from(input), signer).toString('base64url')}`
}
