import { emit } from '@ngome/contracts'
import { Fault, type Clock, type Random } from '@ngome/kernel'
import { cancelCheckoutSession as cancelRow, type Database } from '@ngome/store'
import type { Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { getCheckoutSession } from './get-checkout-session.ts'

/**
 * Ends a session: its link asks nobody any more. Cancelling again says the same.
 * @throws Fault `checkout/unknown`, `checkout/not_open` where it was paid or is being paid, `store/unavailable`
 */
export async function cancelCheckoutSession(
  ports: { readonly database: Database; readonly clock: Clock; readonly random: Random }, call: Call<'cancelCheckoutSession'>,
): Promise<Answer> {
  const { caller: { tenant }, params: { id } } = call
  const event = emit({ ...ports, process: 'gateway' }, 'checkout_session.cancelled', tenant, { session: id })
  const outcome = await cancelRow(ports.database, tenant, id, ports.clock.nowMs(), event)
  if (outcome === 'under_way') throw new Fault('checkout/not_open', `${id} was paid or is being paid`)
  // One that is not there is looked for once more, and is the same fault as everywhere.
  return getCheckoutSession(ports, call)
}
