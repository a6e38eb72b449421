import { createHmac } from 'node:crypto'
import { lengthPrefixed, type Secret, type Tenant } from '@ngome/kernel'
import type { RequestNonce } from '@ngome/store'

/** What is kept of a request that may be repeated: neither the key nor anything of the body can be read from it. */
export type IdempotencyMarks = {
  readonly keyHash: Uint8Array
  readonly fingerprint: Uint8Array
  /** Of a request that was signed: whoever claims the key spends it. */
  readonly nonce?: RequestNonce | undefined
}

const keyLabel = 'ngome/idempotency-key/v1'
const fingerprintLabel = 'ngome/idempotency-fingerprint/v1'

/**
 * Marks a request by its `Idempotency-Key`. The fingerprint is keyed from the raw key, which we do not keep, and from a
 * secret, which no database holds: a stolen database cannot test guesses at a body, which may hold no more than a phone
 * number of ten digits, nor can who stole the secret alone.
 */
export function idempotencyMarks(
  secret: Secret<Uint8Array>,
  tenant: Tenant,
  request: { readonly key: string; readonly method: string; readonly path: string; readonly bytes: Uint8Array
    readonly signature?: RequestNonce | undefined },
): IdempotencyMarks {
  const mac = (label: string) => secret.expose((key) =>
    createHmac('sha256', key).update(lengthPrefixed(label, tenant.merchant, tenant.world, request.key)).digest())
  return {
    keyHash: mac(keyLabel),
    fingerprint: createHmac('sha256', mac(fingerprintLabel))
      .update(lengthPrefixed(request.method, request.path, request.bytes)).digest(),
    nonce: request.signature,
  }
}
