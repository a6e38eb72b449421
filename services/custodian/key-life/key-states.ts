import type { KeyState } from '@ngome/contracts'
import { Fault } from '@ngome/kernel'

/**
 * What may follow what (NIST SP 800-57 part 1 rev. 5 §7). pending: made and published, its time has not come. active:
 * protects what is new. decrypt-only: reads what is there. compromised: the same, and known to others. destroyed: gone,
 * and only its record stays. The store's table `key_transitions` holds the same and refuses the rest. An active key is never
 * destroyed: first nothing new may depend on it.
 */
export const keyTransitions: Readonly<Record<KeyState, readonly KeyState[]>> = {
  'pending': ['active', 'compromised', 'destroyed'],
  'active': ['decrypt-only', 'compromised'],
  'decrypt-only': ['compromised', 'destroyed'],
  'compromised': ['destroyed'],
  'destroyed': [],
}

/** @throws Fault `custodian/key_unusable` */
export function assertTransition(from: KeyState, to: KeyState): void {
  if (keyTransitions[from].includes(to)) return
  throw new Fault('custodian/key_unusable', `a key that is ${from} does not become ${to}`)
}

/** The dates of a key's states: the column that is set when a state is entered. */
export const stateColumns = {
  'active': 'active_at_ms',
  'decrypt-only': 'decrypt_only_at_ms',
  'compromised': 'compromised_at_ms',
  'destroyed': 'destroyed_at_ms',
} as const satisfies Record<Exclude<KeyState, 'pending'>, string>
