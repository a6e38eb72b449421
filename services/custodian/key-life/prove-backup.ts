import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { Fault } from '@ngome/kernel'
import type { Custodian } from '../custodian.ts'
import { checkLog } from '../log/check-log.ts'
import type { KeyLabel, KeyPurpose } from '../root-keys/root-key.ts'
import { rootIdOf } from '../root-keys/wrapped-key.ts'
import { findActiveRoot } from '../store/wrapped-keys.ts'

const folderName = 'backup-proof'
const keysPerPage = 256

/**
 * Writes a fresh backup of the store, opens it as a restored one is opened, beside the live store, and unwraps every key
 * in it under the active root alone. Then the backup is thrown away: it was to show that the next one restores.
 * @returns how many keys it unwrapped
 * @throws Fault `custodian/key_unusable` where one needs another root, or does not unwrap
 */
export async function proveBackup(
  { store, root, folder }: Pick<Custodian, 'store' | 'root' | 'folder'>,
): Promise<number> {
  const path = join(folder, folderName)
  rmSync(path, { recursive: true, force: true })
  const backup = await store.backUp(path)
  try {
    const active = await findActiveRoot(backup)
    const { id } = root.describe()
    const check = await checkLog(backup)
    if (active !== id || !check.ok) throw new Fault('custodian/key_unusable', 'a fresh backup is not of this store')
    let keys = 0
    for (let after = { purpose: '', name: '' };;) {
      const rows = await backup.all(
        `SELECT purpose, name, wrapped FROM wrapped_keys WHERE (purpose, name) > (?, ?)
         ORDER BY purpose, name LIMIT ?`,
        after.purpose, after.name, keysPerPage,
      )
      for (const row of rows) {
        const label: KeyLabel = { purpose: row['purpose'] as KeyPurpose, name: String(row['name']) }
        const wrapped = row['wrapped'] as Uint8Array
        if (rootIdOf(wrapped) !== id) throw new Fault('custodian/key_unusable', `${label.purpose}/${label.name} needs another root`)
        const key = await root.unwrap(label, wrapped)
        key.expose((bytes) => bytes.fill(0))
        after = label
        keys++
      }
      if (rows.length < keysPerPage) return keys
    }
  } finally {
    await backup.close()
    rmSync(path, { recursive: true, force: true })
  }
}
