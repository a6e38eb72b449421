import {
  chmodSync, closeSync, constants, existsSync, fchownSync, fstatSync, lstatSync, mkdirSync, openSync, readdirSync, realpathSync,
} from 'node:fs'
import { join } from 'node:path'
import { Fault } from '@ngome/kernel'

/**
 * Makes the data folder, or takes the one that an earlier start made. Other users pass through it to their own folders,
 * but list nothing.
 * @returns its real path
 * @throws Fault `launcher/failed` for a folder that holds something else, whose mode is not ours to change
 */
export function makeDataFolder(path: string, isShared: boolean): string {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  const real = realpathSync(path)
  const isOurs = existsSync(join(real, 'launcher', 'lock.sqlite'))
  if (!isOurs && readdirSync(real).some((name) => name !== 'ngome.json')) {
    throw new Fault('launcher/failed', `${real} holds something else; set NGOME_DATA to an empty or new folder`)
  }
  chmodSync(real, isShared ? 0o711 : 0o700)
  return real
}

/**
 * Makes a folder that its owner alone can use, and hands the files in it to that owner where they belong to somebody else
 * (an earlier run had other means of isolation). Nothing is followed: the owner may have put links there.
 */
export function ownFolder(path: string, owner: number | undefined, mode = 0o700): void {
  mkdirSync(path, { recursive: true, mode })
  chmodSync(path, mode)
  if (owner === undefined) return
  const former = lstatSync(path).uid
  if (former !== owner) handOver(path, former, owner)
}

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants

/**
 * By descriptors: between a look at a name and an act upon it, the former owner could put another file there. A file of
 * a third user's, such as a hard link to one, stays that user's.
 */
function handOver(path: string, former: number, owner: number): void {
  let fd: number
  try {
    fd = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  } catch (error) {
    // A link, a socket, or gone by now.
    if (error instanceof Error && 'code' in error && ['ELOOP', 'ENXIO', 'ENOENT'].includes(String(error.code))) return
    throw error
  }
  try {
    const found = fstatSync(fd)
    if (found.uid !== former && found.uid !== owner) return
    if (found.isDirectory()) {
      // Names below an open folder stay below it, also when another takes its path. Elsewhere than on Linux all
      // processes run as one user, and the path is ours.
      const open = process.platform === 'linux' ? `/proc/self/fd/${fd}` : path
      for (const name of readdirSync(open)) handOver(join(open, name), former, owner)
    } else if (!found.isFile()) return
    fchownSync(fd, owner, owner)
  } finally {
    closeSync(fd)
  }
}
