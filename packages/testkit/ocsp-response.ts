import { createHash, sign, type KeyObject, type X509Certificate } from 'node:crypto'
import { certificateParts, contextTag, derTag, oidHex, writeDer } from '@ngome/runtime'
import type { OcspIssued } from './ocsp-authority.ts'

export type OcspAnswerOptions = {
  readonly leaf: X509Certificate
  readonly issuer: X509Certificate
  /** Who signs; the issuer's own certificate goes without saying. */
  readonly signer: OcspIssued
  readonly isSignerSent?: boolean
  /** Sent along. */
  readonly beside?: X509Certificate
  readonly status?: 'good' | 'revoked' | 'unknown'
  readonly thisUpdate?: Date
  /** `null`: none. */
  readonly nextUpdate?: Date | null
  readonly producedAt?: Date
  readonly hash?: 'sha1' | 'sha256'
  readonly responderBy?: 'name' | 'key'
  /** What signs in the place of the signer's key. */
  readonly key?: KeyObject
  /** Of the signature; ECDSA with SHA-256. */
  readonly algorithmOid?: string
  readonly isCriticallyExtended?: 'answer' | 'single'
  /** How often the certificate's status is in it. */
  readonly times?: number
  readonly version?: number
}

const hashOids = { sha1: '1.3.14.3.2.26', sha256: '2.16.840.1.101.3.4.2.1' } as const
const dayMs = 86_400_000

const sequence = (...parts: readonly Uint8Array[]): Uint8Array => writeDer(derTag.sequence, ...parts)
const oid = (dotted: string): Uint8Array => writeDer(derTag.oid, Buffer.from(oidHex(dotted), 'hex'))
const time = (at: Date): Uint8Array => writeDer(derTag.generalizedTime, Buffer.from(`${at.toISOString().replaceAll(/[-:T]|\.\d+Z/g, '')}Z`))
const criticalExtension = writeDer(contextTag(1), sequence(sequence(
  oid('1.3.6.1.4.1.99999.1'), writeDer(derTag.boolean, new Uint8Array([0xff])), writeDer(derTag.octetString, new Uint8Array([5, 0])),
)))

/** An OCSPResponse (RFC 6960 §4.2.1), DER, well or ill made. */
export function makeOcspResponse(options: OcspAnswerOptions): Uint8Array {
  const { signer, responderBy = 'name', producedAt = new Date(), times = 1 } = options
  const { subject, publicKey } = certificateParts(signer.certificate)
  const responder = responderBy === 'name'
    ? writeDer(contextTag(1), subject)
    : writeDer(contextTag(2), writeDer(derTag.octetString, createHash('sha1').update(publicKey).digest()))
  const data = sequence(
    ...options.version === undefined ? [] : [writeDer(contextTag(0), writeDer(derTag.integer, new Uint8Array([options.version])))],
    responder, time(producedAt), sequence(...Array.from({ length: times }, () => single(options))),
    ...options.isCriticallyExtended === 'answer' ? [criticalExtension] : [],
  )
  const signature = sign('sha256', data, options.key ?? signer.privateKey)
  const sent = [...options.isSignerSent === false ? [] : [signer.certificate], ...options.beside === undefined ? [] : [options.beside]]
  const certificates = sent.length === 0 ? [] : [writeDer(contextTag(0), sequence(...sent.map(({ raw }) => raw)))]
  return successfulResponse(sequence(
    data, sequence(oid(options.algorithmOid ?? '1.2.840.10045.4.3.2')), writeDer(derTag.bitString, new Uint8Array([0]), signature), ...certificates,
  ))
}

/** What a responder says that does not answer: 1 malformedRequest, 2 internalError, 3 tryLater, 5 sigRequired, 6 unauthorized. */
export function declinedOcspResponse(status: 1 | 2 | 3 | 5 | 6): Uint8Array {
  return sequence(writeDer(derTag.enumerated, new Uint8Array([status])))
}

function successfulResponse(basic: Uint8Array): Uint8Array {
  const bytes = sequence(oid('1.3.6.1.5.5.7.48.1.1'), writeDer(derTag.octetString, basic))
  return sequence(writeDer(derTag.enumerated, new Uint8Array([0])), writeDer(contextTag(0), bytes))
}

function single({ leaf, issuer, hash = 'sha1', status = 'good', thisUpdate, nextUpdate, isCriticallyExtended }: OcspAnswerOptions): Uint8Array {
  const digest = (bytes: Uint8Array): Uint8Array => writeDer(derTag.octetString, createHash(hash).update(bytes).digest())
  const { serial, issuer: name } = certificateParts(leaf)
  const id = sequence(
    sequence(oid(hashOids[hash]), writeDer(derTag.null)), digest(name), digest(certificateParts(issuer).publicKey), writeDer(derTag.integer, serial),
  )
  const said = {
    good: () => writeDer(contextTag(0, false)),
    revoked: () => writeDer(contextTag(1), time(new Date(Date.now() - dayMs)), writeDer(contextTag(0), writeDer(derTag.enumerated, new Uint8Array([1])))),
    unknown: () => writeDer(contextTag(2, false)),
  }[status]()
  const from = thisUpdate ?? new Date(Date.now() - 60_000)
  const until = nextUpdate === undefined ? new Date(from.getTime() + 4 * dayMs) : nextUpdate
  return sequence(
    id, said, time(from), ...until === null ? [] : [writeDer(contextTag(0), time(until))], ...isCriticallyExtended === 'single' ? [criticalExtension] : [],
  )
}
