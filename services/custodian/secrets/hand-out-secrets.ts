import type { CustodianResponse } from '@ngome/contracts'
import { toBase64Url } from '@ngome/kernel'
import { callerName, type ProvenCaller } from '../calls/caller.ts'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import { secretCallers } from '../calls/permissions.ts'
import { Refusal } from '../calls/refusal.ts'
import type { Custodian } from '../custodian.ts'
import { appendLog } from '../log/append-log.ts'

/**
 * Gives a process the named secrets that it may hold, in every version that is alive, for its memory only: all that it
 * asked for, or none. The newest of a name is for what is new, the others are for what is there.
 * @throws Refusal `custodian/refused`
 */
export async function handOutSecrets(
  { clock, secrets, store: { commits } }: Custodian, caller: ProvenCaller, { names }: ParsedRequest<'/v1/secrets'>,
): Promise<CustodianResponse<'/v1/secrets'>> {
  const subject = names.join(' ')
  const isPermitted = names.every((name) => secretCallers[name].includes(caller.role))
  if (!isPermitted) throw new Refusal('secret_not_permitted', subject)
  const alive = (await Promise.all(names.map((name) => secrets.alive(name)))).flat()
  await commits.run((transaction) => appendLog(transaction, clock, {
    caller: callerName(caller), operation: '/v1/secrets', outcome: 'allowed', reason: '', subject,
  }))
  return {
    secrets: alive.map(({ name, version, value }) => ({ name, version, value: value.expose((bytes) => toBase64Url(bytes)) })),
  }
}
