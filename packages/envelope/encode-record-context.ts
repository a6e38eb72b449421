import { dataClasses, lengthPrefixed, parseId, worlds, type DataClass } from '@ngome/kernel'
import { recordFormat, recordIdLengthMax, saltBytes, tablePattern, versionMax } from './format.ts'
import type { RecordContext } from './record-context.ts'
import { suites, type SuiteName } from './suites.ts'

/**
 * Writes a context as length-prefixed bytes: format, suite, world, merchant, table, record id, class, version.
 * @param suite of the blob that stands there; where the blob lies about it, nothing opens
 * @throws TypeError where a field is not of its form: the caller has a bug
 */
export function encodeRecordContext(context: RecordContext, suite: SuiteName): Uint8Array {
  const { encoded } = messageFor(context, suite)
  const bytes = Buffer.allocUnsafe(encoded.length)
  bytes.set(encoded)
  return bytes
}

/**
 * A context's bytes with room for a salt after them. Overwritten by the next call: to be used at once.
 * @throws TypeError where a field is not of its form: the caller has a bug
 */
export function messageFor(context: RecordContext, suite: SuiteName): Message {
  const { tenant, table, recordId, dataClass, version } = context
  const last = lastOf[tenant.world]?.get(tenant.merchant)
  // Most records differ from the tenant's last one in their id only; writing all fields anew costs half as much as HMAC.
  const isLike = last?.table === table && last.dataClass === dataClass && last.version === version &&
    last.suite === suite && last.recordIdLength === recordId.length
  const found = isLike ? last : newMessage(context, suite)
  const { encoded, recordIdAt } = found
  for (let index = 0; index < recordId.length; index++) {
    const code = recordId.charCodeAt(index)
    if (isAdmitted[code] !== 1) throw new TypeError('a context without a record id')
    encoded[recordIdAt + index] = code
  }
  return found
}

export type Message = {
  readonly suite: SuiteName
  readonly table: string
  readonly dataClass: DataClass
  readonly version: number
  readonly recordIdLength: number
  readonly recordIdAt: number
  /** The context's bytes, the first part of the message. */
  readonly encoded: Buffer
  readonly message: Buffer
}

/** Tenants whose last context is kept; past this many the next one empties the list. A quarter of a kilobyte each. */
const tenantsMax = 4096
const lastOf = { test: new Map<string, Message>(), live: new Map<string, Message>() }

function newMessage(
  { tenant: { merchant, world }, table, recordId, dataClass, version }: RecordContext, suite: SuiteName,
): Message {
  if (!worlds.includes(world)) throw new TypeError('a context without a world')
  if (parseId('merchant', merchant) === undefined) throw new TypeError('a context without a merchant id')
  if (!tablePattern.test(table)) throw new TypeError('a context without a table name')
  if (recordId === '' || recordId.length > recordIdLengthMax) throw new TypeError('a context without a record id')
  if (!dataClasses.includes(dataClass)) throw new TypeError('a context without a class')
  if (!Number.isInteger(version) || version < 1 || version > versionMax) throw new TypeError('a context without a version')
  const head = lengthPrefixed(recordFormat, suites[suite].recordLabel, world, merchant, table)
  // The id's characters are written, and checked, by the caller; here only its length counts.
  const tail = lengthPrefixed('-'.repeat(recordId.length), dataClass, version)
  const message = Buffer.concat([head, tail, new Uint8Array(saltBytes)])
  const encoded = message.subarray(0, -saltBytes)
  const made = {
    suite, table, dataClass, version, recordIdLength: recordId.length, recordIdAt: head.length + 4, encoded, message,
  }
  const known = lastOf[world]
  if (known.size === tenantsMax) known.clear()
  known.set(merchant, made)
  return made
}

/** By code: the characters of a record id, which the reader's pattern decides on its own. */
const isAdmitted = new Uint8Array(128)
for (const character of 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:-') {
  isAdmitted[character.charCodeAt(0)] = 1
}
