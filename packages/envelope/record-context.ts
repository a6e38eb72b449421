import { dataClasses, lengthPrefixed, parseId, parseLengthPrefixed, worlds, type DataClass, type Tenant } from '@ngome/kernel'
import { countOf, textOf } from './field.ts'
import { recordFormat, recordIdPattern, recordSuite, tablePattern, versionMax } from './format.ts'

/** Where a record stands. A blob opens only with the same context, so that a swapped row does not open. */
export type RecordContext = {
  readonly tenant: Tenant
  readonly table: string
  readonly recordId: string
  readonly dataClass: DataClass
  /** Counts from 1; a record sealed anew gets the next. */
  readonly version: number
}

/**
 * Writes a context as length-prefixed bytes: format, suite, world, merchant, table, record id, class, version.
 * @throws TypeError where a field is not of its form: the caller has a bug
 */
export function encodeRecordContext(context: RecordContext): Uint8Array {
  assertRecordContext(context)
  const { tenant, table, recordId, dataClass, version } = context
  return lengthPrefixed(recordFormat, recordSuite, tenant.world, tenant.merchant, table, recordId, dataClass, version)
}

/** @returns the context, or `undefined` where the bytes are not exactly what {@link encodeRecordContext} writes. */
export function parseRecordContext(bytes: Uint8Array): RecordContext | undefined {
  const fields = parseLengthPrefixed(bytes)
  if (fields?.length !== 8) return undefined
  const [format, suite, worldText, merchantText, table, recordId, classText] = fields.map(textOf)
  if (format !== recordFormat || suite !== recordSuite || table === undefined || recordId === undefined) return undefined
  const world = worlds.find((one) => one === worldText)
  const merchant = parseId('merchant', merchantText ?? '')
  const dataClass = dataClasses.find((one) => one === classText)
  const version = countOf(fields[7] ?? new Uint8Array())
  if (world === undefined || merchant === undefined || dataClass === undefined || version === undefined) return undefined
  if (version < 1 || version > versionMax || !tablePattern.test(table) || !recordIdPattern.test(recordId)) return undefined
  return { tenant: { merchant, world }, table, recordId, dataClass, version }
}

function assertRecordContext({ tenant, table, recordId, dataClass, version }: RecordContext): void {
  if (parseId('merchant', tenant.merchant) === undefined) throw new TypeError('a context without a merchant id')
  if (!worlds.includes(tenant.world)) throw new TypeError('a context without a world')
  if (!tablePattern.test(table)) throw new TypeError('a context without a table name')
  if (!recordIdPattern.test(recordId)) throw new TypeError('a context without a record id')
  if (!dataClasses.includes(dataClass)) throw new TypeError('a context without a class')
  if (!Number.isInteger(version) || version < 1 || version > versionMax) throw new TypeError('a context without a version')
}
