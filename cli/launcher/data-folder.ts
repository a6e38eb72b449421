import { chownSync, chmodSync, existsSync, lchownSync, lstatSync, mkdirSync, readdirSync, realpathSync } from 'node:fs'
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
 * Makes a folder that its owner alone can use, and hands all in it to that owner where it belongs to somebody else (an
 * earlier run had other means of isolation). Nothing is followed: the owner may have put links there.
 */
export function ownFolder(path: string, owner: number | undefined, mode = 0o700): void {
  mkdirSync(path, { recursive: true, mode })
  chmodSync(path, mode)
  if (owner === undefined || lstatSync(path).uid === owner) return
  chownTree(path, owner)
}

function chownTree(path: string, uid: number): void {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const below = join(path, entry.name)
    if (entry.isDirectory()) chownTree(below, uid)
    else lchownSync(below, uid, uid)
  }
  chownSync(path, uid, uid)
}
