import { closeSync, constants, fchmodSync, fchownSync, fstatSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { Fault, type Random } from '@ngome/kernel'

const { O_WRONLY, O_CREAT, O_EXCL, O_SYNC } = constants
const privateMode = 0o600
/** Bits that let others than the owner read or write. */
const othersMask = 0o077

/**
 * Writes a file that only its owner reads, whole or not at all. The target folder may belong to another process's
 * user, so nothing there is followed: the new file is made exclusively and moved into place.
 * @param uid who owns it, where it is not us
 */
export function writeOwnFile(
  path: string, content: string | Uint8Array, { random, uid, mode = privateMode }: { readonly random: Random; readonly uid?: number | undefined; readonly mode?: number },
): void {
  const draft = `${path}.${Buffer.from(random.bytes(8)).toString('hex')}`
  try {
    writeDraft(draft, content, { uid, mode })
    renameSync(draft, path)
  } catch (error) {
    // Half a key is a key that somebody may find.
    rmSync(draft, { force: true })
    throw error
  }
}

function writeDraft(draft: string, content: string | Uint8Array, { uid, mode }: { readonly uid: number | undefined; readonly mode: number }): void {
  // On the disk with each write: the permission model has no fsync either.
  const fd = openSync(draft, O_WRONLY | O_CREAT | O_EXCL | O_SYNC, mode)
  try {
    // The umask has taken from the mode; a file for others must be theirs under any. Node's permission model, under which
    // our processes run and write for nobody else, has no such call.
    if (mode !== privateMode) fchmodSync(fd, mode)
    // All of it, also where the disk takes less at once.
    writeFileSync(fd, content)
    if (uid !== undefined) {
      fchownSync(fd, uid, uid)
      fsyncSync(fd)
    }
  } finally {
    closeSync(fd)
  }
}

/**
 * Reads a secret file in our own folder.
 * @returns its text, or `undefined` where there is none
 * @throws Fault `config/invalid` where others than its owner may read or write it
 */
export function readOwnFile(path: string): string | undefined {
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
  try {
    if ((fstatSync(fd).mode & othersMask) !== 0) throw new Fault('config/invalid', `${path} must be readable by its owner only (0600)`)
    return readFileSync(fd, 'utf8')
  } finally {
    closeSync(fd)
  }
}
