import type { Event } from '@ngome/contracts'
import type { CallbackHintId, DataKeyId, PaymentId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { enqueue } from '../jobs/enqueue.ts'
import { errorCode } from '../store-fault.ts'
import { inTenantPrepared } from '../transaction.ts'

export type NewCallbackHint = {
  readonly id: CallbackHintId
  readonly payment: PaymentId
  readonly dataKey: DataKeyId
  /** The raw body as it came, sealed. */
  readonly sealed: Uint8Array
  readonly receivedAtMs: number
}

/** As many as one path may store (`callback_hints.number`); a network calls once, twice where it retries. */
export const callbackHintsMax = 8

const uniqueViolation = '23505'
const foreignKeyViolation = '23503'

/**
 * Keeps what a network sent to a payment's callback path, and has the dispatcher ask the network. The hint itself is
 * believed by nobody.
 * @returns `full` where the payment has all the hints that it may have, `busy` where another came at the same moment;
 * an enquiry is on its way in both cases; `unknown` where there is no such payment
 * @throws Fault `store/unavailable`
 */
export async function recordCallbackHint(
  db: Database,
  tenant: Tenant,
  hint: NewCallbackHint,
  event: Event,
): Promise<'recorded' | 'full' | 'busy' | 'unknown'> {
  try {
    const outcome = await inTenantPrepared(db, tenant, async (tx) => {
      const { last } = await tx.selectFrom('callback_hints')
        .select((e) => e.fn.coalesce(e.fn.max('number'), e.lit(0)).as('last'))
        .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('payment', '=', hint.payment)
        .executeTakeFirstOrThrow()
      if (last >= callbackHintsMax) return 'full'
      await tx.insertInto('callback_hints').values({
        ...tenant,
        id: hint.id,
        payment: hint.payment,
        number: last + 1,
        data_key: hint.dataKey,
        sealed: hint.sealed,
        received_at: new Date(hint.receivedAtMs),
      }).execute()
      await appendEvent(tx, event)
      const asked = await tx.selectFrom('payments').select('network')
        .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', '=', hint.payment).executeTakeFirst()
      await enqueue(tx, 'payment-enquire', { ...tenant, payment: hint.payment, network: asked?.network })
      return 'recorded'
    })
    if (outcome === 'recorded') db.wake('payment-enquire')
    return outcome
  } catch (error) {
    if (errorCode(error) === uniqueViolation) return 'busy'
    if (errorCode(error) === foreignKeyViolation) return 'unknown'
    throw error
  }
}
