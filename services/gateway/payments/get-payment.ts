import { Fault, type Tenant } from '@ngome/kernel'
import { paymentView } from '@ngome/payments'
import type { PaymentRow } from '@ngome/store'
import { jsonType, type Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import type { PaymentReader } from './payment-reader.ts'

/** Adds what payers have to do. @throws Fault `store/unavailable` */
type WithNextActions = (tenant: Tenant, rows: readonly PaymentRow[]) => Promise<readonly PaymentRow[]>

/** @throws Fault `payments/unknown`, the same for one that never was and for another merchant's */
export async function getPayment(ports: { readonly reader: PaymentReader; readonly withNextActions: WithNextActions }, call: Call<'getPayment'>): Promise<Answer> {
  const row = await ports.reader.find(call.caller.tenant, call.params.id)
  if (row === undefined) throw new Fault('payments/unknown', `no ${call.params.id} for this tenant`)
  const [shown] = await ports.withNextActions(call.caller.tenant, [row])
  return { status: 200, contentType: jsonType, body: JSON.stringify(paymentView(shown ?? row)) }
}
