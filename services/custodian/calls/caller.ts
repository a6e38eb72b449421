import type { ProcessRole } from '@ngome/kernel'

/** Who calls, proven by a certificate of our authority that is on our record. */
export type ProvenCaller = { readonly role: ProcessRole; readonly serial: string }

export type Caller = ProvenCaller | { readonly role: 'anonymous'; readonly serial: null }

export const anonymous: Caller = { role: 'anonymous', serial: null }

/** How the log and a signed refusal name a caller. */
export function callerName(caller: Caller): string {
  return caller.serial === null ? caller.role : `${caller.role}/${caller.serial}`
}
