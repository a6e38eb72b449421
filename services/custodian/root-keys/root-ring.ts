import { Fault } from '@ngome/kernel'
import type { RootKey } from './root-key.ts'
import { rootIdOf } from './wrapped-key.ts'

/** The root key that wraps, and others that only unwrap: while a rotation runs, the one before it. */
export type RootRing = RootKey & {
  /** Takes up a successor; from now on everything is wrapped under it. */
  succeed(next: RootKey): void
  /**
   * Takes up the root of this id, which somebody else has made the active one.
   * @throws Fault `custodian/unavailable` where it cannot be opened now
   */
  turnTo(id: string): Promise<void>
  /** Lets go of all but the one that wraps. */
  forget(): Promise<void>
  /** Whether it has others than the one that wraps. */
  holdsOthers(): boolean
}

/** Opens a root by its id; `undefined` where there is none. */
export type OpenRoot = (id: string) => Promise<RootKey | undefined>

export function rootRing(first: RootKey, { before, open = nowhere }: {
  readonly before?: RootKey | undefined
  /** Where other roots are kept: the twin of a pair finds there what the other made. */
  readonly open?: OpenRoot | undefined
} = {}): RootRing {
  let current = first
  const others = new Map<string, RootKey>(before === undefined ? [] : [[before.describe().id, before]])
  const openings = new Map<string, Promise<RootKey | undefined>>()
  const find = async (id: string): Promise<RootKey | undefined> => {
    // The first format named no root: it is of the one before, where there is one.
    const known = id === '' ? [...others.values()][0] : others.get(id)
    if (known !== undefined || id === '') return known
    const opening = openings.get(id) ?? open(id).finally(() => openings.delete(id))
    openings.set(id, opening)
    const opened = await opening
    if (opened !== undefined) others.set(id, opened)
    return opened
  }
  const succeed = (next: RootKey): void => {
    const same = others.get(next.describe().id)
    if (same !== undefined && same !== next) void same.close()
    others.delete(next.describe().id)
    others.set(current.describe().id, current)
    current = next
  }
  const forget = async (): Promise<void> => {
    const gone = [...others.values()]
    others.clear()
    for (const root of gone) await root.close()
  }
  return {
    wrap: (label, key) => current.wrap(label, key),
    unwrap: async (label, wrapped) => {
      const id = rootIdOf(wrapped)
      const root = id === current.describe().id ? undefined : await find(id)
      return (root ?? current).unwrap(label, wrapped)
    },
    describe: () => current.describe(),
    check: () => current.check(),
    attemptExport: () => current.attemptExport(),
    close: async () => {
      await forget()
      await current.close()
    },
    succeed,
    turnTo: async (id) => {
      if (current.describe().id === id) return
      const next = await find(id)
      if (next === undefined) throw new Fault('custodian/unavailable', `the root key ${id}, which is the active one, is not where the others are`)
      if (current !== next) succeed(next)
    },
    forget,
    holdsOthers: () => others.size > 0,
  }
}

const nowhere: OpenRoot = () => Promise.resolve(undefined)
