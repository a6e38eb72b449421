import { z } from 'zod'
import { classed } from './classed.ts'
import { idSchema, worldSchema } from './ids.ts'

/** How a root key was kept: in a file, in a hardware module, or nowhere but in its holders' shares. */
export const rootKinds = ['file', 'hsm', 'shares'] as const
export type RootKind = (typeof rootKinds)[number]

/**
 * What a destruction waits for besides its date: the holders of a root of shares, who bring its successor, or the operator,
 * whose configuration lets nobody make one.
 */
export const successorsAwaited = ['ceremony', 'operator'] as const
export type SuccessorAwaited = (typeof successorsAwaited)[number]

/** What the custodian certifies when merchant keys were destroyed: what, when, on whose approval, and what it means. */
export const destructionCertificateSchema = z.strictObject({
  type: classed('internal', z.literal('ngome/certificate-of-destruction/v1')),
  destruction: classed('internal', idSchema('destruction')),
  merchant: classed('internal', idSchema('merchant')),
  world: classed('internal', worldSchema),
  scope: classed('internal', z.enum(['one-key', 'all-keys'])),
  /** `purpose/name` of each key. */
  keys: classed('internal', z.array(z.string())),
  approved_by: classed('internal', z.array(idSchema('staff'))),
  requested_at: classed('internal', z.iso.datetime()),
  deleted_at: classed('internal', z.iso.datetime()),
  root_destroyed_at: classed('internal', z.iso.datetime()),
  former_root: classed('internal', z.string()),
  root: classed('internal', z.string()),
  root_kind: classed('internal', z.enum(rootKinds)),
  root_is_protected: classed('internal', z.boolean()),
  /** What the custodian has seen for itself, and what nobody but people can see to. */
  proven: classed('internal', z.array(z.string())),
  not_proven: classed('internal', z.array(z.string())),
  /** In words, for whoever relies on it. */
  meaning: classed('internal', z.string()),
  /** The custodian's log when it was signed: the row that says so, and the head of the tree up to it. */
  log: z.strictObject({ sequence: classed('internal', z.int()), hash: classed('internal', z.base64url()) }),
  issued_at: classed('internal', z.iso.datetime()),
  custodian_key: classed('internal', z.base64url()),
})
export type DestructionCertificate = z.output<typeof destructionCertificateSchema>

/** A certificate as RFC 8785 JSON, and Ed25519 (RFC 8032) over {@link destructionCertificateBytes} of it, base64url. */
export const signedDestructionCertificateSchema = z.strictObject({
  certificate: classed('internal', z.string()),
  signature: classed('internal', z.base64url()),
})
export type SignedDestructionCertificate = z.output<typeof signedDestructionCertificateSchema>

/** The bytes that are signed: a domain of their own, so that no other signature of the key can stand for one. */
export function destructionCertificateBytes(certificate: string): Uint8Array {
  return Buffer.from(`ngome/certificate-of-destruction/v1\0${certificate}`, 'utf8')
}
