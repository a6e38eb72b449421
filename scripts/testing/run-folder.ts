import { accessSync, chmodSync, constants, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'

export type RunFolder = {
  /** What a run's files make once and share; closed to other users. */
  readonly shared: string
  /** Where its files make their own temporary folders; open to all users, as `/tmp` is, since processes run as some of them. */
  readonly temporary: string
}

/** Linux keeps in memory what lies here. */
const memoryFolder = '/dev/shm'
/** A PostgreSQL that one test file fills takes some hundred megabytes, and few files run at once; a container may give 64 MB. */
const freeBytesMin = 4 * 1024 ** 3
const namePattern = /^ngome-run-(\d+)-/

/**
 * Makes the folder of one run. In memory where there is room: tests make hundreds of databases and flush thousands of
 * small files, and a disk is what they would wait for most. A process that is killed loses nothing that it wrote to either.
 * @param parent in which it is made; otherwise the best one of this machine
 */
export function makeRunFolder(parent: string = parentFolder()): { readonly folder: RunFolder; readonly remove: () => void } {
  removeForsaken(parent)
  const root = mkdtempSync(join(parent, `ngome-run-${process.pid}-`))
  chmodSync(root, 0o711)
  const folder = { shared: join(root, 'shared'), temporary: join(root, 'tmp') }
  mkdirSync(folder.shared, { mode: 0o700 })
  mkdirSync(folder.temporary)
  chmodSync(folder.temporary, 0o1777)
  return { folder, remove: () => removeTree(root) }
}

function parentFolder(): string {
  try {
    return hasRoom(memoryFolder) ? memoryFolder : tmpdir()
  } catch {
    return tmpdir()
  }
}

/** Programs are started from a run's folder, so that one which nothing may be started from is of no use. */
function hasRoom(folder: string): boolean {
  accessSync(folder, constants.W_OK)
  const mount = readFileSync('/proc/mounts', 'utf8').split('\n').map((line) => line.split(' ')).findLast(([, at]) => at === folder)
  if (mount?.[2] !== 'tmpfs' || mount[3]?.split(',').includes('noexec') !== false) return false
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize >= freeBytesMin && process.availableMemory() >= freeBytesMin + availableParallelism() * 1024 ** 3
}

/** What a run that was killed left behind would stay in memory until the machine starts again. */
function removeForsaken(parent: string): void {
  for (const name of readdirSync(parent)) {
    const pid = namePattern.exec(name)?.[1]
    if (pid === undefined || isRunning(Number(pid))) continue
    removeTree(join(parent, name))
  }
}

/** Something that ends at this moment may still write there; the next run removes what stays. */
function removeTree(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true })
  } catch (error) {
    console.log(`${path} could not be removed: ${String(error)}`)
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
