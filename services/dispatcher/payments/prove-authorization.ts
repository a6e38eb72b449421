import { createHash } from 'node:crypto'
import type { Authorization, SealedPayment } from '@ngome/contracts'
import type { MerchantSigningKeyId, Tenant } from '@ngome/kernel'
import { isContentDigest, isSignedBy, proveMerchantKey, readKeptSignature, type ProvenMerchantKey } from '@ngome/signatures'
import type { DispatchablePayment } from '@ngome/store'
import type { PaymentDispatcher } from '../dispatcher.ts'
import { isOrderOf } from './is-order-of.ts'

export type AuthorizationProof = { readonly kind: 'proven' } | { readonly kind: 'refused'; readonly reason: string }

/**
 * Proves again that the merchant itself ordered what takes its money, and exactly this: the signature of its request, which is sealed
 * with the record, by a key that the custodian stated for it and did not revoke. A gateway that was taken over can seal what it likes,
 * and cannot sign; what was signed once counts for one payment.
 * @returns why not, for the operator's log
 * @throws Fault `custodian/unavailable`, `custodian/refused`, `store/unavailable`
 */
export async function proveAuthorization(
  dispatcher: Pick<PaymentDispatcher, 'payments' | 'statementKey' | 'merchantKeyState' | 'clock'>, payment: DispatchablePayment, sealed: SealedPayment,
): Promise<AuthorizationProof> {
  const { tenant, id } = payment
  const { authorization } = sealed
  if (authorization === undefined) return refused('nobody signed it')
  const kept = { base: Buffer.from(authorization.base, 'latin1'), signature: Buffer.from(authorization.signature, 'base64') }
  // A character past latin-1 would become another one.
  if (kept.base.toString('latin1') !== authorization.base) return refused('no base')
  const reading = readKeptSignature(kept, payment.createdAtMs)
  if (!reading.ok) return refused(reading.reason)
  const { stated, parts } = reading
  if (stated.keyId !== authorization.key) return refused('it names another key')
  if (parts.idempotencyKey === undefined) return refused('it covers no idempotency key')
  const body = Buffer.from(authorization.body, 'utf8')
  if (parts.contentDigest === undefined || !isContentDigest(parts.contentDigest, body)) return refused('it is of another body')
  const key = await findKey(dispatcher, tenant, authorization)
  if (typeof key === 'string') return refused(key)
  if (!await isSignedBy(key, stated)) return refused('it is not this key\'s')
  if (!isOrderOf(payment, sealed, { method: parts.method, target: parts.target, body })) return refused('it orders something else')
  const digest = createHash('sha256').update(kept.base).digest()
  const claim = await dispatcher.payments.claimAuthorization(tenant, { payment: id, digest, atMs: dispatcher.clock.nowMs() })
  return claim === 'claimed' ? { kind: 'proven' } : refused('it was counted for another payment')
}

/** The key as of now: one that was revoked or whose time ended since sends nothing any more. @returns why there is none */
async function findKey(
  { payments, statementKey, merchantKeyState, clock }: Pick<PaymentDispatcher, 'payments' | 'statementKey' | 'merchantKeyState' | 'clock'>, tenant: Tenant,
  { key: id }: { readonly key: MerchantSigningKeyId } & Authorization,
): Promise<ProvenMerchantKey | string> {
  const row = await payments.findSigningKey(tenant, id)
  if (row === undefined || row.isRevoked) return 'the key is not there, or revoked'
  const key = proveMerchantKey(row, row.proof, statementKey, clock.nowMs())
  if (key === undefined) return 'the custodian states no such key'
  const state = await merchantKeyState(tenant, id)
  return state === 'stands' ? key : `the custodian says of the key: ${state}`
}

function refused(reason: string): AuthorizationProof {
  return { kind: 'refused', reason }
}
