import type { ApiKeyCaps, Scope } from '@ngome/access'
import type { KeyKind } from '@ngome/contracts'
import type { ApiKeyId, RequestId, Tenant } from '@ngome/kernel'
import type { KeyRestriction, RequestNonce } from '@ngome/store'
import type { z } from 'zod'
import type { Operation, OperationName, operations } from '../api/operations.ts'
import type { KeyMeters } from '../limits/key-meters.ts'
import type { Answer } from './answer.ts'

declare const authenticated: unique symbol
/** Whose API key was checked for this request; only the authenticator makes one. */
export type AuthenticatedCaller = {
  readonly tenant: Tenant
  readonly apiKey: ApiKeyId
  readonly kind: KeyKind
  readonly scopes: ReadonlySet<Scope>
  readonly caps: ApiKeyCaps
  /** Whether each of its requests must be signed as well. */
  readonly mustSign: boolean
  /** Whether the key may be used from this address; `null`: from anywhere. */
  readonly mayCallFrom: ((remoteAddress: string | undefined) => boolean) | null
  /** Whose pages may use it; none may use a secret key. */
  readonly origins: ReadonlySet<string>
  /** Of the merchant's policy. */
  readonly isVaultPlaintextAllowed: boolean
  /** What its key may not do for a time, because its use was unusual; it ends by itself. */
  readonly restriction?: KeyRestriction
  /** What its calls are paid from: kept and judged by the limits alone. */
  meters: KeyMeters | undefined
  readonly [authenticated]: true
}

/** What of a signed request somebody needs to check its signature once more, beside its body and idempotency key. */
export type SignedMessage = {
  readonly method: string
  readonly target: string
  readonly host: string
  readonly contentDigest: string
  readonly signatureInput: string
  readonly signature: string
}

declare const verified: unique symbol
/** That the caller signed this very request, with a key of its own; only `verifySignature` makes one. */
export type VerifiedSignature = RequestNonce & {
  readonly message: SignedMessage
  /** What was signed, and by what: the bytes that were checked. */
  readonly proof: { readonly base: Uint8Array; readonly signature: Uint8Array }
  readonly [verified]: true
}

/** A request as its handler sees it: every part proven by header control, authentication and schema. */
export type Call<N extends OperationName = OperationName> = {
  readonly requestId: RequestId
  readonly method: string
  /** As it came, without its query. */
  readonly path: string
  readonly caller: Proven<(typeof operations)[N]>
  readonly params: Part<(typeof operations)[N], 'params'>
  readonly query: (typeof operations)[N] extends { query: infer S extends z.ZodType } ? z.output<S> : undefined
  readonly body: (typeof operations)[N] extends { body: { schema: infer S extends z.ZodType } } ? z.output<S> : undefined
  /** The exact bytes of the body; empty where there was none. */
  readonly bytes: Uint8Array
  readonly idempotencyKey: (typeof operations)[N] extends { needsIdempotencyKey: true } ? string : undefined
  /** Where the caller signed it; what it does spends its nonce. */
  readonly signature: VerifiedSignature | undefined
}

export type Handlers = { readonly [N in OperationName]: (call: Call<N>) => Promise<Answer> | Answer }

type Proven<O extends Operation> = O['credentials'] extends 'api-key' ? AuthenticatedCaller : undefined
type Part<O, K extends string> = O extends { [P in K]: { schema: infer S extends z.ZodType } } ? z.output<S> : undefined
