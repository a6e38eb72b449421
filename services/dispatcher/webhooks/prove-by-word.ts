import type { Tenant } from '@ngome/kernel'
import { eventSubject, isFormless, proveEvent } from '@ngome/payments'
import type { Delivery, EventWord } from '@ngome/store'
import type { WebhookDispatcher } from '../dispatcher.ts'

type Told = NonNullable<Delivery['told']>

/**
 * The proof of what a delivery tells of. A settlement's change by the operator's command came without one and with that command's word:
 * where it is good, over all that the webhook would say, the event is proven now.
 * @returns `null` where there is none
 * @throws Fault `store/unavailable`
 */
export async function findProof(dispatcher: WebhookDispatcher, tenant: Tenant, { event, proof }: Told): Promise<Uint8Array | null> {
  if (proof !== null || event.kind !== 'settlement') return proof
  return dispatcher.events.proveByWord(tenant, event.id, (word) => judge(dispatcher, event, word))
}

function judge({ callbacks: { secret }, isOperatorsWord }: WebhookDispatcher, event: Told['event'], word: EventWord): Uint8Array | null {
  try {
    return isOperatorsWord(eventSubject(event), word, event.atMs) ? proveEvent(secret, event) : null
  } catch (error) {
    if (isFormless(error)) return null
    throw error
  }
}
