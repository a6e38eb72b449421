import {
  deriveRecordKey, encodeRecordContext, openRecord, parseBlob, sealRecord, type DataKey, type RecordContext,
} from '@ngome/envelope'
import type { RetentionClass } from '@ngome/contracts'
import { equalsInConstantTime, Secret, type Random } from '@ngome/kernel'
import type { DataKeys } from './data-keys.ts'

/** A record that is ready to be written: its blob opens under the data key that its row names. */
export type SealedRecord = { readonly dataKey: DataKey['id']; readonly blob: Uint8Array }

/**
 * Seals a record under the tenant's data key of now and, before anything is written, opens the blob again by the
 * reader's code: what cannot be read back is found here, not in a year.
 * @param plaintext overwritten with zeros once it is sealed
 * @throws Fault `custodian/unavailable`, `store/unavailable` where a new data key is needed and cannot be had
 * @throws TypeError where the blob does not open: a bug, and nothing was written
 */
export async function seal(
  from: { readonly dataKeys: Pick<DataKeys, 'current'>; readonly random: Random },
  retention: RetentionClass, context: RecordContext, plaintext: Uint8Array,
): Promise<SealedRecord> {
  const dataKey = await from.dataKeys.current(context.tenant, retention)
  try {
    const blob = sealRecord(dataKey, context, plaintext, from.random)
    assertOpens(dataKey, context, blob, plaintext)
    return { dataKey: dataKey.id, blob }
  } finally {
    plaintext.fill(0)
  }
}

function assertOpens(dataKey: DataKey, context: RecordContext, blob: Uint8Array, plaintext: Uint8Array): void {
  const parts = parseBlob(blob)
  if (parts?.dataKeyId !== dataKey.id) throw new TypeError('a sealed record without its form')
  const recordKey = deriveRecordKey(dataKey.key, encodeRecordContext(context, dataKey.suite), parts.salt)
  const opened = openRecord(new Secret(recordKey), blob)
  recordKey.fill(0)
  const isSame = equalsInConstantTime(opened, plaintext)
  opened.fill(0)
  if (!isSame) throw new TypeError('a sealed record that holds something else')
}
