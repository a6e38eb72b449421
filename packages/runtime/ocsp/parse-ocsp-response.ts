import { wholeBits } from './certificate-parts.ts'
import { contextTag, derTag, DerReader, NotDer, oidHex, oidOf, readDer, readTimeMs } from './der.ts'

/** What is said of one certificate; times in milliseconds. */
export type SingleStatus = {
  readonly hashOid: string
  readonly issuerNameHash: Uint8Array
  readonly issuerKeyHash: Uint8Array
  readonly serial: Uint8Array
  readonly status: { readonly kind: 'good' } | { readonly kind: 'unknown' } | { readonly kind: 'revoked'; readonly atMs: number }
  readonly thisUpdateMs: number
  readonly nextUpdateMs: number | undefined
  readonly hasCriticalExtension: boolean
}

/** A basic response, taken apart and not believed. */
export type OcspAnswer = {
  /** What the signature is over. */
  readonly signed: Uint8Array
  readonly responder: { readonly name: Uint8Array } | { readonly keyHash: Uint8Array }
  readonly producedAtMs: number
  readonly singles: readonly SingleStatus[]
  readonly hasCriticalExtension: boolean
  readonly algorithmOid: string
  readonly signature: Uint8Array
  /** DER each. */
  readonly certificates: readonly Uint8Array[]
}

const basicOid = oidHex('1.3.6.1.5.5.7.48.1.1')
/** RFC 5019 §2.2.1 has one; some responders sign several at once. */
const singlesMax = 32
const certificatesMax = 8
const extensionsMax = 16
const successful = 0

/**
 * Takes an OCSPResponse apart (RFC 6960 §4.2.1).
 * @returns `undefined` where the responder declines to answer
 * @throws NotDer
 */
export function parseOcspResponse(bytes: Uint8Array): OcspAnswer | undefined {
  const response = readDer(bytes, derTag.sequence)
  const { content: status } = response.next(derTag.enumerated)
  if (status.length !== 1 || (status[0] ?? 0xff) > 6) throw new NotDer('no status')
  if (status[0] !== successful) return undefined
  const explicit = response.within(contextTag(0))
  const responseBytes = explicit.within(derTag.sequence)
  const type = oidOf(responseBytes.next(derTag.oid))
  const basic = responseBytes.next(derTag.octetString).content
  for (const reader of [responseBytes, explicit, response]) reader.end()
  if (type !== basicOid) throw new NotDer('a response of another type')
  return parseBasic(basic)
}

function parseBasic(bytes: Uint8Array): OcspAnswer {
  const basic = readDer(bytes, derTag.sequence)
  const data = basic.next(derTag.sequence)
  const algorithmOid = readAlgorithm(basic)
  const signature = wholeBits(basic.next(derTag.bitString).content)
  const certificates = basic.optional(contextTag(0))
  basic.end()
  return {
    ...parseData(data.content), signed: data.raw, algorithmOid, signature,
    certificates: certificates === undefined ? [] : readDer(certificates.content, derTag.sequence).all(derTag.sequence, certificatesMax).map(({ raw }) => raw),
  }
}

function parseData(content: Uint8Array): Pick<OcspAnswer, 'responder' | 'producedAtMs' | 'singles' | 'hasCriticalExtension'> {
  const data = new DerReader(content)
  // DER leaves the default version out, and there is no other (RFC 6960 §4.2.1); some write it all the same.
  const version = data.optional(contextTag(0))
  if (version !== undefined && Buffer.from(version.content).toString('hex') !== '020100') throw new NotDer('another version')
  const id = data.any()
  const responder = readResponder(id.tag, new DerReader(id.content))
  const producedAtMs = readTimeMs(data.next(derTag.generalizedTime))
  const singles = data.within(derTag.sequence).all(derTag.sequence, singlesMax).map((single) => parseSingle(new DerReader(single.content)))
  const hasCriticalExtension = readExtensions(data)
  data.end()
  return { responder, producedAtMs, singles, hasCriticalExtension }
}

function readResponder(tag: number, inner: DerReader): OcspAnswer['responder'] {
  const value = inner.any()
  inner.end()
  if (tag === contextTag(1) && value.tag === derTag.sequence) return { name: value.raw }
  if (tag === contextTag(2) && value.tag === derTag.octetString) return { keyHash: value.content }
  throw new NotDer('a responder without a name')
}

function parseSingle(single: DerReader): SingleStatus {
  const id = single.within(derTag.sequence)
  const hashOid = readAlgorithm(id)
  const issuerNameHash = id.next(derTag.octetString).content
  const issuerKeyHash = id.next(derTag.octetString).content
  const serial = id.next(derTag.integer).content
  id.end()
  const status = readStatus(single)
  const thisUpdateMs = readTimeMs(single.next(derTag.generalizedTime))
  const next = single.optional(contextTag(0))
  const nextUpdateMs = next === undefined ? undefined : readOnlyTimeMs(next.content)
  const hasCriticalExtension = readExtensions(single)
  single.end()
  return { hashOid, issuerNameHash, issuerKeyHash, serial, status, thisUpdateMs, nextUpdateMs, hasCriticalExtension }
}

function readStatus(single: DerReader): SingleStatus['status'] {
  const { tag, content } = single.any()
  if (tag === contextTag(0, false) && content.length === 0) return { kind: 'good' }
  if (tag === contextTag(2, false) && content.length === 0) return { kind: 'unknown' }
  if (tag !== contextTag(1)) throw new NotDer('no status of a certificate')
  const revoked = new DerReader(content)
  const atMs = readTimeMs(revoked.next(derTag.generalizedTime))
  revoked.optional(contextTag(0))
  revoked.end()
  return { kind: 'revoked', atMs }
}

function readOnlyTimeMs(content: Uint8Array): number {
  const reader = new DerReader(content)
  const atMs = readTimeMs(reader.next(derTag.generalizedTime))
  reader.end()
  return atMs
}

function readAlgorithm(from: DerReader): string {
  const algorithm = from.within(derTag.sequence)
  const oid = oidOf(algorithm.next(derTag.oid))
  // Of the algorithms that we take none has parameters (RFC 4055 §2.1, RFC 5758 §3.2, RFC 8410 §3).
  if (!algorithm.isAtEnd && algorithm.any().tag !== derTag.null) return `${oid} with parameters`
  algorithm.end()
  return oid
}

/** @returns whether one of them is critical: we know none, and who marks one so must not be understood without it */
function readExtensions(from: DerReader): boolean {
  const explicit = from.optional(contextTag(1))
  if (explicit === undefined) return false
  const extensions = readDer(explicit.content, derTag.sequence).all(derTag.sequence, extensionsMax)
  return extensions.map(({ content }) => {
    const extension = new DerReader(content)
    extension.next(derTag.oid)
    const isCritical = extension.optional(derTag.boolean) !== undefined
    extension.next(derTag.octetString)
    extension.end()
    return isCritical
  }).includes(true)
}
