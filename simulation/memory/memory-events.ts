import { movementNouns } from '@ngome/contracts'
import type { PaymentId, Tenant } from '@ngome/kernel'
import { eventIdOf, firstEvent, type ObjectEvent } from '@ngome/payments'
import { parseEventPosition, type EventStore, type ObjectEventRow, type PaymentRow, type ProvableEvent } from '@ngome/store'
import { tenantKey } from './tenant-key.ts'

type Kept = { readonly event: ObjectEvent; proof: Uint8Array | null }

/** The events of each movement, as the database's trigger writes them: one for each change, numbered without a gap. */
export class MemoryEvents {
  readonly #byObject = new Map<PaymentId, Kept[]>()
  /** Of each tenant, in the order of their commits. */
  readonly #byTenant = new Map<string, Kept[]>()
  readonly #onEvent: (payment: PaymentId, told: ProvableEvent) => void

  /** @param onEvent in the transaction that writes it */
  constructor(onEvent: (payment: PaymentId, told: ProvableEvent) => void) {
    this.#onEvent = onEvent
  }

  of(id: PaymentId): readonly ProvableEvent[] {
    return this.#byObject.get(id) ?? []
  }

  begin(row: PaymentRow, proof: Uint8Array): void {
    this.#byObject.set(row.id, [])
    this.#add(row, { event: firstEvent(row), proof })
  }

  /** @param prove as the store's `proveLastEvent` has it */
  change(row: PaymentRow, prove: (event: ObjectEvent, previous: ProvableEvent | null) => Uint8Array | null): void {
    const kept = this.#byObject.get(row.id)
    const previous = kept?.at(-1)
    if (kept === undefined || previous === undefined) throw new Error(`${row.id} changes before it began`)
    const { id, tenant, direction, status, failure, updatedAtMs: atMs } = row
    const sequence = previous.event.sequence + 1
    const event: ObjectEvent = {
      id: eventIdOf(tenant, id, sequence, atMs), tenant, sequence, atMs, kind: 'movement', type: `${movementNouns[direction]}.${status}`,
      movement: row, facts: { status, failure },
    }
    this.#add(row, { event, proof: prove(event, previous) })
  }

  /** As `listObjectEvents` of the store: a position is how many came before. */
  list(tenant: Tenant, page: Parameters<EventStore['listObjectEvents']>[1]): readonly ObjectEventRow[] {
    const all = this.#byTenant.get(tenantKey(tenant, '')) ?? []
    const from = page.after === null ? 0 : Number(page.after.split(':', 1)[0])
    const isAsked = ({ event }: Kept): boolean => (page.type === null || event.type === page.type)
      && (page.object === null || (event.kind === 'movement' && event.movement.id === page.object))
    const rows: ObjectEventRow[] = []
    for (let at = from; at < all.length && rows.length < page.limit; at++) {
      const kept = all[at]
      if (kept !== undefined && isAsked(kept)) rows.push({ event: kept.event, position: parseEventPosition(`${at + 1}:0`) ?? never() })
    }
    return rows
  }

  #add({ id, tenant }: PaymentRow, kept: Kept): void {
    this.#byObject.get(id)?.push(kept)
    const key = tenantKey(tenant, '')
    const all = this.#byTenant.get(key)
    if (all === undefined) this.#byTenant.set(key, [kept])
    else all.push(kept)
    this.#onEvent(id, kept)
  }
}

function never(): never {
  throw new RangeError('no position')
}
