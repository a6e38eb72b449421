import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Fault } from '@ngome/kernel'

export type InstanceLock = { release(): void }

/**
 * Makes this launcher the only one on its data folder, until it ends however it ends. SQLite is the standard library's
 * way to a lock that the kernel drops with its holder; a file with a process id would outlive a kill -9.
 * @throws Fault `launcher/failed` where another launcher holds it
 */
export function takeInstanceLock(launcherFolder: string): InstanceLock {
  const holderFile = join(launcherFolder, 'launcher.pid')
  const database = new DatabaseSync(join(launcherFolder, 'lock.sqlite'))
  try {
    database.exec('BEGIN EXCLUSIVE')
  } catch (cause) {
    database.close()
    const holder = readHolder(holderFile)
    throw new Fault('launcher/failed', `another launcher (process ${holder}) runs on this data folder; stop it, or set NGOME_DATA`, { cause })
  }
  writeFileSync(holderFile, `${process.pid}\n`, { mode: 0o600 })
  return { release: () => database.close() }
}

/** Whether a launcher runs on this data folder now. */
export function isInstanceRunning(launcherFolder: string): boolean {
  const file = join(launcherFolder, 'lock.sqlite')
  if (!existsSync(file)) return false
  const database = new DatabaseSync(file)
  try {
    database.exec('BEGIN EXCLUSIVE')
    return false
  } catch {
    return true
  } finally {
    database.close()
  }
}

function readHolder(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return 'unknown'
  }
}
