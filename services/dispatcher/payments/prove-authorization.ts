import { createHmac } from 'node:crypto'
import type { SealedPayment } from '@ngome/contracts'
import { lengthPrefixed, type Secret } from '@ngome/kernel'
import type { ProvenMerchantKey } from '@ngome/signatures'
import type { AuthorizationClaim, DispatchablePayment } from '@ngome/store'
import type { PaymentDispatcher } from '../dispatcher.ts'
import { isOrderOf } from './is-order-of.ts'
import { proveSignedRequest, refused, type Refused, type SigningPorts } from './prove-signed-request.ts'

const label = 'ngome/order-key/v1'

export type AuthorizationProof = { readonly kind: 'proven'; readonly key: ProvenMerchantKey } | Refused

/**
 * Proves again that the merchant itself ordered what takes its money, and exactly this: the signature of its request, which is sealed
 * with the record, by a key that the custodian stated for it and did not revoke. A gateway that was taken over can seal what it likes,
 * and cannot sign. Its key of repetition counts for one payment: a merchant who repeats a request signs it anew, and orders once.
 * @returns why not, for the operator's log
 * @throws Fault `custodian/unavailable`, `custodian/refused`, `store/unavailable`
 */
export async function proveAuthorization(ports: SigningPorts & Pick<PaymentDispatcher, 'callbacks'>, payment: DispatchablePayment, sealed: SealedPayment): Promise<AuthorizationProof> {
  const { authorization } = sealed
  if (authorization === undefined) return refused('nobody signed it')
  const proof = await proveSignedRequest(ports, payment.tenant, authorization, Buffer.from(authorization.body, 'utf8'), payment.createdAtMs)
  if (proof.kind === 'refused') return proof
  const { idempotencyKey, createdAtMs } = proof
  if (idempotencyKey === undefined) return refused('it covers no idempotency key')
  if (!isOrderOf(payment, sealed, proof.request)) return refused('it orders something else')
  return countFor(ports, payment, { digest: orderDigest(ports.callbacks.secret, idempotencyKey), spokenAtMs: createdAtMs }, proof.key)
}

/** A plain hash would let whoever reads the database try keys, which merchants make of what they like. @returns 32 bytes, HMAC-SHA-256 */
function orderDigest(secret: Secret<Uint8Array>, idempotencyKey: string): Uint8Array {
  return secret.expose((key) => createHmac('sha256', key).update(lengthPrefixed(label, idempotencyKey)).digest())
}

/** Counts a word for a payment: for that one alone. @throws Fault `store/unavailable` */
export async function countFor(
  { payments, clock }: Pick<SigningPorts, 'payments' | 'clock'>, { tenant, id }: Pick<DispatchablePayment, 'tenant' | 'id'>,
  word: Pick<AuthorizationClaim, 'digest' | 'spokenAtMs'>, key: ProvenMerchantKey,
): Promise<AuthorizationProof> {
  const claim = await payments.claimAuthorization(tenant, { payment: id, ...word, atMs: clock.nowMs() })
  return claim === 'claimed' ? { kind: 'proven', key } : refused('it was counted for another payment')
}
