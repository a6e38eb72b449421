import {
  lengthPrefixed, parseId, parseLengthPrefixed, worlds, type DataKeyId, type MerchantKeyId, type SignerId, type Tenant,
} from '@ngome/kernel'
import { countOf, textOf } from './field.ts'
import { dataKeyFormat, headerBytesMax, retentionPattern, signatureBytes, wrappedBytes } from './format.ts'
import { hasKeyForm, suiteNames, suites, type SuiteName } from './suites.ts'

/** What a sealed data key says of itself; nothing of it is proven before its signature is checked. */
export type SealedDataKey = {
  /** A claim like the others: what opens is the suite of the merchant key. */
  readonly suite: SuiteName
  readonly id: DataKeyId
  readonly tenant: Tenant
  readonly retention: string
  readonly period: number
  readonly createdAtMs: number
  readonly merchantKeyId: MerchantKeyId
  readonly signerId: SignerId
  readonly header: Uint8Array
  /** HPKE's encapsulated secret. */
  readonly enc: Uint8Array
  readonly wrapped: Uint8Array
  /** All before the signature. */
  readonly signed: Uint8Array
  readonly signature: Uint8Array
}

/** The first two fields tell whole, by comparison, what stands here: of which suite, hence of which lengths. */
const starts = suiteNames.map((suite) => ({ suite, bytes: lengthPrefixed(dataKeyFormat, suites[suite].label) }))

/** @returns the parts of a sealed data key, as views into it, or `undefined` where it does not have that shape. */
export function parseSealedDataKey(sealed: Uint8Array): SealedDataKey | undefined {
  const suite = suiteOf(sealed)
  if (suite === undefined) return undefined
  const { encBytes } = suites[suite].kem
  const headerBytes = sealed.length - encBytes - wrappedBytes - signatureBytes
  if (headerBytes < 0 || headerBytes > headerBytesMax) return undefined
  const header = sealed.subarray(0, headerBytes)
  const enc = sealed.subarray(headerBytes, headerBytes + encBytes)
  if (!hasKeyForm(suites[suite], enc)) return undefined
  const fields = parseLengthPrefixed(header)
  if (fields?.length !== 10) return undefined
  const [idText, merchantText, worldText, retention] = fields.slice(2, 6).map(textOf)
  const [period, createdAtMs] = fields.slice(6, 8).map(countOf)
  const [merchantKeyText, signerText] = fields.slice(8).map(textOf)
  const id = parseId('dataKey', idText ?? '')
  const merchant = parseId('merchant', merchantText ?? '')
  const world = worlds.find((one) => one === worldText)
  const merchantKeyId = parseId('merchantKey', merchantKeyText ?? '')
  const signerId = parseId('signer', signerText ?? '')
  if (id === undefined || merchant === undefined || world === undefined) return undefined
  if (merchantKeyId === undefined || signerId === undefined) return undefined
  if (retention === undefined || !retentionPattern.test(retention)) return undefined
  if (period === undefined || createdAtMs === undefined) return undefined
  return {
    suite, id, tenant: { merchant, world }, retention, period, createdAtMs, merchantKeyId, signerId, header, enc,
    wrapped: sealed.subarray(headerBytes + encBytes, -signatureBytes),
    signed: sealed.subarray(0, -signatureBytes),
    signature: sealed.subarray(-signatureBytes),
  }
}

function suiteOf(sealed: Uint8Array): SuiteName | undefined {
  return starts.find(({ bytes }) => bytes.every((byte, at) => sealed[at] === byte))?.suite
}
