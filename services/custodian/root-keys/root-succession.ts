import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock, Random } from '@ngome/kernel'
import type { RootKeySetting } from '@ngome/runtime'
import { Refusal } from '../calls/refusal.ts'
import { replacePrivateFile, wipePrivateFile } from '../store/private-file.ts'
import { openRootKeyFile, rootKeyFiles } from './open-root-key-file.ts'
import { openRootKey } from './open-root-key.ts'
import type { RootKey } from './root-key.ts'
import { rootRing, type RootRing } from './root-ring.ts'

/** How this custodian's root is replaced: it is the adapter's to say where the successor lies and how the old one goes. */
export type RootSuccession = {
  /** Whether the successor can be made here, or is named by the operator. */
  readonly canMakeNext: boolean
  /**
   * Makes the successor. Until somebody takes it up it has wrapped nothing, and the next start throws it away.
   * @throws Refusal `root_has_no_successor` where the operator must name it himself
   */
  makeNext(): RootKey
  /** Destroys the root before, for good. Doing so twice is fine. */
  destroyPrevious(): void
}

type From = {
  readonly setting: RootKeySetting
  /** What held the root key before the configuration changed. */
  readonly previous: RootKeySetting | undefined
  readonly folder: string
  readonly mayCreate: boolean
  /** Two custodians need the same root: neither makes one, and neither replaces it under the other's feet. */
  readonly isPair: boolean
  readonly random: Random
  readonly clock: Clock
  /** The root that the store says is active; `undefined` on first run, or where it knew of no ids yet. */
  readonly activeRoot: string | undefined
  /** Opens the root that a setting names. */
  readonly open?: typeof openRootKey
}

export type OpenedRoots = {
  readonly ring: RootRing
  readonly succession: RootSuccession
  /** A root that the configuration names, and that has to succeed the active one. */
  readonly successor: RootKey | undefined
}

/**
 * Opens the root key and, where a rotation was under way, the one before it.
 * @throws Fault `custodian/start_refused`, `custodian/unavailable`
 */
export async function openRoots(from: From): Promise<OpenedRoots> {
  const { setting, previous, folder, open = openRootKey } = from
  const mayCreate = from.mayCreate && !from.isPair
  if (setting.kind === 'file' && !from.isPair) return { ...openRootFiles(from), successor: undefined }
  const path = join(folder, rootKeyFiles.current)
  const succession: RootSuccession = {
    canMakeNext: false,
    makeNext: () => {
      throw new Refusal('root_has_no_successor', 'name the new root in custodian.rootKey')
    },
    destroyPrevious: () => destroyFile(path),
  }
  const isAlone = previous === undefined || from.isPair || !existsSync(path)
  if (isAlone) return { ring: rootRing(await open({ ...from, mayCreate })), succession, successor: undefined }
  const before = openRootKeyFile(folder, { mayCreate: false, random: from.random })
  const isActive = before.describe().id === from.activeRoot
  const next = await open({ ...from, mayCreate: isActive })
  return isActive
    ? { ring: rootRing(before), succession, successor: next }
    : { ring: rootRing(next, before), succession, successor: undefined }
}

function openRootFiles({ folder, activeRoot, mayCreate, random }: From): Pick<OpenedRoots, 'ring' | 'succession'> {
  const path = join(folder, rootKeyFiles.current)
  const nextPath = join(folder, rootKeyFiles.next)
  const openNext = (): RootKey => openRootKeyFile(folder, { mayCreate: true, random, name: rootKeyFiles.next })
  const succession: RootSuccession = {
    canMakeNext: true,
    makeNext: openNext,
    destroyPrevious: () => {
      if (!existsSync(nextPath)) return
      wipePrivateFile(path)
      replacePrivateFile(nextPath, path)
    },
  }
  const current = openRootKeyFile(folder, { mayCreate, random })
  if (!existsSync(nextPath)) return { ring: rootRing(current), succession }
  const next = openNext()
  if (next.describe().id === activeRoot) return { ring: rootRing(next, current), succession }
  // Made by a run that was killed before anybody took it up.
  rmSync(nextPath)
  return { ring: rootRing(current), succession }
}

function destroyFile(path: string): void {
  if (!existsSync(path)) return
  wipePrivateFile(path)
  rmSync(path)
}
