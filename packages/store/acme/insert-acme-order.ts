import type { Event } from '@ngome/contracts'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { errorCode, uniqueViolation, violatedConstraint } from '../store-fault.ts'
import { inPlatform } from '../transaction.ts'
import type { AcmeOrderRow } from './acme-order-row.ts'

/** The migration's bound of orders in a day. */
const tooMany = 'NG005'

/**
 * Orders a certificate, for a gateway.
 * @returns `open` where its folder has an order that is not over, `too_many` where there were as many as a day may have
 * @throws Fault `store/unavailable`
 */
export async function insertAcmeOrder(
  db: Database, { id, instance, names, csr, requestedAtMs }: Pick<AcmeOrderRow, 'id' | 'instance' | 'names' | 'csr' | 'requestedAtMs'>, event: Event,
): Promise<'ordered' | 'open' | 'too_many'> {
  const at = new Date(requestedAtMs)
  try {
    await inPlatform(db, async (tx) => {
      await tx.insertInto('acme_orders').values({ id, instance, names, csr, requested_at: at, due_at: at }).execute()
      await appendEvent(tx, event)
    })
    return 'ordered'
  } catch (error) {
    if (errorCode(error) === uniqueViolation && violatedConstraint(error) === 'acme_orders_open') return 'open'
    if (errorCode(error) === tooMany) return 'too_many'
    throw error
  }
}
