import type { Logger } from '@ngome/runtime'
import { workOnAuthority } from '../authority/work-on-authority.ts'
import type { Custodian } from '../custodian.ts'
import { workOnIndexKeys } from '../merchants/index-rotations.ts'
import { workOnSecrets } from '../secrets/work-on-secrets.ts'
import { advanceKeys } from './advance-keys.ts'
import { beginDueDestructions, certifyDestructions } from './carry-out-destructions.ts'
import { followRoot } from './follow-root.ts'
import { findLife } from './key-life.ts'
import { beginRootRotation, continueRootRotation } from './rotate-root.ts'

/** What was asked for begins within so long, and a rotation that was interrupted goes on. */
const lookEveryMs = 1_000

/** Does whatever is due with keys: moves them on, goes on with a rotation, begins what the policy or two people asked for. */
export async function workOnKeys(custodian: Custodian): Promise<void> {
  await followRoot(custodian)
  await advanceKeys(custodian)
  await workOnAuthority(custodian)
  await workOnSecrets(custodian)
  await workOnIndexKeys(custodian)
  await continueRootRotation(custodian)
  await certifyDestructions(custodian)
  if (await beginDueDestructions(custodian)) {
    await continueRootRotation(custodian)
    await certifyDestructions(custodian)
  }
  if (await isRootTooOld(custodian)) {
    await beginRootRotation(custodian, { caller: 'custodian', cause: 'policy' })
    await continueRootRotation(custodian)
  }
}

/** A root that the operator must replace himself is only shown as too old, by the inventory. */
async function isRootTooOld({ clock, root, settings, store, succession }: Custodian): Promise<boolean> {
  if (!succession.canMakeNext) return false
  const life = await findLife(store, { purpose: 'root', name: root.describe().id })
  const sinceMs = life?.activeAtMs ?? clock.nowMs()
  return clock.nowMs() - sinceMs >= settings.keyPolicy.rootAgeMsMax
}

/**
 * Works on keys again and again. A failure is logged once until it changes; the next look tries again.
 * @returns ends it, once what is under way has ended
 */
export function keepWorkingOnKeys(custodian: Custodian, logger: Logger, everyMs: number = lookEveryMs): () => Promise<void> {
  let timer: NodeJS.Timeout | undefined
  let isEnded = false
  let lastFailure = ''
  const look = async (): Promise<void> => {
    try {
      await workOnKeys(custodian)
      lastFailure = ''
    } catch (err) {
      const text = String(err)
      if (text !== lastFailure) logger.error({ err }, 'work on keys failed; it is tried again')
      lastFailure = text
    }
    if (!isEnded) timer = setTimeout(begin, everyMs)
  }
  let running = Promise.resolve()
  const begin = (): void => {
    running = look()
  }
  begin()
  return async () => {
    isEnded = true
    clearTimeout(timer)
    await running
  }
}
