import type { ApiKeyId, MerchantSigningKeyId } from '@ngome/kernel'
import type { Call } from '../http/call.ts'

/** Who asked for a change of keys, for the event that tells of it: the API key, and the merchant's key that signed the request. */
export function askedBy(
  { caller: { apiKey }, signature }: { readonly caller: { readonly apiKey: ApiKeyId }; readonly signature: Call['signature'] },
): { readonly asked_with: ApiKeyId; readonly signed_with?: MerchantSigningKeyId } {
  return { asked_with: apiKey, ...signature === undefined ? {} : { signed_with: signature.keyId } }
}
