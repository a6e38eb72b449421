import { Fault } from '@ngome/kernel'
import { findPayment, type Database } from '@ngome/store'
import { jsonType, type Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { paymentView } from './payment-view.ts'

/** @throws Fault `payments/unknown`, the same for one that never was and for another merchant's */
export async function getPayment(ports: { readonly database: Database }, call: Call<'getPayment'>): Promise<Answer> {
  const row = await findPayment(ports.database, call.caller.tenant, call.params.id)
  if (row === undefined) throw new Fault('payments/unknown', `no ${call.params.id} for this tenant`)
  return { status: 200, contentType: jsonType, body: JSON.stringify(paymentView(row)) }
}
