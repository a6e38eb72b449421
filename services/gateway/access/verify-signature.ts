import { Fault, type Clock, type MerchantSigningKeyId, type Tenant } from '@ngome/kernel'
import type { Logger } from '@ngome/runtime'
import { isContentDigest, isSignedBy, readSignature, signatureHeaders, type ProvenMerchantKey, type StatedSignature } from '@ngome/signatures'
import { spendNonce, type Database } from '@ngome/store'
import type { OperationName } from '../api/operations.ts'
import type { AuthenticatedCaller, Call, SignedMessage, VerifiedSignature } from '../http/call.ts'
import type { GatewayRequest } from '../http/gateway-request.ts'
import type { Guards } from '../http/guards.ts'
import { restrictionOf } from './refuse-suspended.ts'
import { signaturePolicyOf } from './signature-policy.ts'
import { Turns } from './turns.ts'

export type VerifySignaturePorts = {
  readonly keys: { find(tenant: Tenant, id: MerchantSigningKeyId): Promise<ProvenMerchantKey | undefined> }
  /** Whether the tenant was given a key to sign with. */
  readonly hasSigningKey: (tenant: Tenant) => Promise<boolean>
  readonly database: Database
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * Checks at the same time. Each takes a thread of libuv's four for some 100 microseconds; who floods us with signatures
 * waits for himself, and leaves the other threads to the rest.
 */
const checksAtOnce = 2

/**
 * Checks the signature of a request that has one or must have one (RFC 9421, docs/signed-requests.md): cheap things first,
 * the key's work after everything else, the nonce last. Whatever is wrong, the answer is the same.
 */
export function signatureVerifier(ports: VerifySignaturePorts): Guards['verify'] {
  const turns = new Turns(checksAtOnce)
  return (call, request, operation) => {
    const { caller } = request
    if (caller === null) return undefined
    // A digest alone is there for the answer that covers it, where a signed one was asked for.
    const isSigned = signatureHeaders.some((name) => request.headers[name] !== undefined && (name !== 'content-digest' || request.signAnswer === null))
    if (isSigned) return verifySignature(ports, turns, { caller, call, request })
    return demandsSignature(ports, caller, operation)
  }
}

/** @throws Fault `access/signature_required` */
function demandsSignature(ports: VerifySignaturePorts, caller: AuthenticatedCaller, operation: OperationName): void | Promise<void> {
  const refuse = (): never => {
    throw new Fault('access/signature_required', `${operation} of ${caller.apiKey} came without a signature`)
  }
  const policy = signaturePolicyOf(operation)
  if (policy === 'never') return undefined
  if (policy === 'always' || caller.mustSign || restrictionOf(caller, ports.clock.nowMs()) === 'demand_signed') return refuse()
  if (policy === 'optional') return undefined
  return ports.hasSigningKey(caller.tenant).then((has) => has ? refuse() : undefined)
}

type SignedCall = { readonly caller: AuthenticatedCaller; readonly call: Call; readonly request: GatewayRequest }

/** @throws Fault `access/signature_refused`, `store/unavailable` */
async function verifySignature(ports: VerifySignaturePorts, turns: Turns, signed: SignedCall): Promise<void> {
  const { call, request, caller } = signed
  const refuse = (reason: string): never => {
    ports.logger.warn({ requestId: call.requestId, merchant: caller.tenant.merchant, reason }, 'a signature was refused')
    throw new Fault('access/signature_refused', reason)
  }
  const stated = read(ports.clock, call, request)
  if (typeof stated === 'string') return refuse(stated)
  const key = await ports.keys.find(caller.tenant, stated.keyId)
  if (key === undefined) return refuse('keyid is no key of this tenant')
  if (!await turns.take(() => isSignedBy(key, stated))) return refuse('the signature is not this key\'s')
  const { keyId, nonce, createdS, base, signature } = stated
  // What has an effect spends it with the effect.
  if (call.idempotencyKey === undefined && await spendNonce(ports.database, caller.tenant, stated) === 'seen') {
    return refuse('the nonce was seen before')
  }
  request.signature = { keyId, nonce, createdS, message: messageOf(request), proof: { base, signature } } as VerifiedSignature
}

function messageOf({ headers, method = '', url = '' }: GatewayRequest): SignedMessage {
  const field = (name: string): string => String(headers[name] ?? '')
  return {
    method, target: url, host: field('host'), contentDigest: field('content-digest'), signatureInput: field('signature-input'),
    signature: field('signature'),
  }
}

/** What the signature says, where form, time and digest are right; else why not. */
function read(clock: Clock, { bytes }: Call, { headers, method, url, headers: { host } }: GatewayRequest): StatedSignature | string {
  if (method === undefined || url === undefined || host === undefined) return 'a request without a target'
  const field = (name: string): string | undefined => {
    const value = headers[name]
    return typeof value === 'string' ? value : undefined
  }
  const digest = field('content-digest')
  if (digest === undefined ? bytes.length > 0 : !isContentDigest(digest, bytes)) return 'content-digest'
  const reading = readSignature({ method, target: url, host, field }, clock.nowMs())
  return reading.ok ? reading.stated : reading.reason
}
