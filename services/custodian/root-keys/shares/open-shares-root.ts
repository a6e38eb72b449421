import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Fault, type Random } from '@ngome/kernel'
import { ceremonySocketName } from '@ngome/runtime'
import type { RootKey } from '../root-key.ts'
import { softwareRootKey } from '../software-root-key.ts'
import { Ceremony, shareLifeMs, type CeremonyWatch } from './ceremony.ts'
import { listenForShares } from './listen-for-shares.ts'
import { readShareSet } from './share-set.ts'

/** What the one who waits for a root key wants to hear, and how he gives up. */
export type Waiting = CeremonyWatch & {
  failed(failure: unknown): void
  readonly signal: AbortSignal
}

const silent: Waiting = {
  progress: () => undefined, refused: () => undefined, failed: () => undefined, signal: new AbortController().signal,
}

/**
 * Waits until a quorum of holders has brought the root key, for however long; on first run, until a set of shares is made
 * and then brought.
 * @throws Fault `custodian/start_refused` where the store was wrapped by another root, `custodian/unavailable` where the
 * one who waits gave up
 */
export async function openSharesRoot({ folder, isFirstRun, random, waiting = silent, lifeMs = shareLifeMs }: {
  readonly folder: string
  readonly isFirstRun: boolean
  readonly random: Random
  readonly waiting?: Waiting | undefined
  readonly lifeMs?: number
}): Promise<RootKey> {
  const set = readShareSet(folder)
  if (existsSync(join(folder, 'root.key')) || (set === undefined && !isFirstRun)) {
    throw new Fault('custodian/start_refused', `${folder} belongs to another root key, and shares begin on an empty one: the change to shares is a rotation of the root, which this version has not`)
  }
  const { signal } = waiting
  const ceremony = new Ceremony({ folder, set, random, watch: waiting, lifeMs })
  const close = await listenForShares(join(folder, ceremonySocketName), ceremony, (failure) => waiting.failed(failure))
  try {
    waiting.progress(ceremony.state)
    const root = await Promise.race([ceremony.unsealed, aborted(signal)])
    if (root === undefined) throw new Fault('custodian/unavailable', 'nobody waits for the shares any more')
    return softwareRootKey(root, random, { name: 'software-shares', isProtected: true })
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
