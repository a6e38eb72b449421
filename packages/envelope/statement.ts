import type { KeyObject } from 'node:crypto'
import {
  Fault, lengthPrefixed, parseId, parseLengthPrefixed, worlds, type MerchantKeyId, type Tenant,
} from '@ngome/kernel'
import { isSignedEd25519, signEd25519 } from './ed25519.ts'
import { countOf, textOf } from './field.ts'
import { headerBytesMax, retentionPattern, signatureBytes, statementFormat } from './format.ts'
import { hasKeyForm, suiteNames, suites, type SuiteName } from './suites.ts'

/** What the custodian says of a merchant key, so that nobody in between can offer another. */
export type MerchantKeyStatement = {
  readonly keyId: MerchantKeyId
  readonly tenant: Tenant
  /** Which kind of records the key is for: they are disposed of together. */
  readonly retention: string
  readonly period: number
  /** The first millisecond in which a data key may be sealed to this key. */
  readonly notBeforeMs: number
  /** The first millisecond in which it may no longer. */
  readonly notAfterMs: number
  /** The one suite in which this key is ever used. */
  readonly suite: SuiteName
  readonly publicKey: Uint8Array
}

declare const verified: unique symbol
/** A statement whose signature was checked; only {@link verifyStatement} makes one. */
export type VerifiedStatement = MerchantKeyStatement & { readonly [verified]: true }

const publicKeyBytesMax = Math.max(...suiteNames.map((suite) => suites[suite].kem.publicKeyBytes))

// The types are gone at run time; this set is what a cast cannot forge.
const proofs = new WeakSet<MerchantKeyStatement>()

export function isVerifiedStatement(statement: MerchantKeyStatement): statement is VerifiedStatement {
  return proofs.has(statement)
}

/**
 * Writes and signs a statement: length-prefixed fields, then the Ed25519 signature over them.
 * @throws TypeError where a field is not of its form: the caller has a bug
 */
export function signStatement(statement: MerchantKeyStatement, privateKey: KeyObject): Uint8Array {
  const { keyId, tenant, retention, period, notBeforeMs, notAfterMs, suite, publicKey } = statement
  const body = lengthPrefixed(
    statementFormat, suites[suite].label, keyId, tenant.merchant, tenant.world, retention, period, notBeforeMs, notAfterMs,
    publicKey,
  )
  if (parseBody(body) === undefined) throw new TypeError('a statement that nobody would accept')
  return Buffer.concat([body, signEd25519(body, privateKey)])
}

/**
 * Checks a statement against the custodian's key.
 * @throws Fault `envelope/statement_refused`, the same whatever was wrong
 */
export function verifyStatement(bytes: Uint8Array, statementKey: KeyObject): VerifiedStatement {
  const body = bytes.subarray(0, Math.max(0, bytes.length - signatureBytes))
  const isSigned = bytes.length <= headerBytesMax + publicKeyBytesMax + signatureBytes &&
    isSignedEd25519(body, bytes.subarray(body.length), statementKey)
  const statement = isSigned ? parseBody(body) : undefined
  if (statement === undefined) throw new Fault('envelope/statement_refused', 'a merchant key statement was refused')
  proofs.add(statement)
  return statement as VerifiedStatement
}

function parseBody(body: Uint8Array): MerchantKeyStatement | undefined {
  const fields = parseLengthPrefixed(body)
  if (fields?.length !== 10) return undefined
  const [format, label, keyText, merchantText, worldText, retention] = fields.slice(0, 6).map(textOf)
  const [period, notBeforeMs, notAfterMs] = fields.slice(6, 9).map(countOf)
  const publicKey = fields[9]
  const suite = suiteNames.find((one) => suites[one].label === label)
  if (format !== statementFormat || suite === undefined) return undefined
  if (publicKey?.length !== suites[suite].kem.publicKeyBytes || !hasKeyForm(suites[suite], publicKey)) return undefined
  const keyId = parseId('merchantKey', keyText ?? '')
  const merchant = parseId('merchant', merchantText ?? '')
  const world = worlds.find((one) => one === worldText)
  if (keyId === undefined || merchant === undefined || world === undefined) return undefined
  if (retention === undefined || !retentionPattern.test(retention)) return undefined
  if (period === undefined || notBeforeMs === undefined || notAfterMs === undefined) return undefined
  if (notBeforeMs >= notAfterMs) return undefined
  return Object.freeze({
    keyId, tenant: Object.freeze({ merchant, world }), retention, period, notBeforeMs, notAfterMs, suite,
    // A copy: a buffer that the caller reuses must not change a statement that was verified.
    publicKey: Uint8Array.from(publicKey),
  })
}
