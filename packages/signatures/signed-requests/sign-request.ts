import type { KeyObject } from 'node:crypto'
import { toBase64Url, type Clock, type MerchantSigningKeyId, type Random } from '@ngome/kernel'
import { messageAlgorithmOf, signBytes } from '../http-messages/algorithms.ts'
import { contentDigest } from '../http-messages/content-digest.ts'
import { signatureBase } from '../http-messages/signature-base.ts'
import { serializeDictionary } from '../structured-fields/serialize-structured.ts'
import { coveredComponents, signatureInput, signatureLabel } from './profile.ts'

export type RequestToSign = {
  readonly method: string
  readonly host: string
  /** Origin form, with its query. */
  readonly target: string
  /** Empty where there is none. */
  readonly body: Uint8Array
  readonly idempotencyKey?: string
}

export type RequestSigner = {
  readonly keyId: MerchantSigningKeyId
  readonly privateKey: KeyObject
  readonly clock: Clock
  readonly random: Random
}

/** The headers that a signed request carries beside its others. */
export type SignedHeaders = { readonly 'signature-input': string; readonly signature: string; readonly 'content-digest'?: string }

/** 144 bits: 24 characters. */
const nonceBytes = 18

/**
 * Signs a request as docs/signed-requests.md says; each attempt anew, since a nonce is good once.
 * @throws TypeError where the key is none that the gateway would take
 */
export function signRequest(request: RequestToSign, { keyId, privateKey, clock, random }: RequestSigner): SignedHeaders {
  const algorithm = messageAlgorithmOf(privateKey)
  if (algorithm === undefined) throw new TypeError('a key that requests cannot be signed with')
  const digest = request.body.length === 0 ? undefined : contentDigest(request.body)
  const fields = new Map([['content-digest', digest], ['idempotency-key', request.idempotencyKey]])
  const field = (name: string): string | undefined => fields.get(name)
  const input = signatureInput(coveredComponents(field), {
    createdS: Math.floor(clock.nowMs() / 1_000), nonce: toBase64Url(random.bytes(nonceBytes)), keyId,
  })
  const base = signatureBase({ ...request, field }, input)
  if (base === undefined) throw new TypeError('a request that cannot be covered')
  const signature = signBytes(algorithm, privateKey, base)
  return {
    'signature-input': serializeDictionary(new Map([[signatureLabel, input]])),
    signature: serializeDictionary(new Map([[signatureLabel, { value: { type: 'binary', value: signature }, parameters: new Map() }]])),
    ...(digest === undefined ? {} : { 'content-digest': digest }),
  }
}
