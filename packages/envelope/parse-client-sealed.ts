import { parseId, type MerchantKeyId } from '@ngome/kernel'
import { textOf } from './field.ts'
import {
  clientSealedHeaderBytes, clientSealedVersion, longPlaintextBytesMax, longPlaintextStepBytes, shortPlaintextBytes, tagBytes,
} from './format.ts'
import { hasKeyForm, suiteNumbered, suites, type SuiteName } from './suites.ts'

/** What a value that a client sealed says of itself; nothing of it is proven before it opens. */
export type ClientSealed = {
  /** A claim like the key's id: what opens is the suite of the merchant key. */
  readonly suite: SuiteName
  readonly merchantKeyId: MerchantKeyId
  readonly header: Uint8Array
  /** HPKE's encapsulated secret. */
  readonly enc: Uint8Array
  /** With its tag. */
  readonly ciphertext: Uint8Array
  /** Whether it is of the longer form, which texts have. */
  readonly isLong: boolean
}

/** @returns the parts of a value that a client sealed, as views into it, or `undefined` where it does not have that shape. */
export function parseClientSealed(sealed: Uint8Array): ClientSealed | undefined {
  const suite = suiteNumbered(sealed[1])
  if (sealed[0] !== clientSealedVersion || suite === undefined) return undefined
  const header = sealed.subarray(0, clientSealedHeaderBytes)
  const merchantKeyId = parseId('merchantKey', textOf(header.subarray(2)))
  const enc = sealed.subarray(header.length, header.length + suites[suite].kem.encBytes)
  const ciphertext = sealed.subarray(header.length + suites[suite].kem.encBytes)
  const plaintextBytes = ciphertext.length - tagBytes
  if (merchantKeyId === undefined || !isPadded(plaintextBytes) || !hasKeyForm(suites[suite], enc)) return undefined
  return { suite, merchantKeyId, header, enc, ciphertext, isLong: plaintextBytes !== shortPlaintextBytes }
}

function isPadded(bytes: number): boolean {
  if (bytes === shortPlaintextBytes) return true
  return bytes > 0 && bytes <= longPlaintextBytesMax && bytes % longPlaintextStepBytes === 0
}
