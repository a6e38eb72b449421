import { readFile, realpath, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { Fault } from '@ngome/kernel'

const pollMs = 50

/**
 * Deals with the lock file that a server left behind which could not shut down. PostgreSQL itself ignores one whose
 * process is gone; but a number that was given to another process since makes it refuse to start, and a server that
 * outlived its launcher still holds the data.
 * @throws Fault `launcher/failed` where a server that we may not stop holds the data
 */
export async function settleStalePid(data: string, timeoutMs: number): Promise<void> {
  const file = join(data, 'postmaster.pid')
  const text = await readFile(file, 'utf8').catch(() => undefined)
  if (text === undefined) return
  const pid = Number.parseInt(text, 10)
  if (!Number.isInteger(pid) || pid <= 0 || !isAlive(pid)) return
  if (!await isServerOf(pid, data)) {
    await rm(file, { force: true })
    return
  }
  try {
    process.kill(pid, 'SIGINT')
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
  return folder === await realpath(data)
}
