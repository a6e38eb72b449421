import { setTimeout as sleep } from 'node:timers/promises'
import { paymentSchema, type PaymentView } from '@ngome/contracts'
import type { MerchantClient } from '@ngome/testkit'

/** A payment from acceptance to its end takes a second or two; past this it is stuck. */
const endMsMax = 60_000

/** Takes a payment that the sandbox's payer approves. */
export async function takePayment({ ngome }: MerchantClient): Promise<PaymentView> {
  return paymentSchema.parse(await ngome.payments.create({
    amount: '5.00', currency: 'EUR', network: 'mtn-sandbox', payer: { phone: '+46733123499' }, reference: 'order-1',
  }))
}

/** Waits until the payment has ended. */
export async function paymentEnd({ ngome }: MerchantClient, id: string): Promise<PaymentView> {
  for (let waitedMs = 0; ; waitedMs += 100) {
    const payment = paymentSchema.parse(await ngome.payments.get(id))
    if (payment.status === 'succeeded' || payment.status === 'failed' || waitedMs > endMsMax) return payment
    await sleep(100)
  }
}
