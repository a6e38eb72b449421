import { parseId, type MerchantSigningKeyId } from '@ngome/kernel'
import type { HttpMessage } from '../http-messages/message.ts'
import { plainSignatureBase } from '../http-messages/signature-base.ts'
import { isInnerList, type InnerList } from '../structured-fields/values.ts'
import { coveredComponents, noncePattern, signatureLabel, signatureTag, signatureToleranceS } from './profile.ts'
import { bytesOf, soleMember, textOf } from './sole-member.ts'

/** A signature as the request states it: well formed and of now, and nothing more. Nobody has checked whose it is. */
export type StatedSignature = {
  readonly keyId: MerchantSigningKeyId
  readonly createdS: number
  readonly nonce: string
  /** What the message says of its algorithm: must agree with the key's. */
  readonly algorithm: string | undefined
  /** The bytes that were signed. */
  readonly base: Uint8Array
  readonly signature: Uint8Array
}

export type SignatureReading = { readonly ok: true; readonly stated: StatedSignature } | { readonly ok: false; readonly reason: string }

/**
 * Reads the signature of a request by our profile (docs/signed-requests.md): one label, exactly the components that the
 * request has, each parameter once and no other. Only canonical fields: there is one spelling of a signed request.
 * @returns why not, for the operator's log; a caller is never told
 */
export function readSignature(message: HttpMessage, nowMs: number): SignatureReading {
  const [input = '', signature = ''] = [message.field('signature-input'), message.field('signature')]
  const covered = coveredComponents(message.field)
  const fields = readUsualSpelling(input, signature, covered) ?? readFields(input, signature, covered)
  if (typeof fields === 'string') return refused(fields)
  const { createdS, nonce, algorithm } = fields
  if (Math.abs(Math.floor(nowMs / 1_000) - createdS) > signatureToleranceS) return refused('created is not of now')
  const keyId = parseId('merchantSigningKey', fields.keyId)
  if (keyId === undefined) return refused('keyid')
  // What came is its own serialisation, so that nothing has to be written again.
  const base = plainSignatureBase(message, covered, input.slice(signatureLabel.length + 1))
  if (base === undefined) return refused('a component has no value')
  return { ok: true, stated: { keyId, createdS, nonce, algorithm, base, signature: fields.signature } }
}

/** What the two fields say, in the form that the profile has; not yet whether it is of now, or of a key of ours. */
type Fields = {
  readonly createdS: number; readonly nonce: string; readonly keyId: string; readonly algorithm: string | undefined
  readonly signature: Uint8Array
}

const usualParameters = /^\);created=(0|[1-9][0-9]{0,14});nonce="([A-Za-z0-9_-]{22,64})";keyid="([a-z0-9_]{1,64})";tag="ngome-v1"$/
const usualSignature = /^ngome=:([A-Za-z0-9+/]{1,2048}={0,2}):$/

/**
 * Reads the spelling that the SDK and the documentation's example have in one step, which is a third of the parser's work;
 * what it takes the parser takes as well, and to the same values (a test holds both to that).
 * @returns `undefined` for every other spelling, right or wrong
 */
function readUsualSpelling(input: string, signature: string, covered: readonly string[]): Fields | undefined {
  const components = `${signatureLabel}=("${covered.join('" "')}"`
  if (!input.startsWith(components)) return undefined
  const [, created, nonce, keyId] = usualParameters.exec(input.slice(components.length)) ?? []
  const [, base64] = usualSignature.exec(signature) ?? []
  if (created === undefined || nonce === undefined || keyId === undefined || base64 === undefined) return undefined
  const bytes = Buffer.from(base64, 'base64')
  return bytes.toString('base64') === base64 ? { createdS: Number(created), nonce, keyId, algorithm: undefined, signature: bytes } : undefined
}

/** Reads every spelling by the parser. Exported for the test that holds the other one to it. @returns the fields, or why not */
export function readFields(inputField: string, signatureField: string, covered: readonly string[]): Fields | string {
  const input = soleMember(inputField)
  if (input === undefined || !isInnerList(input)) return 'signature-input is not one list of the label'
  const signature = bytesOf(soleMember(signatureField))
  if (signature === undefined) return 'signature is not one string of bytes of the label'
  if (!coversExactly(input, covered)) return 'covered components'
  const stated = readParameters(input.parameters)
  return typeof stated === 'string' ? stated : { ...stated, signature }
}

function coversExactly({ items }: InnerList, names: readonly string[]): boolean {
  return items.length === names.length && items.every(({ value, parameters }, at) =>
    value.type === 'string' && value.value === names[at] && parameters.size === 0)
}

const known = new Set(['created', 'nonce', 'keyid', 'tag', 'alg'])

function readParameters(parameters: InnerList['parameters']): Omit<Fields, 'signature'> | string {
  if (Array.from(parameters.keys()).some((name) => !known.has(name))) return 'a parameter that is not known'
  const created = parameters.get('created')
  if (created?.type !== 'integer') return 'created is missing'
  const nonce = textOf(parameters.get('nonce'))
  if (nonce === undefined || !noncePattern.test(nonce)) return 'nonce'
  const keyId = textOf(parameters.get('keyid'))
  if (keyId === undefined) return 'keyid'
  if (textOf(parameters.get('tag')) !== signatureTag) return 'tag'
  const alg = parameters.get('alg')
  if (alg !== undefined && alg.type !== 'string') return 'alg'
  return { keyId, createdS: created.value, nonce, algorithm: alg?.value }
}

function refused(reason: string): SignatureReading {
  return { ok: false, reason }
}
