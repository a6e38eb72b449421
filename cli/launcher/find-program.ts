import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'

/** Where system programs lie, also where a user's PATH leaves the second kind out. */
const systemFolders = ['/usr/sbin', '/usr/bin', '/sbin', '/bin']

/**
 * The full path of a system program. Only system folders are looked in, since root starts what is found.
 * @returns `undefined` where it is not installed
 */
export function findProgram(name: string): string | undefined {
  return systemFolders.map((folder) => join(folder, name)).find((path) => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
