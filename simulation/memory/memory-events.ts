import { movementNouns } from '@ngome/contracts'
import type { PaymentId } from '@ngome/kernel'
import { eventIdOf, firstEvent, type ObjectEvent } from '@ngome/payments'
import type { PaymentRow, ProvableEvent } from '@ngome/store'

type Kept = { readonly event: ObjectEvent; proof: Uint8Array | null }

/** The events of each movement, as the database's trigger writes them: one for each change, numbered without a gap. */
export class MemoryEvents {
  readonly #byObject = new Map<PaymentId, Kept[]>()

  of(id: PaymentId): readonly ProvableEvent[] {
    return this.#byObject.get(id) ?? []
  }

  begin(row: PaymentRow, proof: Uint8Array): void {
    this.#byObject.set(row.id, [{ event: firstEvent(row), proof }])
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
    kept.push({ event, proof: prove(event, previous) })
  }
}
