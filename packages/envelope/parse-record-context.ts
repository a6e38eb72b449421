import { dataClasses, parseId, parseLengthPrefixed, worlds } from '@ngome/kernel'
import { countOf, textOf } from './field.ts'
import { recordFormat, recordIdPattern, tablePattern, versionMax } from './format.ts'
import type { ReadRecordContext } from './record-context.ts'
import { suiteNames, suites } from './suites.ts'

/** @returns the context, or `undefined` where the bytes are not exactly what `encodeRecordContext` writes. */
export function parseRecordContext(bytes: Uint8Array): ReadRecordContext | undefined {
  const fields = parseLengthPrefixed(bytes)
  if (fields?.length !== 8) return undefined
  const [format, label, worldText, merchantText, table, recordId, classText] = fields.map(textOf)
  const suite = suiteNames.find((one) => suites[one].recordLabel === label)
  if (format !== recordFormat || suite === undefined || table === undefined || recordId === undefined) return undefined
  const world = worlds.find((one) => one === worldText)
  const merchant = parseId('merchant', merchantText ?? '')
  const dataClass = dataClasses.find((one) => one === classText)
  const version = countOf(fields[7] ?? new Uint8Array())
  if (world === undefined || merchant === undefined || dataClass === undefined || version === undefined) return undefined
  if (version < 1 || version > versionMax || !tablePattern.test(table) || !recordIdPattern.test(recordId)) return undefined
  return { suite, tenant: { merchant, world }, table, recordId, dataClass, version }
}
