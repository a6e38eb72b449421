import { createHash } from 'node:crypto'
import { classed, createPaymentSchema, idSchema, paymentStatuses, statedNetwork } from '@ngome/contracts'
import { Fault, parseCurrency } from '@ngome/kernel'
import type { PaymentFilter } from '@ngome/store'
import { z } from 'zod'
import { pageFields } from '../http/page-fields.ts'

/** RFC 3339, to the millisecond, which is what `created_at` shows. */
const time = classed('internal', z.iso.datetime({ offset: true }).regex(/^[^.]*(?:\.[0-9]{1,3})?(?:Z|[+-][0-9:]+)$/)).optional()

export const pageQuerySchema = z.strictObject({
  ...pageFields,
  status: classed('internal', z.enum(paymentStatuses)).optional()
    .meta({ description: 'Only payments in this state.', example: 'succeeded' }),
  reference: createPaymentSchema.shape.reference.optional().meta({ description: 'Only with this reference of yours, exactly.', example: 'order-42' }),
  network: statedNetwork.optional().meta({ description: 'Only by this network.', example: 'mtn-sandbox' }),
  currency: classed('internal', z.string().regex(/^[A-Z]{3}$/)).optional().meta({ description: 'Only in this currency, ISO 4217.', example: 'EUR' }),
  created_after: time.meta({ description: 'Only made then or later; RFC 3339, at most milliseconds.', example: '2026-11-22T00:00:00Z' }),
  created_before: time.meta({ description: 'Only made before, itself not in it.', example: '2026-11-23T00:00:00Z' }),
})
/** Of payouts, also those of one batch. */
export const payoutQuerySchema = z.strictObject({
  ...pageQuerySchema.shape,
  batch: classed('internal', idSchema('payoutBatch')).optional().meta({ description: 'Only payouts of this batch.', example: 'pbt_01k8z3f7q2e9d8m4n6p0r5s7tv' }),
})
/** Of refunds, also those of one payment. */
export const refundQuerySchema = z.strictObject({
  ...pageQuerySchema.shape,
  payment: classed('internal', idSchema('payment')).optional().meta({ description: 'Only refunds of this payment.', example: 'pay_01k8z3f7q2e9d8m4n6p0r5s7tv' }),
})
export type PageQuery = z.output<typeof pageQuerySchema>
type RefundQuery = z.output<typeof refundQuerySchema>

/**
 * What the store is asked for, and the name of it that a cursor carries, so that it is good for no other search.
 * @throws Fault `request/invalid` where the currency is none of ours, or the times hold nothing between them
 */
export function paymentFilter(query: PageQuery & Pick<Partial<RefundQuery>, 'payment'>): { readonly filter: PaymentFilter; readonly name: string } {
  const { status = null, reference = null, network = null, payment = null } = query
  const currency = query.currency === undefined ? null : parseCurrency(query.currency)
  if (currency === undefined) refuse('/currency', 'No such currency here.')
  const fromMs = msOf(query.created_after)
  const beforeMs = msOf(query.created_before)
  if (fromMs !== null && beforeMs !== null && beforeMs <= fromMs) refuse('/created_before', 'Not after `created_after`.')
  const wanted = [status, reference, network, currency, payment, fromMs, beforeMs]
  const name = wanted.every((part) => part === null) ? '' : createHash('sha256').update(JSON.stringify(wanted)).digest('base64url')
  return { filter: { status, reference, network, currency, original: payment, fromMs, beforeMs }, name }
}

function msOf(time: string | undefined): number | null {
  return time === undefined ? null : Date.parse(time)
}

function refuse(pointer: string, detail: string): never {
  throw new Fault('request/invalid', 'what is searched for', { fields: [{ pointer, detail }] })
}
