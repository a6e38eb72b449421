import type { ProcessRole, StaffId } from '@ngome/kernel'

/** Who calls, proven by a certificate of our authority that is on our record. */
export type ProvenCaller = {
  readonly role: ProcessRole
  readonly serial: string
  /** Who enrolled for it with a key of his own; nobody where it was the launcher's key. */
  readonly staff?: StaffId | null
}

export type Caller = ProvenCaller | { readonly role: 'anonymous'; readonly serial: null; readonly staff?: null }

export const anonymous: Caller = { role: 'anonymous', serial: null }

/** How the log and a signed refusal name a caller. */
export function callerName(caller: Caller): string {
  if (caller.serial === null) return caller.role
  const name = `${caller.role}/${caller.serial}`
  return caller.staff === undefined || caller.staff === null ? name : `${name}/${caller.staff}`
}
