import type { Problem } from './api/answers.ts'

/** One field that was refused: its JSON pointer (RFC 6901) and why. */
/** `code`: of one of many rows, what it would have been refused with alone. */
export type FieldError = { readonly pointer: string; readonly detail: string; readonly code?: string | undefined }

export type ErrorParts = {
  /** The API's own code (`payments/unknown`), or one of this package's: `sdk/…`. Stable. */
  readonly code: string
  readonly message: string
  readonly status?: number | undefined
  /** Name it when you ask the operator about a request. */
  readonly requestId?: string | undefined
  readonly fields?: readonly FieldError[] | undefined
  /** Where the code is explained. */
  readonly docs?: string | undefined
  /** When to come back, in seconds, where the API or this client's own limit said so. */
  readonly retryAfterS?: number | undefined
  readonly cause?: unknown
}

/** Whatever goes wrong in a call. Neither its message nor anything in it holds a key or a value that was sent. */
export class NgomeError extends Error {
  override readonly name: string = 'NgomeError'
  readonly code: string
  readonly status: number | undefined
  readonly requestId: string | undefined
  readonly fields: readonly FieldError[]
  readonly docs: string | undefined
  readonly retryAfterS: number | undefined
  /** Of a call that acts: repeat it under this key, and it acts once, whatever came of this attempt. */
  idempotencyKey: string | undefined

  constructor(parts: ErrorParts) {
    super(parts.message, 'cause' in parts ? { cause: parts.cause } : undefined)
    this.code = parts.code
    this.status = parts.status
    this.requestId = parts.requestId
    this.fields = parts.fields ?? []
    this.docs = parts.docs
    this.retryAfterS = parts.retryAfterS
  }
}

/** 401: the key is unknown, revoked or malformed, or the request's signature is not valid. */
export class AuthenticationError extends NgomeError { override readonly name = 'AuthenticationError' }
/** 403: the key is good, and may not do this. */
export class PermissionError extends NgomeError { override readonly name = 'PermissionError' }
/** 404: absent, or another merchant's. */
export class NotFoundError extends NgomeError { override readonly name = 'NotFoundError' }
/** 409: it cannot be done as things stand. */
export class ConflictError extends NgomeError { override readonly name = 'ConflictError' }
/** The `Idempotency-Key` is missing, of another body, or still being handled. */
export class IdempotencyError extends NgomeError { override readonly name = 'IdempotencyError' }
/** The request is not what the operation takes; `fields` says where. Nothing was done. */
export class ValidationError extends NgomeError { override readonly name = 'ValidationError' }
/** 429, or this client's own limit; `retryAfterS` says when to come back. */
export class RateLimitError extends NgomeError { override readonly name = 'RateLimitError' }
/** 5xx: something failed on the other side, and retries did not help. */
export class ServerError extends NgomeError { override readonly name = 'ServerError' }
/** No whole answer came: a call that acts may have acted. */
export class ConnectionError extends NgomeError { override readonly name = 'ConnectionError' }
/** The peer is not who it should be: its certificate or its pin. Nothing was sent. */
export class PeerError extends NgomeError { override readonly name = 'PeerError' }
/** An answer that no API of ours gives: too large, malformed, a redirect. */
export class AnswerError extends NgomeError { override readonly name = 'AnswerError' }
/** The deadline passed: a call that acts may have acted. */
export class TimeoutError extends NgomeError { override readonly name = 'TimeoutError' }
/** The caller's own signal ended it. */
export class AbortedError extends NgomeError { override readonly name = 'AbortedError' }
/** This client cannot be made, or not be used, as it was configured. */
export class ConfigurationError extends NgomeError { override readonly name = 'ConfigurationError' }
/** A webhook, or an answer where they have to be signed, that the platform did not sign, or not now: what acts may have acted. */
export class SignatureError extends NgomeError { override readonly name = 'SignatureError' }
/** What was to be decrypted is not a message for this key. */
export class DecryptionError extends NgomeError { override readonly name = 'DecryptionError' }

type ErrorClass = new (parts: ErrorParts) => NgomeError

/** A map: a code may be named like what every object has. */
const byPrefix: ReadonlyMap<string, ErrorClass> = new Map([['idempotency', IdempotencyError]])
const byStatus: Readonly<Record<number, ErrorClass>> = {
  400: ValidationError, 401: AuthenticationError, 403: PermissionError, 404: NotFoundError, 409: ConflictError,
  413: ValidationError, 415: ValidationError, 422: ValidationError, 429: RateLimitError,
}

/** The error of a problem document: by what its code begins with, else by its status. */
export function errorOf(problem: Problem, context: { readonly docsBase: string; readonly retryAfterS: number | undefined }): NgomeError {
  const { code, title, status, request_id: requestId, errors: fields = [] } = problem
  const Class = byPrefix.get(code.slice(0, code.indexOf('/'))) ?? byStatus[status] ?? (status >= 500 ? ServerError : NgomeError)
  const where = fields.map(({ pointer, detail }) => ` ${pointer}: ${detail}`).join('')
  const docs = `${context.docsBase}/reference#${code.replaceAll('/', '-')}`
  return new Class({ code, message: `${title}${where} (${code}, ${requestId})`, status, requestId, fields, docs, retryAfterS: context.retryAfterS })
}

/** An argument that the API would refuse; said here, before anything is sent. */
export function invalid(pointer: string, detail: string): ValidationError {
  return new ValidationError({ code: 'sdk/invalid_argument', message: `${pointer}: ${detail}`, fields: [{ pointer, detail }] })
}

export function misconfigured(message: string): ConfigurationError {
  return new ConfigurationError({ code: 'sdk/configuration', message })
}
