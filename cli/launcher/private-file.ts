import { closeSync, constants, fstatSync, openSync, readFileSync, readSync } from 'node:fs'
import { Fault, systemRandom } from '@ngome/kernel'
import { writeOwnFile } from '@ngome/runtime'
import type { z } from 'zod'

/**
 * Writes a file that only its owner reads, whole or not at all. The target folder may belong to another process's
 * user, so nothing there is followed: the new file is made exclusively and moved into place.
 * @param uid who owns it, where it is not us
 */
export function writePrivateFile(path: string, content: string | Uint8Array, uid?: number, mode?: number): void {
  writeOwnFile(path, content, { random: systemRandom, uid, ...mode === undefined ? {} : { mode } })
}

/** Certificates and credentials are far smaller; what another process grows past this is not read into our memory. */
const foreignBytesMax = 64 * 1024

/**
 * Reads a file in a folder that another process's user may own, where each name may be a link, a pipe or a file of any
 * size: nothing is followed, nothing waited for.
 * @param uid who must own it, where it is not us
 * @returns its bytes, or `undefined` where there is none
 * @throws Fault `launcher/failed` where it is anything but a file of that user, of at most 64 KiB
 */
export function readForeignFile(path: string, uid: number | undefined): Buffer | undefined {
  let fd: number
  try {
    // Windows has neither flag, and there we run all processes as one user.
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw new Fault('launcher/failed', `${path} cannot be read`, { cause: error })
  }
  try {
    const found = fstatSync(fd)
    const owner = uid ?? process.getuid?.()
    if (!found.isFile() || (owner !== undefined && found.uid !== owner) || found.size > foreignBytesMax) {
      throw new Fault('launcher/failed', `${path} is not a file of at most ${foreignBytesMax} bytes of its process's user`)
    }
    const bytes = Buffer.alloc(found.size)
    return bytes.subarray(0, readSync(fd, bytes))
  } finally {
    closeSync(fd)
  }
}

/**
 * Reads a file in our own folder.
 * @returns what the file holds, or `undefined` where there is none. @throws where it holds something else
 */
export function readJsonFile<T extends z.ZodType>(path: string, schema: T): z.output<T> | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
  return schema.parse(JSON.parse(text))
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
