import { sign, verify, type KeyObject } from 'node:crypto'
import { lengthPrefixed, type ForwardDestinationId, type Tenant } from '@ngome/kernel'

/** An address that the operator allows a merchant to forward to. */
export type ForwardDestination = {
  readonly id: ForwardDestinationId
  readonly tenant: Tenant
  /** Everything below it; ends in a slash. */
  readonly url: string
  readonly methods: readonly string[]
  /** SHA-256 of the certificate's public key (DER, SubjectPublicKeyInfo), 32 bytes; `null`: any that the authority vouches for. */
  readonly certificateSha256: Uint8Array | null
  /** Authority to trust in place of the system's, PEM. */
  readonly authority: string | null
  readonly expiresAtMs: number
}

declare const proven: unique symbol
/** A destination that the custodian signed and whose time is not over; only {@link proveDestination} makes one. */
export type ProvenDestination = ForwardDestination & { readonly [proven]: true }

/** Separates these statements from all others that the custodian signs. */
const label = 'ngome/forward-destination/v1'

/** @returns the custodian's Ed25519 signature over every field, 64 bytes */
export function signDestination(destination: ForwardDestination, privateKey: KeyObject): Uint8Array {
  return sign(null, statementOf(destination), privateKey)
}

/**
 * Holds a row against the custodian's signature: whoever owns the tables can write a row, and cannot sign one.
 * @returns `undefined` where a field is not what was signed, or its time is over
 */
export function proveDestination(
  destination: ForwardDestination, proof: Uint8Array, statementKey: KeyObject, nowMs: number,
): ProvenDestination | undefined {
  const isProven = destination.expiresAtMs > nowMs && verify(null, statementOf(destination), statementKey, proof)
  return isProven ? destination as ProvenDestination : undefined
}

function statementOf({ id, tenant, url, methods, certificateSha256, authority, expiresAtMs }: ForwardDestination): Uint8Array {
  return lengthPrefixed(
    label, tenant.merchant, tenant.world, id, url, methods.join(','), certificateSha256 ?? '', authority ?? '', expiresAtMs,
  )
}
