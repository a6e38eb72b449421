import {
  closeSync, constants, fstatSync, linkSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { Fault, type Random } from '@ngome/kernel'

/** Keys and tokens are tens of bytes; whatever is larger is not what we look for. */
const privateFileBytesMax = 4096
const othersBits = 0o077
const unfinishedSuffix = '.unfinished'

/**
 * Reads a file that nobody but this process's user may read or write.
 * @throws Fault `custodian/start_refused` where it is missing, not a plain file, somebody else's, or looser than 0600
 */
export function readPrivateFile(path: string): Uint8Array {
  const file = openToCheck(path)
  try {
    const { size } = fstatSync(file)
    if (size > privateFileBytesMax) throw refused(path, 'is larger than such a file can be')
    return new Uint8Array(readFileSync(file))
  } finally {
    closeSync(file)
  }
}

/** @throws Fault `custodian/start_refused` as {@link readPrivateFile} does, without reading */
export function assertPrivateFile(path: string): void {
  closeSync(openToCheck(path))
}

/**
 * Writes a file of mode 0600 that appears whole or not at all, and never replaces one that is there: of two starts that
 * race, the second finds the first one's file.
 */
export function createPrivateFile(path: string, bytes: Uint8Array, random: Random): void {
  const unfinished = writeUnfinished(path, bytes, 0o600, random)
  try {
    linkSync(unfinished, path)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
  } finally {
    rmSync(unfinished)
  }
}

/** Replaces a public file in one step, so that a reader sees the old one or the new one. */
export function replacePublicFile(path: string, text: string, random: Random): void {
  renameSync(writeUnfinished(path, Buffer.from(text, 'utf8'), 0o644, random), path)
}

/** Overwrites a private file in its place with zeros. What a file system keeps besides, of journals or snapshots, stays. */
export function wipePrivateFile(path: string): void {
  const file = openSync(path, constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_SYNC)
  try {
    writeSync(file, new Uint8Array(fstatSync(file).size))
  } finally {
    closeSync(file)
  }
}

/** Puts a private file in the place of another, which is gone at that moment. */
export function replacePrivateFile(from: string, to: string): void {
  assertPrivateFile(from)
  renameSync(from, to)
}

/** Removes what a start that was killed left behind. Only by who holds the store, so that no start is under way. */
export function removeUnfinishedFiles(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (name.endsWith(unfinishedSuffix)) rmSync(join(folder, name))
  }
}

/**
 * The permission model has no fsync, so the file is opened for synchronous writing instead. Its name is on the disk
 * with the next commit of the store: journaling file systems write changes of names in order.
 */
function writeUnfinished(path: string, bytes: Uint8Array, mode: number, random: Random): string {
  const unfinished = `${path}.${Buffer.from(random.bytes(8)).toString('hex')}${unfinishedSuffix}`
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_SYNC
  const file = openSync(unfinished, flags, mode)
  try {
    writeSync(file, bytes)
  } finally {
    closeSync(file)
  }
  return unfinished
}

function openToCheck(path: string): number {
  let file: number
  try {
    // Checked through the open file: what was looked at is what is read, even if the name is swapped in between.
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch (cause) {
    throw refused(path, 'cannot be opened', cause)
  }
  const { mode, uid } = fstatSync(file)
  const isPlain = (mode & constants.S_IFMT) === constants.S_IFREG
  const isOurs = process.getuid === undefined || uid === process.getuid()
  if (isPlain && isOurs && (mode & othersBits) === 0) return file
  closeSync(file)
  throw refused(path, `must be a plain file of this user with mode 0600, not ${(mode & 0o777).toString(8)}`)
}

function refused(path: string, why: string, cause?: unknown): Fault {
  return new Fault('custodian/start_refused', `${path} ${why}`, { cause })
}
