import type { Custodian } from '../custodian.ts'
import { findActiveRoot } from '../store/wrapped-keys.ts'
import { findRunningRootRotation } from './rotations.ts'

/**
 * Takes up what the twin has done with the root: the successor that it made active, and, when the rotation has ended, the
 * end of the root before. With either the data keys at hand go, since what they belong to may have been destroyed.
 * @throws Fault `custodian/unavailable` where the successor cannot be opened now
 */
export async function followRoot({ store, root, dataKeys, hasTwin }: Custodian): Promise<void> {
  if (!hasTwin) return
  const active = await findActiveRoot(store)
  if (active !== undefined && active !== root.describe().id) {
    await root.turnTo(active)
    dataKeys.clear()
  }
  if (root.holdsOthers() && await findRunningRootRotation(store) === undefined) {
    await root.forget()
    dataKeys.clear()
  }
}
