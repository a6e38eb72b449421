import { z } from 'zod'
import { classed } from './classed.ts'
import { stapleFailures, stapleStatuses } from './staples.ts'

/** What a look at a public address may find, and how much that matters. A check without an alarm among them is sound. */
export const tlsFindings = {
  'old_version_accepted': 'alarm',
  'version_undecided': 'warning',
  'tls_1_3_refused': 'alarm',
  'suite_unexpected': 'alarm',
  'group_unexpected': 'alarm',
  'chain_untrusted': 'alarm',
  'name_missing': 'alarm',
  'key_weak': 'alarm',
  'signature_weak': 'alarm',
  'expired': 'alarm',
  'not_yet_valid': 'alarm',
  'expires_in_30_days': 'warning',
  'expires_in_7_days': 'alarm',
  'hsts_missing': 'alarm',
  'pin_unmatched': 'alarm',
  'staple_missing': 'alarm',
  'staple_flawed': 'alarm',
  'staple_absent': 'warning',
  'chain_changed': 'warning',
  'root_change_due': 'warning',
  'root_change_missed': 'alarm',
  'not_reached': 'warning',
} as const satisfies Readonly<Record<string, 'warning' | 'alarm'>>

export type TlsFindingCode = keyof typeof tlsFindings
export const tlsFindingCodes = Object.keys(tlsFindings) as [TlsFindingCode, ...TlsFindingCode[]]

const text = classed('internal', z.string().max(1_024))
const time = classed('internal', z.iso.datetime())
/** SHA-256 of a public key (DER, SubjectPublicKeyInfo), base64 as RFC 7469 §2.4 writes a pin. */
export const spkiPinSchema = classed('public', z.string().regex(/^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/, 'must be a SHA-256 in base64'))

/** One certificate of a chain; the leaf is the first, the root that is trusted the last, sent or not. */
export const seenCertificateSchema = z.strictObject({
  subject: text,
  issuer: text,
  serial: text,
  spki: spkiPinSchema,
  keyType: text,
  keyBits: classed('internal', z.int()).nullable(),
  signatureAlgorithm: text,
  notBefore: time,
  notAfter: time,
})
export type SeenCertificate = z.output<typeof seenCertificateSchema>

export const oldTlsVersions = ['TLSv1', 'TLSv1.1', 'TLSv1.2'] as const

/** What was seen of one public address: the evidence of K3. */
export const tlsObservationSchema = z.strictObject({
  name: text,
  port: classed('internal', z.int()),
  /** How each version before 1.3 ended: `refused` is the server's own alert about the version. */
  oldVersions: z.record(z.enum(oldTlsVersions), classed('internal', z.enum(['refused', 'accepted', 'undecided']))),
  /** `null`, or the code with which a handshake in TLS 1.3 by a client that checks everything ended. */
  refusal: text.nullable(),
  suites: z.array(text),
  groups: z.array(text),
  chain: z.array(seenCertificateSchema),
  hsts: text.nullable(),
  /** Whether the leaf demands a stapled OCSP answer (RFC 7633), and whether one came. */
  mustStaple: classed('internal', z.boolean()),
  isStapled: classed('internal', z.boolean()),
  /** What the stapled answer proves, or why it proves nothing; evidence of before this was looked at has none. */
  staple: classed('internal', z.enum([...stapleStatuses, ...stapleFailures])).optional(),
  /** Whether the leaf names a responder, so that an answer could be stapled. */
  namesResponder: classed('internal', z.boolean()).optional(),
})
export type TlsObservation = z.output<typeof tlsObservationSchema>

/** `flawed`: an alarm is among the findings. */
export const tlsVerdicts = ['sound', 'flawed', 'not_reached'] as const
export type TlsVerdict = (typeof tlsVerdicts)[number]

/** Why a certificate of the operator's, or one that came by ACME, is not served. */
export const certificateRefusals = [
  'unreadable', 'key_exposed', 'not_pem', 'key_mismatch', 'not_for_servers', 'name_missing', 'chain_disordered', 'expired', 'not_yet_valid',
  'key_weak', 'signature_weak', 'must_staple', 'names_differ', 'chain_untrusted',
] as const
export type CertificateRefusal = (typeof certificateRefusals)[number]
