import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { Fault } from '@ngome/kernel'
import { interruptAs, readStartAs, removeTreeAs } from './as-user.ts'
import type { RunAs } from './run-as.ts'

const pollMs = 50

/** PostgreSQL writes its process number into the first line. */
const firstLineBytesMax = 32

/**
 * Deals with the lock file that a server left behind which could not shut down. PostgreSQL itself ignores one whose
 * process is gone; but a number that was given to another process since makes it refuse to start, and a server that
 * outlived its launcher still holds the data.
 *
 * The folder belongs to PostgreSQL's user, who may be somebody else by now: what stands in it is read, removed and
 * signalled with that user's rights.
 * @throws Fault `launcher/failed` where a server that we may not stop holds the data
 */
export async function settleStalePid(data: string, timeoutMs: number, runAs?: RunAs): Promise<void> {
  const file = join(data, 'postmaster.pid')
  const text = await readStartAs(runAs, file, firstLineBytesMax)
  if (text === undefined) return
  const pid = Number.parseInt(text, 10)
  if (!Number.isSafeInteger(pid) || pid <= 0 || !isAlive(pid)) return
  if (!await isServerOf(pid, data)) {
    await removeTreeAs(runAs, file)
    return
  }
  try {
    interruptAs(runAs, pid)
  } catch (error) {
    throw new Fault('launcher/failed', `another PostgreSQL (process ${pid}) holds ${data}`, { cause: error })
  }
  for (let waitedMs = 0; waitedMs < timeoutMs; waitedMs += pollMs) {
    if (!isAlive(pid)) return
    await wait(pollMs)
  }
  throw new Fault('launcher/failed', `PostgreSQL (process ${pid}) does not give up ${data}`)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** A server works in its data folder. Where that cannot be seen, as on other systems, we assume the worst. */
async function isServerOf(pid: number, data: string): Promise<boolean> {
  if (process.platform !== 'linux') return true
  const folder = await realpath(`/proc/${pid}/cwd`).catch(() => undefined)
  if (folder === undefined) return isAlive(pid)
  return folder === await realpath(data).catch(() => undefined)
}
