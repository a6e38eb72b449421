import { createHmac } from 'node:crypto'
import { equalsInConstantTime, lengthPrefixed, type Secret, type Tenant } from '@ngome/kernel'
import type { Movement } from '@ngome/payments'

/** Separates these MACs from every other use of the secret, callbacks' paths first. */
const label = 'ngome/webhook-facts/v1'

/**
 * Proves the columns of a payment as they were compared with what was sealed, before money moved. Only who holds the
 * secret, which no database does, can make one.
 * @returns 32 bytes, HMAC-SHA-256
 */
export function proveFacts(secret: Secret<Uint8Array>, payment: Movement & { readonly tenant: Tenant }): Uint8Array {
  const subject = lengthPrefixed(
    payment.tenant.merchant, payment.tenant.world, payment.id, String(payment.amountMinor), payment.currency,
    payment.network, payment.payerMasked, payment.reference, String(payment.createdAtMs),
    // Records from before there were any have neither.
    ...payment.feeMinor === 0n && payment.original === null ? [] : [String(payment.feeMinor), payment.original ?? ''],
  )
  return secret.expose((key) => createHmac('sha256', key).update(label, 'utf8').update(subject).digest())
}

export function isProof(expected: Uint8Array, proof: Uint8Array | null): boolean {
  return proof !== null && proof.length === expected.length && equalsInConstantTime(expected, proof)
}
