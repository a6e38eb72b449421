import type { Clock, Random } from '@ngome/kernel'
import type { RootKeySetting } from '@ngome/runtime'
import { openRootKeyFile } from './open-root-key-file.ts'
import { pkcs11RootKey } from './pkcs11/pkcs11-root-key.ts'
import type { RootKey } from './root-key.ts'
import { openSharesRoot, type Waiting } from './shares/open-shares-root.ts'

/**
 * Opens the root key that the configuration names; one of shares, when a quorum of their holders has brought it.
 * @param isFirstRun whether the store holds no wrapped keys yet; as `mayCreate` where it is left out
 * @param mayCreate only on first run: beside a store that holds wrapped keys, a new root key would be a lock without a key
 * @throws Fault `custodian/start_refused` where it is missing or not as it must be, `custodian/unavailable` where it is
 * away and may come back
 */
export async function openRootKey({ setting, ...from }: {
  readonly setting: RootKeySetting
  readonly folder: string
  readonly isFirstRun?: boolean
  readonly mayCreate: boolean
  readonly random: Random
  readonly clock: Clock
  readonly waiting?: Waiting | undefined
}): Promise<RootKey> {
  switch (setting.kind) {
    case 'file': return openRootKeyFile(from.folder, from)
    case 'shares': return openSharesRoot({ ...from, isFirstRun: from.isFirstRun ?? from.mayCreate })
    case 'pkcs11': return pkcs11RootKey({ ...from, uri: setting.uri })
  }
}
