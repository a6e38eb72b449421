import type { CustodianResponse } from '@ngome/contracts'
import type { ProvenCaller } from '../calls/caller.ts'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import { secretCallers } from '../calls/permissions.ts'
import { Refusal } from '../calls/refusal.ts'
import type { Custodian } from '../custodian.ts'
import { findSecretVersions } from './named-secrets.ts'

/**
 * Says which versions of named secrets are alive, without a value: a process asks this often, and fetches the secrets
 * where it has not the same. It is not recorded.
 * @throws Refusal `custodian/refused`
 */
export async function listSecretVersions(
  { store }: Custodian, caller: ProvenCaller, { names }: ParsedRequest<'/v1/secret-versions'>,
): Promise<CustodianResponse<'/v1/secret-versions'>> {
  if (!names.every((name) => secretCallers[name].includes(caller.role))) throw new Refusal('secret_not_permitted', names.join(' '))
  const versions: CustodianResponse<'/v1/secret-versions'>['versions'] = []
  for (const one of names) {
    for (const { name, version } of await findSecretVersions(store, one)) versions.push({ name, version })
  }
  return { versions }
}
