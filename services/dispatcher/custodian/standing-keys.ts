import type { CustodianResponse } from '@ngome/contracts'
import type { Clock, MerchantSigningKeyId, Tenant } from '@ngome/kernel'
import type { CustodianClient } from '@ngome/runtime'

export type MerchantKeyState = CustodianResponse<'/v1/merchant-signing-key-state'>['state']
/** What the custodian says of a merchant's key, at most `believedMs` old. @throws Fault `custodian/unavailable`, `custodian/refused` */
export type MerchantKeyStateOf = (tenant: Tenant, key: MerchantSigningKeyId) => Promise<MerchantKeyState>

/** So long a key goes on being used whose revocation only the custodian knows of: a row says it at once. */
export const believedMs = 60_000
/** Keys that are remembered, about 200 bytes each; of one more the custodian is asked anew. */
const rememberedMax = 10_000

/**
 * Asks the custodian whether a merchant's key stands, once a minute for each key that is used. What was revoked stays so; nothing is
 * believed for longer than the minute, nor by a clock that was set back, and while the custodian is away nothing is said.
 */
export function merchantKeyStates({ custodian, clock }: { readonly custodian: Pick<CustodianClient, 'call'>; readonly clock: Clock }): MerchantKeyStateOf {
  const remembered = new Map<string, { readonly state: MerchantKeyState; readonly askedAtMs: number }>()
  return async ({ merchant, world }, key) => {
    const name = `${merchant}/${world}/${key}`
    const askedAtMs = clock.nowMs()
    const known = remembered.get(name)
    if (known !== undefined && askedAtMs >= known.askedAtMs && askedAtMs - known.askedAtMs < believedMs) return known.state
    remembered.delete(name)
    const { state } = await custodian.call('/v1/merchant-signing-key-state', { merchant, world, key })
    const [oldest] = remembered.size >= rememberedMax ? remembered.keys() : []
    if (oldest !== undefined) remembered.delete(oldest)
    remembered.set(name, { state, askedAtMs })
    return state
  }
}
