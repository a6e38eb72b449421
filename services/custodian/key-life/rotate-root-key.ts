import type { CustodianResponse } from '@ngome/contracts'
import { callerName, type ProvenCaller } from '../calls/caller.ts'
import type { Custodian } from '../custodian.ts'
import { beginRootRotation } from './rotate-root.ts'

/**
 * Begins a rotation of the root on demand. The answer comes when new keys are under the new root; the rest follows.
 * @throws Refusal `custodian/refused`
 */
export async function rotateRootKey(
  custodian: Custodian, caller: ProvenCaller,
): Promise<CustodianResponse<'/v1/rotate-root-key'>> {
  return { rotation: await beginRootRotation(custodian, { caller: callerName(caller), cause: 'demand' }) }
}
