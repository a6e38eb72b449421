import { parseBase64Url, parseLengthPrefixed, type Bytes } from './bytes.ts'
import { suites, type SealerSuite } from './suites.ts'

/** What the custodian says of a merchant key; docs/envelope-format.md, "Statement of a merchant key". */
export type Statement = {
  readonly keyId: string
  readonly suite: SealerSuite
  readonly merchant: string
  readonly world: string
  readonly retention: string
  readonly notBeforeMs: number
  readonly notAfterMs: number
  readonly publicKey: Bytes
}

const format = 'ngome/merchant-key-statement/v1'
const signatureBytes = 64
const statementKeyBytes = 32
const statementLengthMax = 4_096
const keyIdPattern = /^mek_[0-7][0-9a-hjkmnp-tv-z]{25}$/

/** @returns what a statement says, or `undefined` where it is none, or not signed by this key (Ed25519, RFC 8032) */
export async function readStatement(text: string, statementKey: string): Promise<Statement | undefined> {
  const bytes = text.length > statementLengthMax ? undefined : parseBase64Url(text)
  const signer = parseBase64Url(statementKey)
  if (bytes === undefined || bytes.length <= signatureBytes || signer?.length !== statementKeyBytes) return undefined
  const body = bytes.slice(0, -signatureBytes)
  return await isSigned(signer, bytes.slice(-signatureBytes), body) ? parseBody(body) : undefined
}

async function isSigned(signer: Bytes, signature: Bytes, body: Bytes): Promise<boolean> {
  try {
    const key = await crypto.subtle.importKey('raw', signer, { name: 'Ed25519' }, false, ['verify'])
    return await crypto.subtle.verify({ name: 'Ed25519' }, key, signature, body)
  } catch {
    // What was pinned is no key.
    return false
  }
}

function parseBody(body: Bytes): Statement | undefined {
  const fields = parseLengthPrefixed(body)
  const publicKey = fields?.[9]
  if (fields?.length !== 10 || publicKey === undefined) return undefined
  const [head, label, keyId, merchant, world, retention] = fields.slice(0, 6).map((field) => String.fromCharCode(...field))
  const [, notBeforeMs, notAfterMs] = fields.slice(6, 9).map(countOf)
  const suite = (['hybrid', 'fips'] as const).find((one) => suites[one].label === label)
  if (head !== format || suite === undefined || publicKey.length !== suites[suite].publicKeyBytes) return undefined
  if (keyId === undefined || !keyIdPattern.test(keyId)) return undefined
  if (merchant === undefined || world === undefined || retention === undefined) return undefined
  if (notBeforeMs === undefined || notAfterMs === undefined) return undefined
  return { keyId, suite, merchant, world, retention, notBeforeMs, notAfterMs, publicKey }
}

function countOf(field: Bytes): number | undefined {
  if (field.length !== 8) return undefined
  const count = new DataView(field.buffer, field.byteOffset, 8).getBigUint64(0)
  return count <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(count) : undefined
}
