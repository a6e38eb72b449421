import type { ProcessRole } from '@ngome/kernel'
import { identifyCaller } from '../authority/identify-caller.ts'
import type { Custodian } from '../custodian.ts'
import { anonymous, type Caller } from './caller.ts'
import { Refusal, type RefusalReason } from './refusal.ts'
import { refuseCall } from './refuse-call.ts'

/** What the log names as the operation of whoever is refused before his first request. */
const connecting = 'connect'

/**
 * Looks at who connects with a certificate that TLS has found to be of our authority.
 * @returns whether he is heard; where not, that is on record
 * @throws Fault `custodian/unavailable` where it could not be looked up or recorded: then he is not heard either
 */
export async function acceptPeer(
  custodian: Custodian, { serial, role }: { readonly serial: string; readonly role: ProcessRole | undefined },
): Promise<boolean> {
  const identified = await identifyCaller(custodian, { serial, role }, custodian.clock.nowMs())
  if (identified.ok) return true
  await refusePeer(custodian, role === undefined ? anonymous : { role, serial }, identified.reason, serial)
  return false
}

/** Records that somebody was refused by his certificate; no answer is made, since no call was heard. */
export async function refusePeer(custodian: Custodian, caller: Caller, reason: RefusalReason, subject = ''): Promise<void> {
  await refuseCall(custodian, { caller, operation: connecting, challenge: undefined }, new Refusal(reason, subject))
}
