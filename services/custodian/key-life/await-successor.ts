import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { successorSocketName, type Logger } from '@ngome/runtime'
import type { Custodian } from '../custodian.ts'
import { Ceremony, shareLifeMs } from '../root-keys/shares/ceremony.ts'
import { holdCeremony, sharesRootKey, type Waiting } from '../root-keys/shares/open-shares-root.ts'
import { readShareSet, shareSetFiles } from '../root-keys/shares/share-set.ts'
import type { RootKey } from '../root-keys/root-key.ts'
import { beginDueDestructions } from './carry-out-destructions.ts'
import { beginRootRotation } from './rotate-root.ts'
import { findRunningRootRotation } from './rotations.ts'

/** Between two looks at whether the last rotation has ended. */
const lookEveryMs = 1_000

/**
 * While a custodian runs whose root is of shares, people may make a new set and bring its root: with it the present root is
 * replaced, and what is due is destroyed. A set becomes the root's only when a quorum of its holders has shown that they have
 * their shares.
 * @returns ends it, and wipes what was entered
 */
export function awaitSuccessor(custodian: Custodian, logger: Logger, everyMs: number = lookEveryMs): () => Promise<void> {
  const over = new AbortController()
  const waiting: Waiting = {
    signal: over.signal,
    progress: (state) => logger.info(state, 'a ceremony for a new root key'),
    refused: (reason) => logger.warn({ reason }, 'refused at the ceremony'),
    failed: (failure) => logger.error({ err: failure }, 'the ceremony failed'),
  }
  const ended = custodian.succession.awaits === 'ceremony' ? holdCeremonies(custodian, waiting, everyMs) : Promise.resolve()
  return async () => {
    over.abort()
    await ended
  }
}

async function holdCeremonies(custodian: Custodian, waiting: Waiting, everyMs: number): Promise<void> {
  const { folder, random, store } = custodian
  while (!waiting.signal.aborted) {
    try {
      // The set of a rotation that runs has been proven already.
      if (await findRunningRootRotation(store) === undefined) {
        const set = readShareSet(folder, shareSetFiles.next)
        const ceremony = new Ceremony({ folder, set, isNext: true, random, watch: waiting, lifeMs: shareLifeMs })
        const root = await holdCeremony(join(folder, successorSocketName), ceremony, waiting)
        if (root !== undefined) await takeUpSuccessor(custodian, sharesRootKey(root, random))
      }
    } catch (failure) {
      waiting.failed(failure)
    }
    if (!waiting.signal.aborted) await sleep(everyMs, undefined, { signal: waiting.signal }).catch(() => undefined)
  }
}

/** Begins the rotation to a root that people brought; what is due is destroyed in its first transaction. */
export async function takeUpSuccessor(custodian: Custodian, successor: RootKey): Promise<void> {
  if (await beginDueDestructions(custodian, successor)) return
  await beginRootRotation(custodian, { caller: 'custodian', cause: 'demand', successor })
}
