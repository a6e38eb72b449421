import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Fault, type Random, type Secret } from '@ngome/kernel'
import { ceremonySocketName } from '@ngome/runtime'
import type { RootKey } from '../root-key.ts'
import { softwareRootKey } from '../software-root-key.ts'
import { Ceremony, shareLifeMs, type CeremonyWatch } from './ceremony.ts'
import { listenForShares } from './listen-for-shares.ts'
import { readShareSet, rootIdOfSet, shareSetFiles, type ShareSet } from './share-set.ts'

/** What the one who waits for a root key wants to hear, and how he gives up. */
export type Waiting = CeremonyWatch & {
  failed(failure: unknown): void
  readonly signal: AbortSignal
}

const silent: Waiting = {
  progress: () => undefined, refused: () => undefined, failed: () => undefined, signal: new AbortController().signal,
}

type From = {
  readonly folder: string
  readonly isFirstRun: boolean
  /** The root that the store says is active. */
  readonly activeRoot?: string | undefined
  /** Whether the store has keys that still need the root before; where nobody says, it has. */
  readonly needsFormer?: () => Promise<boolean>
  readonly random: Random
  readonly waiting?: Waiting | undefined
  readonly lifeMs?: number
}

/**
 * Waits until a quorum of holders has brought the root key, for however long; on first run, until a set of shares is made
 * and then brought. Amid a rotation it is the successor's holders who are waited for first, and, where something still
 * needs it, those of the root before.
 * @throws Fault `custodian/start_refused` where the store was wrapped by another root, `custodian/unavailable` where the
 * one who waits gave up
 */
export async function openSharesRoot(from: From): Promise<{ readonly root: RootKey; readonly before: RootKey | undefined }> {
  const { folder, isFirstRun, activeRoot, needsFormer } = from
  const set = readShareSet(folder)
  if (existsSync(join(folder, 'root.key')) || (set === undefined && !isFirstRun)) {
    throw new Fault('custodian/start_refused', `${folder} belongs to another root key, and shares begin on an empty one: the change to shares is a rotation of the root, which this version has not`)
  }
  const next = readShareSet(folder, shareSetFiles.next)
  if (next === undefined || rootIdOfSet(next) !== activeRoot) return { root: await waitFor(from, set), before: undefined }
  const root = await waitFor(from, next)
  const isNeeded = await needsFormer?.() ?? true
  return { root, before: isNeeded ? await waitFor(from, set) : undefined }
}

async function waitFor({ folder, random, waiting = silent, lifeMs = shareLifeMs }: From, set: ShareSet | undefined): Promise<RootKey> {
  const ceremony = new Ceremony({ folder, set, random, watch: waiting, lifeMs })
  const root = await holdCeremony(join(folder, ceremonySocketName), ceremony, waiting)
  if (root === undefined) throw new Fault('custodian/unavailable', 'nobody waits for the shares any more')
  return sharesRootKey(root, random)
}

/** A root key that was put together from shares. */
export function sharesRootKey(root: Secret<Uint8Array>, random: Random): RootKey {
  return softwareRootKey(root, random, { name: 'software-shares', isProtected: true })
}

/** Listens until the root key was brought, or the one who waits gave up. @returns the root key, or `undefined` */
export async function holdCeremony(path: string, ceremony: Ceremony, waiting: Waiting): Promise<Secret<Uint8Array> | undefined> {
  const close = await listenForShares(path, ceremony, (failure) => waiting.failed(failure))
  try {
    waiting.progress(ceremony.state)
    return await Promise.race([ceremony.unsealed, aborted(waiting.signal)])
  } finally {
    ceremony.end()
    await close()
  }
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined)
    else signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
}
