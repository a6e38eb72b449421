import { parseId, type MerchantSigningKeyId } from '@ngome/kernel'
import type { HttpMessage } from '../http-messages/message.ts'
import { plainSignatureBase } from '../http-messages/signature-base.ts'
import { parseDictionary } from '../structured-fields/parse-structured.ts'
import { serializeDictionary } from '../structured-fields/serialize-structured.ts'
import { isInnerList, type BareItem, type Dictionary, type InnerList, type Member } from '../structured-fields/values.ts'
import { coveredComponents, noncePattern, signatureLabel, signatureTag, signatureToleranceS } from './profile.ts'

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
  const input = soleMember(message.field('signature-input'))
  if (input === undefined || !isInnerList(input)) return refused('signature-input is not one list of the label')
  const signature = soleMember(message.field('signature'))
  if (signature === undefined || isInnerList(signature) || signature.value.type !== 'binary' || signature.parameters.size > 0) {
    return refused('signature is not one string of bytes of the label')
  }
  const covered = coveredComponents(message.field)
  if (!coversExactly(input, covered)) return refused('covered components')
  const stated = readParameters(input.parameters, nowMs)
  if (typeof stated === 'string') return refused(stated)
  // What came is its own serialisation, so that nothing has to be written again.
  const base = plainSignatureBase(message, covered, message.field('signature-input')?.slice(signatureLabel.length + 1) ?? '')
  if (base === undefined) return refused('a component has no value')
  return { ok: true, stated: { ...stated, base, signature: signature.value.value } }
}

/** The member of our label, where it is the only one and the field is in its canonical form. */
function soleMember(value: string | undefined): Member | undefined {
  const members: Dictionary = (value === undefined ? undefined : parseDictionary([value])) ?? new Map()
  return members.size === 1 && serializeDictionary(members) === value ? members.get(signatureLabel) : undefined
}

function coversExactly({ items }: InnerList, names: readonly string[]): boolean {
  return items.length === names.length && items.every(({ value, parameters }, at) =>
    value.type === 'string' && value.value === names[at] && parameters.size === 0)
}

const known = new Set(['created', 'nonce', 'keyid', 'tag', 'alg'])

function readParameters(
  parameters: InnerList['parameters'], nowMs: number,
): Pick<StatedSignature, 'keyId' | 'createdS' | 'nonce' | 'algorithm'> | string {
  if (Array.from(parameters.keys()).some((name) => !known.has(name))) return 'a parameter that is not known'
  const created = parameters.get('created')
  if (created?.type !== 'integer') return 'created is missing'
  if (Math.abs(Math.floor(nowMs / 1_000) - created.value) > signatureToleranceS) return 'created is not of now'
  const nonce = text(parameters.get('nonce'))
  if (nonce === undefined || !noncePattern.test(nonce)) return 'nonce'
  const keyId = parseId('merchantSigningKey', text(parameters.get('keyid')) ?? '')
  if (keyId === undefined) return 'keyid'
  if (text(parameters.get('tag')) !== signatureTag) return 'tag'
  const alg = parameters.get('alg')
  if (alg !== undefined && alg.type !== 'string') return 'alg'
  return { keyId, createdS: created.value, nonce, algorithm: alg?.value }
}

function text(item: BareItem | undefined): string | undefined {
  return item?.type === 'string' ? item.value : undefined
}

function refused(reason: string): SignatureReading {
  return { ok: false, reason }
}
