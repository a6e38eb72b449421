import type { CustodianResponse } from '@ngome/contracts'
import { deriveRecordKey, parseRecordContext, type ReadRecordContext } from '@ngome/envelope'
import { parseBase64Url, toBase64Url } from '@ngome/kernel'
import { callerName, type ProvenCaller } from '../calls/caller.ts'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import { Refusal } from '../calls/refusal.ts'
import type { Custodian } from '../custodian.ts'
import { tenantName } from '../merchants/tenants.ts'
import { checkOpening } from './check-opening.ts'
import { deriveInnerKey, innerName } from './derive-inner-key.ts'
import { openDataKey } from './open-data-key.ts'
import { saltBytes, type PresentedDataKey, type PresentedDataKeys } from './presented-data-key.ts'
import { purposeRules } from './purposes.ts'

/** A context is some 200 bytes; whatever is much larger is none. */
const contextBytesMax = 1_024

type Request = ParsedRequest<'/v1/open'>
type Record = {
  readonly dataKey: PresentedDataKey
  readonly contextBytes: Uint8Array
  readonly context: ReadRecordContext
  readonly salt: Uint8Array
  readonly inner: Request['records'][number]['inner']
  /** How the log and the budgets name it: without its version, so that sealing anew gives no new budget. */
  readonly name: string
}

/**
 * Derives the keys of single records for a purpose: all of the call or none. Each opening is counted and in the log
 * before its key leaves; the data keys never do. Where a record comes with what a client sealed within it, the key of that
 * leaves with the record's own.
 * @returns 64 bytes for each record, in the order of the call: its key and its commitment
 * @throws Refusal `custodian/refused`
 */
export async function openRecords(
  custodian: Custodian, caller: ProvenCaller, request: Request,
): Promise<CustodianResponse<'/v1/open'>> {
  const { clock, dataKeys, recorder } = custodian
  const rule = purposeRules[request.purpose]
  const records = parseRecords(request, custodian.presented)
  const nowMs = clock.nowMs()
  for (const record of records) {
    const reason = checkOpening(rule, caller, record.context, record.dataKey.parts, nowMs)
    if (reason !== null) throw new Refusal(reason, subjectOf(request, record))
    const isOfType = rule.innerType === undefined || record.inner?.type === rule.innerType
    if (record.inner !== undefined && !(rule.hasInner && isOfType)) throw new Refusal('inner_not_permitted', subjectOf(request, record))
  }
  const keys = await Promise.all(records.map(({ dataKey: { sealed, hash, parts } }) =>
    dataKeys.get(hash, () => openDataKey(custodian, sealed, parts))))
  const innerKeys = await innerKeysOf(custodian, records)
  await recorder.record({
    purpose: request.purpose, caller: callerName(caller),
    records: records.map((record) => ({
      name: record.name, subject: subjectOf(request, record), dataKeyHash: record.dataKey.hash,
      merchantKey: record.dataKey.parts.merchantKeyId,
    })),
  })
  return {
    keys: records.map(({ contextBytes, salt }, at) => {
      const key = keys[at]
      if (key === undefined) throw new TypeError('a record without its data key')
      return toBase64Url(deriveRecordKey(key, contextBytes, salt))
    }),
    ...(innerKeys.length === 0 ? {} : { innerKeys }),
  }
}

function innerKeysOf(custodian: Custodian, records: readonly Record[]): Promise<string[]> {
  return Promise.all(records.flatMap(({ inner, context, dataKey }) => inner === undefined ? [] : [
    deriveInnerKey(custodian, inner, { tenant: context.tenant, dataKey: dataKey.parts }).then(toBase64Url),
  ]))
}

function parseRecords(request: Request, presented: PresentedDataKeys): readonly Record[] {
  const dataKeys = request.dataKeys.map((text) => presented.parse(text))
  const used = new Set(request.records.map(({ dataKey }) => dataKey))
  // Opening one costs a decapsulation: nobody makes us do that for nothing.
  if (dataKeys.some((_, at) => !used.has(at))) throw new Refusal('data_key_unused', request.purpose)
  return request.records.map((record) => {
    const dataKey = dataKeys[record.dataKey]
    const contextBytes = parseBase64Url(record.context)
    const salt = parseBase64Url(record.salt)
    const isBounded = contextBytes !== undefined && contextBytes.length <= contextBytesMax && salt?.length === saltBytes
    const context = isBounded ? parseRecordContext(contextBytes) : undefined
    if (dataKey === undefined || context === undefined || contextBytes === undefined || salt === undefined) {
      throw new Refusal('request_invalid', request.purpose)
    }
    const name = `${tenantName(context.tenant)}/${context.table}/${context.recordId}`
    return { dataKey, contextBytes, context, salt, name, inner: record.inner }
  })
}

function subjectOf({ purpose, records }: Request, { name, context, dataKey, inner }: Record): string {
  const opened = `${purpose} ${name}/v${context.version} ${dataKey.parts.id} 1/${records.length}`
  return inner === undefined ? opened : `${opened} ${innerName(inner)}`
}
