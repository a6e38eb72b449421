import type { Clock, MerchantSigningKeyId, Random } from '@ngome/kernel'
import type { Endpoint } from '@ngome/runtime'
import { signRequest } from '@ngome/signatures'
import type { ProbeMerchant } from '../probe-merchant.ts'
import type { MerchantPair } from './merchant-pair.ts'
import { ask, type ApiAnswer } from './request.ts'

export type SigningOwner = ProbeMerchant & { readonly keyId: MerchantSigningKeyId; readonly pair: MerchantPair }
type Target = { readonly gateway: Endpoint; readonly authority: string; readonly clock: Clock; readonly random: Random }

/** What `requestBytes` sends. */
const host = 'localhost'

/** A request that a merchant of the probes signs with the key that was added for it. */
export function signed(target: Target, { apiKey, keyId, pair }: SigningOwner, method: string, path: string, body?: object): Promise<ApiAnswer> {
  const { gateway, authority, clock, random } = target
  const idempotencyKey = method === 'POST' ? `probe-${Buffer.from(random.bytes(16)).toString('hex')}` : undefined
  const keyed = idempotencyKey === undefined ? {} : { idempotencyKey }
  const bytes = Buffer.from(body === undefined ? '' : JSON.stringify(body))
  const signature = signRequest({ method, host, target: path, body: bytes, ...keyed }, { keyId, privateKey: pair.privateKey, clock, random })
  const headers = { ...signature, ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }) }
  return ask(gateway, authority, { method, path, apiKey, headers, ...(body === undefined ? {} : { body }) })
}
