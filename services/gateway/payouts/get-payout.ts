import { Fault } from '@ngome/kernel'
import { payoutView } from '@ngome/payments'
import { jsonType, type Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import type { PaymentReader } from '../payments/payment-reader.ts'

/** @throws Fault `payouts/unknown`, the same for one that never was and for another merchant's */
export async function getPayout(ports: { readonly reader: PaymentReader }, call: Call<'getPayout'>): Promise<Answer> {
  const row = await ports.reader.find(call.caller.tenant, call.params.id)
  if (row === undefined) throw new Fault('payouts/unknown', `no ${call.params.id} for this tenant`)
  return { status: 200, contentType: jsonType, body: JSON.stringify(payoutView(row)) }
}
