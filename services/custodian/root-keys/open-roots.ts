import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { RootKind } from '@ngome/contracts'
import { Fault, type Clock, type Random } from '@ngome/kernel'
import type { RootKeySetting } from '@ngome/runtime'
import { Refusal } from '../calls/refusal.ts'
import { replacePrivateFile, wipePrivateFile } from '../store/private-file.ts'
import { openRootKeyFile, rootKeyFiles } from './open-root-key-file.ts'
import { openTokenRoots, type TokenRoots } from './pkcs11/token-roots.ts'
import type { RootKey } from './root-key.ts'
import { rootRing, type RootRing } from './root-ring.ts'
import type { RootSuccession } from './root-succession.ts'
import { openSharesRoot, type Waiting } from './shares/open-shares-root.ts'
import { sharesSuccession } from './shares/shares-succession.ts'
import { tokenSuccession } from './token-succession.ts'

type From = {
  readonly setting: RootKeySetting
  /** What held the root key before the configuration changed. */
  readonly previous: RootKeySetting | undefined
  readonly folder: string
  readonly isFirstRun: boolean
  /** Two custodians need the same root: neither makes the first one. */
  readonly isPair: boolean
  readonly random: Random
  readonly clock: Clock
  /** The root that the store says is active; `undefined` on first run, or where it knew of no ids yet. */
  readonly activeRoot: string | undefined
  /** Whether the store has, or had, a root of this id; asked where no transaction is under way. */
  readonly isKnownRoot: (id: string) => Promise<boolean>
  /** Whether the store has keys that are under another root than the active one. */
  readonly needsFormer: () => Promise<boolean>
  readonly waiting?: Waiting | undefined
  /** Opens an HSM's token. */
  readonly openToken?: typeof openTokenRoots | undefined
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
  const { setting, folder, isPair } = from
  switch (setting.kind) {
    case 'file': return isPair ? openPairFile(from) : { ...openRootFiles(from), successor: undefined }
    case 'shares': {
      const { root, before } = await openSharesRoot(from)
      const succession = isPair ? fixed('shares', 'each of the pair has been brought the root by itself: destroy with one custodian') : sharesSuccession(folder)
      return { ring: rootRing(root, { before }), succession, successor: undefined }
    }
    case 'pkcs11': return openTokenOrMove(from, setting)
  }
}

/** Where nobody here makes a successor. @param advice what the operator can do instead */
function fixed(kind: RootKind, advice: string): RootSuccession {
  return {
    kind,
    awaits: 'operator',
    canMakeNext: false,
    makeNext: () => Promise.reject(new Refusal('root_has_no_successor', advice)),
    discardUnused: () => Promise.resolve(),
    destroyPrevious: () => Promise.resolve(),
  }
}

function openPairFile({ folder, random }: From): OpenedRoots {
  const succession = fixed('file', 'each of the pair has the root in a file of its own: put it into an HSM that both reach')
  return { ring: rootRing(openRootKeyFile(folder, { mayCreate: false, random })), succession, successor: undefined }
}

/** The root is in a token; or it is still in the file that the configuration named before, and moves into the token. */
async function openTokenOrMove(from: From, { uri }: Extract<RootKeySetting, { kind: 'pkcs11' }>): Promise<OpenedRoots> {
  const { activeRoot, clock, folder, isFirstRun, isPair, isKnownRoot, previous, random, openToken = openTokenRoots } = from
  const filePath = join(folder, rootKeyFiles.current)
  const isMoving = previous !== undefined && !isPair && existsSync(filePath)
  const before = isMoving ? openRootKeyFile(folder, { mayCreate: false, random }) : undefined
  const isBeforeActive = before !== undefined && before.describe().id === activeRoot
  const token: TokenRoots = await openToken({
    uri, folder, random, clock, wanted: isBeforeActive ? undefined : activeRoot,
    mayCreate: isBeforeActive || (isFirstRun && !isPair),
  })
  const succession = tokenSuccession({
    token, uri, folder, random, isKnownRoot, destroyFormer: () => destroyFile(filePath),
  })
  const open = (id: string): Promise<RootKey | undefined> => token.open(id)
  if (before !== undefined && isBeforeActive) return { ring: rootRing(before, { open }), succession, successor: token.first }
  try {
    await succession.discardUnused()
  } catch (failure) {
    // A key too many in the token is no reason not to serve; the next rotation meets it, and says so.
    if (!(failure instanceof Fault)) throw failure
  }
  return { ring: rootRing(token.first, { before, open }), succession, successor: undefined }
}

function openRootFiles({ folder, activeRoot, isFirstRun, random }: From): Pick<OpenedRoots, 'ring' | 'succession'> {
  const path = join(folder, rootKeyFiles.current)
  const nextPath = join(folder, rootKeyFiles.next)
  const openNext = (): RootKey => openRootKeyFile(folder, { mayCreate: true, random, name: rootKeyFiles.next })
  const succession: RootSuccession = {
    kind: 'file',
    awaits: null,
    canMakeNext: true,
    makeNext: async () => openNext(),
    // It lies beside, is taken where another rotation begins, and a start throws it away.
    discardUnused: () => Promise.resolve(),
    destroyPrevious: async () => {
      if (!existsSync(nextPath)) return
      wipePrivateFile(path)
      replacePrivateFile(nextPath, path)
    },
  }
  const current = openRootKeyFile(folder, { mayCreate: isFirstRun, random })
  if (!existsSync(nextPath)) return { ring: rootRing(current), succession }
  const next = openNext()
  if (next.describe().id === activeRoot) return { ring: rootRing(next, { before: current }), succession }
  // Made by a run that was killed before anybody took it up.
  rmSync(nextPath)
  return { ring: rootRing(current), succession }
}

function destroyFile(path: string): void {
  if (!existsSync(path)) return
  wipePrivateFile(path)
  rmSync(path)
}
