import { Fault } from '@ngome/kernel'
import { refundView } from '@ngome/payments'
import { jsonType, type Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import type { PaymentReader } from '../payments/payment-reader.ts'

/** @throws Fault `refunds/unknown`, the same for one that never was and for another merchant's */
export async function getRefund(ports: { readonly reader: PaymentReader }, call: Call<'getRefund'>): Promise<Answer> {
  const row = await ports.reader.find(call.caller.tenant, call.params.id)
  if (row === undefined) throw new Fault('refunds/unknown', `no ${call.params.id} for this tenant`)
  return { status: 200, contentType: jsonType, body: JSON.stringify(refundView(row)) }
}
