import { blindOnce } from '@ngome/envelope'
import { Fault, parseBase64Url, toBase64Url, type Secret, type Tenant } from '@ngome/kernel'
import type { CustodianClient } from '@ngome/runtime'

const indexBytes = 32

/**
 * Computes the blind index of one value, in its tenant's own space.
 * @param value normalised, and prefixed with what kind it is
 * @throws Fault `custodian/unavailable`, or `custodian/refused` where the budget of indexes is spent
 */
export type ComputeIndex = (tenant: Tenant, value: Secret<string>) => Promise<Uint8Array>

export function indexComputer(custodian: Pick<CustodianClient, 'call'>, outerKey: Secret<Uint8Array>): ComputeIndex {
  return async (tenant, value) => {
    const blinded = toBase64Url(value.expose((text) => blindOnce(outerKey, text)))
    const { indexes } = await custodian.call('/v1/index', { ...tenant, blinded: [blinded] })
    const [text] = indexes
    const bytes = text === undefined || indexes.length !== 1 ? undefined : parseBase64Url(text)
    if (bytes?.length !== indexBytes) throw new Fault('custodian/unavailable', 'the custodian answered no index')
    return bytes
  }
}
