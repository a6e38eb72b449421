import { randomBytes } from 'node:crypto'
import { closeSync, fchmodSync, fchownSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import type { z } from 'zod'

/**
 * Writes a file that only its owner reads, whole or not at all. The target folder may belong to another process's
 * user, so nothing there is followed: the new file is made exclusively and moved into place.
 * @param uid who owns it, where it is not us
 */
export function writePrivateFile(path: string, content: string | Uint8Array, uid?: number, mode = 0o600): void {
  const draft = `${path}.${randomBytes(8).toString('hex')}`
  const fd = openSync(draft, 'wx', mode)
  try {
    // The umask has taken from the mode; a public file must be public under any.
    fchmodSync(fd, mode)
    writeSync(fd, Buffer.from(content))
    if (uid !== undefined) fchownSync(fd, uid, uid)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  renameSync(draft, path)
}

/** @returns what the file holds, or `undefined` where there is none. @throws where it holds something else */
export function readJsonFile<T extends z.ZodType>(path: string, schema: T): z.output<T> | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
  return schema.parse(JSON.parse(text))
}
