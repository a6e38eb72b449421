import type { Clock, Random } from '@ngome/kernel'
import type { RootKeySetting } from '@ngome/runtime'
import { openRootKeyFile } from './open-root-key-file.ts'
import { pkcs11RootKey } from './pkcs11/pkcs11-root-key.ts'
import type { RootKey } from './root-key.ts'

/**
 * Opens the root key that the configuration names.
 * @param mayCreate only on first run: beside a store that holds wrapped keys, a new root key would be a lock without a key
 * @throws Fault `custodian/start_refused` where it is missing or not as it must be, `custodian/unavailable` where it is
 * away and may come back
 */
export async function openRootKey({ setting, ...from }: {
  readonly setting: RootKeySetting
  readonly folder: string
  readonly mayCreate: boolean
  readonly random: Random
  readonly clock: Clock
}): Promise<RootKey> {
  return setting.kind === 'file' ? openRootKeyFile(from.folder, from) : pkcs11RootKey({ ...from, uri: setting.uri })
}
