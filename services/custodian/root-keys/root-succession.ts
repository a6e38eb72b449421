import type { RootKind, SuccessorAwaited } from '@ngome/contracts'
import type { RootKey } from './root-key.ts'

/** How this custodian's root is replaced: it is the adapter's to say where the successor lies and how the old one goes. */
export type RootSuccession = {
  readonly kind: RootKind
  /** What a rotation, and so a destruction that is due, waits for; `null` where it begins by itself. */
  readonly awaits: SuccessorAwaited | null
  /** Whether the successor can be made here, or is brought by people. */
  readonly canMakeNext: boolean
  /**
   * Makes the successor. Until somebody takes it up it has wrapped nothing.
   * @throws Refusal `root_has_no_successor` where people must bring it, or the HSM makes or destroys none
   */
  makeNext(): Promise<RootKey>
  /** Throws away a successor that was made and that nobody took up. */
  discardUnused(): Promise<void>
  /**
   * Destroys the roots before, for good. Doing so twice is fine.
   * @param ids of them, as the store has them
   * @throws Fault `custodian/unavailable` where one is still there afterwards
   */
  destroyPrevious(ids: readonly string[]): Promise<void>
}
