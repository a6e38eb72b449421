import type { Authorization } from '@ngome/contracts'
import type { MerchantSigningKeyId, Tenant } from '@ngome/kernel'
import { isContentDigest, isSignedBy, proveMerchantKey, readKeptSignature, type ProvenMerchantKey } from '@ngome/signatures'
import type { PaymentDispatcher } from '../dispatcher.ts'
import type { SignedOrder } from './is-order-of.ts'

export type SigningPorts = Pick<PaymentDispatcher, 'payments' | 'statementKey' | 'merchantKeyState' | 'clock'>
export type Refused = { readonly kind: 'refused'; readonly reason: string }

/** What a merchant is proven to have signed, and by which of its keys. */
export type ProvenRequest = {
  readonly kind: 'proven'
  readonly key: ProvenMerchantKey
  readonly request: SignedOrder
  /** The key of repetition that it covers. */
  readonly idempotencyKey: string | undefined
  readonly createdAtMs: number
}

/**
 * Proves a request that was kept with what a merchant signed of it: by a key that the custodian stated for it and that stands now.
 * What the request says is for the caller to hold against what it is kept for.
 * @param aboutMs when it came
 * @returns why not, for the operator's log
 * @throws Fault `custodian/unavailable`, `custodian/refused`, `store/unavailable`
 */
export async function proveSignedRequest(
  ports: SigningPorts, tenant: Tenant, authorization: Omit<Authorization, 'body'>, body: Uint8Array, aboutMs: number,
): Promise<ProvenRequest | Refused> {
  const kept = { base: Buffer.from(authorization.base, 'latin1'), signature: Buffer.from(authorization.signature, 'base64') }
  // A character past latin-1 would become another one.
  if (kept.base.toString('latin1') !== authorization.base) return refused('no base')
  const reading = readKeptSignature(kept, aboutMs)
  if (!reading.ok) return refused(reading.reason)
  const { stated, parts } = reading
  if (stated.keyId !== authorization.key) return refused('it names another key')
  if (parts.contentDigest === undefined || !isContentDigest(parts.contentDigest, body)) return refused('it is of another body')
  const key = await proveKey(ports, tenant, authorization.key)
  if (typeof key === 'string') return refused(key)
  if (!await isSignedBy(key, stated)) return refused('it is not this key\'s')
  return {
    kind: 'proven', key, request: { method: parts.method, target: parts.target, body },
    idempotencyKey: parts.idempotencyKey, createdAtMs: stated.createdS * 1_000,
  }
}

const noKey = 'the key is not there, or revoked'
const unstated = 'the custodian states no such key'
const saidOf = (state: string): string => `the custodian says of the key: ${state}`

/** The key as of now: one that was revoked or whose time ended since sends nothing any more. @returns why there is none */
export async function proveKey(
  { payments, statementKey, merchantKeyState, clock }: SigningPorts, tenant: Tenant, id: MerchantSigningKeyId,
): Promise<ProvenMerchantKey | string> {
  const row = await payments.findSigningKey(tenant, id)
  if (row === undefined || row.isRevoked) return noKey
  const key = proveMerchantKey(row, row.proof, statementKey, clock.nowMs())
  if (key === undefined) return unstated
  const state = await merchantKeyState(tenant, id)
  return state === 'stands' ? key : saidOf(state)
}

/**
 * Whether a key that was proven before stands now, as {@link proveKey} would have it: all that the custodian's statement covers is held
 * against what was proven, in place of the signature over it.
 * @returns why it does not
 */
export async function proveKeyAgain({ payments, merchantKeyState, clock }: SigningPorts, key: ProvenMerchantKey): Promise<string | undefined> {
  const { tenant, id } = key
  const row = await payments.findSigningKey(tenant, id)
  if (row === undefined || row.isRevoked) return noKey
  const isSame = row.algorithm === key.algorithm && row.expiresAtMs === key.expiresAtMs && row.uses.join(',') === key.uses.join(',')
    && Buffer.compare(row.spki, key.spki) === 0
  if (!isSame || key.expiresAtMs <= clock.nowMs()) return unstated
  const state = await merchantKeyState(tenant, id)
  return state === 'stands' ? undefined : saidOf(state)
}

export function refused(reason: string): Refused {
  return { kind: 'refused', reason }
}
