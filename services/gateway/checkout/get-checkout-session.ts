import { Fault, type Clock } from '@ngome/kernel'
import { findCheckoutSession, type Database } from '@ngome/store'
import { jsonType, type Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { checkoutView } from './checkout-view.ts'

/** @throws Fault `checkout/unknown`, the same for one that never was and for another merchant's; `store/unavailable` */
export async function getCheckoutSession(
  { database, clock }: { readonly database: Database; readonly clock: Clock }, { caller, params }: Call<'getCheckoutSession'> | Call<'cancelCheckoutSession'>,
): Promise<Answer> {
  const row = await findCheckoutSession(database, caller.tenant, params.id)
  if (row === undefined) throw new Fault('checkout/unknown', `no ${params.id} for this tenant`)
  return { status: 200, contentType: jsonType, body: JSON.stringify(checkoutView(row, clock.nowMs())) }
}
