import type { RetentionClass } from '@ngome/contracts'
import {
  encodeRecordContext, makeDataKey, parseBlob, sealRecord, verifyStatement, type DataKey, type RecordContext,
  type SuiteName,
} from '@ngome/envelope'
import { newId, parseBase64Url, systemRandom, toBase64Url, type Clock, type Tenant } from '@ngome/kernel'
import type { Gateway, TestCustodian } from './test-custodian.ts'

/** A record as the gateway seals it, and what the dispatcher sends to open it. */
export type SealedRecord = {
  readonly context: RecordContext
  readonly blob: Uint8Array
  readonly salt: string
}

/** Makes a data key as a gateway does, from the statement for the present period. */
export async function newDataKey(test: TestCustodian, gateway: Gateway, tenant: Tenant, from: {
  readonly retention?: RetentionClass
  readonly clock?: Clock
} = {}): Promise<DataKey> {
  const { retention = 'payment', clock = test.clock } = from
  const { statements } = await test.call(gateway.peer, '/v1/merchant-keys', { tenants: [tenant] })
  const { publicKey } = test.custodian.statementKey
  const statement = statements.map((text) => verifyStatement(parseBase64Url(text) ?? new Uint8Array(), publicKey))
    .find((one) => one.retention === retention && one.notBeforeMs <= clock.nowMs())
  if (statement === undefined) throw new TypeError('no statement for now')
  return makeDataKey({
    statement, signer: { id: gateway.signerId, privateKey: gateway.privateKey }, clock, random: systemRandom,
  })
}

export function sealedRecord(
  clock: Clock, dataKey: DataKey, plaintext: string, overrides: Partial<RecordContext> = {},
): SealedRecord {
  const context: RecordContext = {
    tenant: dataKey.tenant, table: 'payments', recordId: newId('payment', { clock, random: systemRandom }),
    dataClass: 'restricted', version: 1, ...overrides,
  }
  const blob = sealRecord(dataKey, context, Buffer.from(plaintext), systemRandom)
  return { context, blob, salt: toBase64Url(parseBlob(blob)?.salt ?? new Uint8Array()) }
}

/** The body of an `open` call for records under one data key. */
export function openRequest(dataKey: Uint8Array, records: readonly SealedRecord[]) {
  return {
    purpose: 'dispatch' as const,
    dataKeys: [toBase64Url(dataKey)],
    records: records.map(({ context, blob, salt }) => ({
      dataKey: 0, context: toBase64Url(encodeRecordContext(context, suiteOf(blob))), salt,
    })),
  }
}

function suiteOf(blob: Uint8Array): SuiteName {
  const suite = parseBlob(blob)?.suite
  if (suite === undefined) throw new TypeError('a blob that does not parse')
  return suite
}
