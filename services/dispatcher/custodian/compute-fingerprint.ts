import { createHash } from 'node:crypto'
import { fingerprintPrefix } from '@ngome/contracts'
import { blindOnce } from '@ngome/envelope'
import { Fault, lengthPrefixed, parseBase64Url, toBase64Url, type Secret, type Tenant } from '@ngome/kernel'
import type { CustodianClient } from '@ngome/runtime'

const indexBytes = 32
const fingerprintFormat = 'ngome/vault-fingerprint/v1'
/** 128 bits: two values of a merchant meet by chance after 2^64 of them. */
const fingerprintBytes = 16

/**
 * Computes the fingerprint of one value, in its tenant's own space, under its newest index key.
 * @param value normalised, and prefixed with what kind it is
 * @throws Fault `custodian/unavailable`, or `custodian/refused` where the budget of indexes is spent
 */
export type ComputeFingerprint = (tenant: Tenant, value: Secret<string>) => Promise<string>

export function fingerprintComputer(custodian: Pick<CustodianClient, 'call'>, outerKey: Secret<Uint8Array>): ComputeFingerprint {
  return async (tenant, value) => {
    const blinded = toBase64Url(value.expose((text) => blindOnce(outerKey, text)))
    const { indexes, generation } = await custodian.call('/v1/index', { ...tenant, blinded: [blinded] })
    const [text] = indexes
    const bytes = text === undefined || indexes.length !== 1 ? undefined : parseBase64Url(text)
    if (bytes?.length !== indexBytes) throw new Fault('custodian/unavailable', 'the custodian answered no index')
    const first = firstFingerprint(bytes)
    if (generation === 1) return fingerprintPrefix(1) + first
    const [last] = await advance(custodian, tenant, { generation: 1, fingerprints: [first], left: null })
    if (last === undefined) throw new TypeError('as many come back as were sent')
    return last
  }
}

/**
 * Takes fingerprints of one index key on to the newest of their tenant.
 * @param from their digests, base64url
 * @returns whole fingerprints, in the same order
 * @throws Fault `custodian/unavailable`, `custodian/refused`
 */
export async function advance(
  custodian: Pick<CustodianClient, 'call'>, tenant: Tenant,
  from: { readonly generation: number; readonly fingerprints: readonly string[]; readonly left: number | null },
): Promise<readonly string[]> {
  const { generation, fingerprints } = await custodian.call('/v1/advance-fingerprints', { ...tenant, ...from, fingerprints: [...from.fingerprints] })
  const isWhole = generation > from.generation && fingerprints.length === from.fingerprints.length
    && fingerprints.every((text) => parseBase64Url(text)?.length === fingerprintBytes)
  if (!isWhole) throw new Fault('custodian/unavailable', 'the custodian answered no fingerprints')
  return fingerprints.map((text) => fingerprintPrefix(generation) + text)
}

/** What of the first key's index is kept, base64url: it tells equal from different, and neither value nor index. */
export function firstFingerprint(index: Uint8Array): string {
  const digest = createHash('sha256').update(lengthPrefixed(fingerprintFormat, index)).digest()
  return toBase64Url(digest.subarray(0, fingerprintBytes))
}
