import assert from 'node:assert/strict'
import { deriveRecordKey, encodeRecordContext, openRecord, openSealedDataKey, parseBlob, parseSealedDataKey } from '@ngome/envelope'
import { Secret, type Tenant } from '@ngome/kernel'
import type { TestGateway } from './test-gateway.ts'

/** Opens a sealed record of `restricted`, as only the custodian could. */
export async function openSealed(
  running: TestGateway, tenant: Tenant, table: string, recordId: string, row: { readonly blob: Uint8Array; readonly key: Uint8Array },
  read: (plaintext: Uint8Array) => unknown = (plaintext) => JSON.parse(Buffer.from(plaintext).toString('utf8')),
): Promise<unknown> {
  const blob = new Uint8Array(row.blob)
  const parts = parseSealedDataKey(new Uint8Array(row.key))
  const privateKey = running.custody.privateKeys.get(parts?.merchantKeyId ?? '')
  assert.ok(privateKey)
  const dataKey = await openSealedDataKey({ sealed: new Uint8Array(row.key), suite: 'hybrid', privateKey, signerPublicKey: running.signerPublicKey })
  const context = encodeRecordContext({ tenant, table, recordId, dataClass: 'restricted', version: 1 }, 'hybrid')
  const key = deriveRecordKey(dataKey, context, parseBlob(blob)?.salt ?? new Uint8Array())
  return read(openRecord(new Secret(key), blob))
}

/** What is sealed of a movement of money. */
export async function openMovement(running: TestGateway, tenant: Tenant, id: string, recordId = id): Promise<unknown> {
  const [row] = await running.database.asAdmin(
    'SELECT p.sealed AS blob, k.sealed AS key FROM ngome.payments p JOIN ngome.data_keys k ON k.id = p.data_key WHERE p.id = $1', [id],
  ) as { blob: Uint8Array; key: Uint8Array }[]
  assert.ok(row)
  return openSealed(running, tenant, 'payments', recordId, row)
}
