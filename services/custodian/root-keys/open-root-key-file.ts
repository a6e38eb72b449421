import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Fault, Secret, type Random } from '@ngome/kernel'
import { createPrivateFile, readPrivateFile } from '../store/private-file.ts'
import type { RootKey } from './root-key.ts'
import { rootKeyBytes, softwareRootKey } from './software-root-key.ts'

/** The root key, and during a rotation the one that takes its place. */
export const rootKeyFiles = { current: 'root.key', next: 'root.next.key' } as const

/**
 * Opens the software root key in the custodian's folder.
 * @param mayCreate only on first run: beside a store that holds wrapped keys, a new root key would be a lock without a
 * key, and writing it would hide that the right one is missing
 * @throws Fault `custodian/start_refused` where the file is missing, damaged, or readable by others
 */
export function openRootKeyFile(folder: string, { mayCreate, random, name = rootKeyFiles.current }: {
  readonly mayCreate: boolean
  readonly random: Random
  readonly name?: string
}): RootKey {
  const path = join(folder, name)
  if (!existsSync(path)) {
    if (!mayCreate) throw new Fault('custodian/start_refused', `${path} is missing, and the store needs it`)
    createPrivateFile(path, random.bytes(rootKeyBytes), random)
  }
  const bytes = readPrivateFile(path)
  if (bytes.length !== rootKeyBytes) throw new Fault('custodian/start_refused', `${path} is not a root key`)
  return softwareRootKey(new Secret(bytes), random)
}
