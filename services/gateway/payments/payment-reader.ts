import { Fault, type PaymentId, type Tenant } from '@ngome/kernel'
import { findPaymentsMax, type PaymentRow, type PaymentStore } from '@ngome/store'
import { tenantText } from '../keys/merchant-statements.ts'

/** Reads under way for one tenant: one at a time makes each carry what came meanwhile. */
const readsPerTenantMax = 1
/** Reads of one tenant that wait for the database, ten full batches: who comes later is better told to come again. */
export const readsWaitingMax = 10 * findPaymentsMax

type Waiter = { readonly id: PaymentId; readonly resolve: (row: PaymentRow | undefined) => void; readonly reject: (error: unknown) => void }
type Queue = { readonly tenant: Tenant; readonly waiting: Waiter[]; underWay: number; isDue: boolean }

/**
 * Reads payments, those of one tenant that are asked for at the same time together: under load one round trip carries
 * many, and without load nobody waits. Each answer was read after its request came, never before.
 */
export class PaymentReader {
  readonly #payments: Pick<PaymentStore, 'findPayments'>
  readonly #queues = new Map<string, Queue>()

  constructor(payments: Pick<PaymentStore, 'findPayments'>) {
    this.#payments = payments
  }

  /** @throws Fault `store/unavailable` */
  find(tenant: Tenant, id: PaymentId): Promise<PaymentRow | undefined> {
    const name = tenantText(tenant)
    let queue = this.#queues.get(name)
    if (queue === undefined) this.#queues.set(name, queue = { tenant, waiting: [], underWay: 0, isDue: false })
    const { waiting } = queue
    if (waiting.length >= readsWaitingMax) {
      return Promise.reject(new Fault('store/unavailable', `${name} has as many reads waiting as may wait`))
    }
    const found = new Promise<PaymentRow | undefined>((resolve, reject) => waiting.push({ id, resolve, reject }))
    this.#schedule(name, queue)
    return found
  }

  #schedule(name: string, queue: Queue): void {
    if (queue.isDue || queue.underWay >= readsPerTenantMax) return
    if (queue.waiting.length === 0) {
      // Nothing waits and nothing runs: tenants that are silent take no memory.
      if (queue.underWay === 0) this.#queues.delete(name)
      return
    }
    queue.isDue = true
    // After all requests that this turn of the event loop brought.
    setImmediate(() => {
      queue.isDue = false
      void this.#read(name, queue)
    })
  }

  async #read(name: string, queue: Queue): Promise<void> {
    const batch = queue.waiting.splice(0, findPaymentsMax)
    queue.underWay++
    try {
      const rows = await this.#payments.findPayments(queue.tenant, batch.map((one) => one.id))
      for (const { id, resolve } of batch) resolve(rows.get(id))
    } catch (error) {
      for (const { reject } of batch) reject(error)
    } finally {
      queue.underWay--
      this.#schedule(name, queue)
    }
  }
}
