import { Fault, type Clock } from '@ngome/kernel'
import type { AuthenticatedCaller } from '../http/call.ts'

/** What the caller's key may not do now; `null` where nothing restricts it, or no longer. */
export function restrictionOf({ restriction }: AuthenticatedCaller, nowMs: number): 'demand_signed' | 'throttle' | 'suspend' | null {
  return restriction === undefined || restriction.endsAtMs <= nowMs ? null : restriction.restriction
}

/**
 * Refuses a key that was suspended because its use was unusual. It ends by itself, whether or not anybody comes by.
 * @throws Fault `access/key_suspended`
 */
export function refuseSuspended(clock: Clock): (caller: AuthenticatedCaller) => void {
  return (caller) => {
    if (caller.restriction === undefined || restrictionOf(caller, clock.nowMs()) !== 'suspend') return
    throw new Fault('access/key_suspended', `${caller.apiKey} is suspended`)
  }
}
