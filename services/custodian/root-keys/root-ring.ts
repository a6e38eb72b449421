import type { RootKey } from './root-key.ts'
import { rootIdOf } from './wrapped-key.ts'

/** The root key, and while a rotation runs the one before it, which unwraps only. */
export type RootRing = RootKey & {
  /** Takes up a successor; from now on everything is wrapped under it. */
  succeed(next: RootKey): void
  /** Lets go of the root before. */
  forget(): Promise<void>
}

export function rootRing(first: RootKey, before?: RootKey): RootRing {
  let current = first
  let previous = before
  return {
    wrap: (label, key) => current.wrap(label, key),
    unwrap: (label, wrapped) => {
      const id = rootIdOf(wrapped)
      const isOld = previous !== undefined && (id === '' || id === previous.describe().id)
      return isOld && previous !== undefined ? previous.unwrap(label, wrapped) : current.unwrap(label, wrapped)
    },
    describe: () => current.describe(),
    check: async () => {
      await current.check()
      await previous?.check()
    },
    attemptExport: () => current.attemptExport(),
    close: async () => {
      await current.close()
      await previous?.close()
    },
    succeed: (next) => {
      previous = current
      current = next
    },
    forget: async () => {
      const gone = previous
      previous = undefined
      await gone?.close()
    },
  }
}
