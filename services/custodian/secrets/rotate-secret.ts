import type { CustodianResponse } from '@ngome/contracts'
import { callerName, type ProvenCaller } from '../calls/caller.ts'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import type { Custodian } from '../custodian.ts'
import { beginSecretRotation } from './begin-secret-rotation.ts'

/**
 * Gives a named secret a new version on demand. What hangs on the versions before moves over as it is used.
 * @throws Refusal `custodian/refused`
 */
export async function rotateSecret(
  custodian: Custodian, caller: ProvenCaller, { name, compromised, endAt }: ParsedRequest<'/v1/rotate-secret'>,
): Promise<CustodianResponse<'/v1/rotate-secret'>> {
  const rotation = await beginSecretRotation(custodian, name, {
    caller: callerName(caller), cause: compromised ? 'compromise' : 'demand', endAtMs: endAt === null ? null : Date.parse(endAt),
  })
  return { rotation }
}
