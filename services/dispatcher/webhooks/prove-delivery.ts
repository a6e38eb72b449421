import { createHmac } from 'node:crypto'
import { equalsInConstantTime, lengthPrefixed, type EventId, type Secret, type WebhookDeliveryId } from '@ngome/kernel'
import type { PaymentRow } from '@ngome/store'

/** Separate these MACs from each other and from every other use of the secret, callbacks' paths first. */
const factsLabel = 'ngome/webhook-facts/v1'
const deliveryLabel = 'ngome/webhook-delivery/v1'

/**
 * Proves the columns of a payment as they were compared with what was sealed, before money moved. Only who holds the
 * secret, which no database does, can make one.
 * @returns 32 bytes, HMAC-SHA-256
 */
export function proveFacts(secret: Secret<Uint8Array>, payment: PaymentRow): Uint8Array {
  return macOf(secret, factsLabel, lengthPrefixed(
    payment.tenant.merchant, payment.tenant.world, payment.id, String(payment.amountMinor), payment.currency,
    payment.network, payment.payerMasked, payment.reference, String(payment.createdAtMs),
    // Records from before there were any have neither.
    ...payment.feeMinor === 0n && payment.original === null ? [] : [String(payment.feeMinor), payment.original ?? ''],
  ))
}

/**
 * Proves what one webhook says, to the byte, when the payment ends; each try is held against it.
 * @returns 32 bytes, HMAC-SHA-256
 */
export function proveDelivery(
  secret: Secret<Uint8Array>,
  { delivery, event, payment, body }: {
    readonly delivery: WebhookDeliveryId; readonly event: EventId; readonly payment: PaymentRow; readonly body: Uint8Array
  },
): Uint8Array {
  return macOf(secret, deliveryLabel, lengthPrefixed(payment.tenant.merchant, payment.tenant.world, delivery, event, body))
}

export function isProof(expected: Uint8Array, proof: Uint8Array | null): boolean {
  return proof !== null && proof.length === expected.length && equalsInConstantTime(expected, proof)
}

function macOf(secret: Secret<Uint8Array>, label: string, subject: Uint8Array): Uint8Array {
  return secret.expose((key) => createHmac('sha256', key).update(label, 'utf8').update(subject).digest())
}
