import type { Scope } from '@ngome/access'
import type { FaultCode } from '@ngome/kernel'
import type { z } from 'zod'
import type { HeaderGroup } from '../http/header-table.ts'

export type Operation = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly path: string
  readonly summary: string
  readonly description: string
  readonly credentials: 'api-key' | 'path-token' | 'none'
  /** What the key must be allowed; of every operation that takes one. */
  readonly scope?: Scope
  /** What is enough where the value in the body was sealed by a client. */
  readonly sealedScope?: Scope
  /** Tokens that a call takes from the limits (`access/`), by what it costs us: 1 for a read of one row. */
  readonly cost: number
  /** What is answered when not everybody can be: `vital` to the last, `deferrable` is the first to go. */
  readonly urgency: 'vital' | 'ordinary' | 'deferrable'
  readonly headerGroups: readonly HeaderGroup[]
  /** Pages may call it too, with a publishable key and from the merchant's own origins. */
  readonly browsers?: true
  /** A path that does not match is answered by this fault, the same as a thing that does not exist. */
  readonly params?: { readonly schema: z.ZodObject; readonly otherwise: FaultCode }
  readonly query?: z.ZodObject
  readonly body?: { readonly kind: 'json'; readonly schema: z.ZodObject; readonly nodesMax?: number } | { readonly kind: 'raw' }
  readonly bodyBytesMax?: number
  readonly needsIdempotencyKey?: true
  /** Its answer is encrypted to every merchant who has a key for that, whether it asks or not. */
  readonly encryptsWhereItCan?: true
  readonly success: {
    readonly status: number
    readonly description: string
    readonly contentType?: string
    readonly schema?: z.ZodType
  }
  /** What else may come of it where it is not over yet; the same body. */
  readonly pending?: { readonly status: number; readonly description: string }
  readonly faults: readonly FaultCode[]
}

// API routes are for servers: what only a browser adds by itself (origin, referrer) has no business there, but for those
// that pages may call; and a cookie nowhere.
export const reading = ['every', 'fetch', 'credential', 'signature'] as const
export const writing = ['every', 'fetch', 'credential', 'signature', 'body', 'idempotency'] as const
export const visiting = ['every', 'fetch', 'browser', 'visit'] as const
export const authenticated: readonly FaultCode[] = [
  'access/unauthenticated', 'access/merchant_frozen', 'access/key_suspended', 'access/scope_missing', 'access/address_refused',
  'access/limit_exceeded', 'access/lease_lost', 'access/signature_required', 'access/signature_refused',
  'access/encryption_key_missing', 'store/unavailable',
]
/** Of what pages may call. */
export const fromPages: readonly FaultCode[] = ['access/origin_refused', 'access/secret_key_in_browser']
export const withBody: readonly FaultCode[] = [
  'request/json_refused', 'request/too_large', 'request/media_type', 'request/invalid',
]

export const acting: readonly FaultCode[] = [
  'idempotency/key_required', 'idempotency/key_reused', 'idempotency/in_flight', 'custodian/unavailable',
]
