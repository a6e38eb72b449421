import { Fault } from '@ngome/kernel'
import type { Logger } from '@ngome/runtime'
import type { RootKey } from './root-key.ts'

/** A root that comes back is taken up, and one that goes is noticed, well within 10 seconds. */
const checkEveryMs = 2_000

/**
 * Looks after the root key: asks it for a sign of life again and again, and logs when it goes and when it is back. While
 * it is away, what it has opened is not ours to use either: the data keys at hand are forgotten.
 * @returns ends the watch
 */
export function watchRootKey(
  { root, dataKeys }: { readonly root: RootKey; readonly dataKeys: { clear(): void } },
  logger: Logger, everyMs: number = checkEveryMs,
): () => void {
  const { name } = root.describe()
  let isAway = false
  let isChecking = false
  const check = async (): Promise<void> => {
    if (isChecking) return
    isChecking = true
    const err = await root.check().then(() => undefined, faultOf)
    isChecking = false
    if (err !== undefined) dataKeys.clear()
    if (err !== undefined && !isAway) logger.error({ err, root: name }, 'the root key is away: nothing is opened until it is back')
    if (err === undefined && isAway) logger.info({ root: name }, 'the root key is back')
    isAway = err !== undefined
  }
  const timer = setInterval(() => void check(), everyMs)
  timer.unref()
  return () => clearInterval(timer)
}

/**
 * What is wrong with the root key, in words that say what to do, or `null`. For readiness: who may ask that is one of us.
 */
export async function rootKeyProblem(root: RootKey): Promise<string | null> {
  return root.check().then(() => null, (failure: unknown) => faultOf(failure).message)
}

function faultOf(failure: unknown): Fault {
  return failure instanceof Fault ? failure : new Fault('custodian/unavailable', 'the root key cannot be checked', { cause: failure })
}
