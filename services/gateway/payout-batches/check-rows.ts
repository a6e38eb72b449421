import type { AddPayouts } from '@ngome/contracts'
import { Fault, type FaultCode, type FieldFault } from '@ngome/kernel'
import { authorizePayment } from '../access/authorize-payment.ts'
import type { Orderer } from '../payments/place-order.ts'
import { checkOrder, type Networks, type Order } from '../payments/order.ts'

/** A row that fits, with its place in the part. */
export type CheckedRow = { readonly order: Order; readonly ordered: AddPayouts['payouts'][number]; readonly row: number }

/** The most rows that one answer names; who makes the rows has one mistake in all of them. */
const namedMax = 100
/** What a row is refused for by itself, by the code that it would get alone. */
const ofOneRow: ReadonlySet<FaultCode> = new Set(['request/invalid', 'access/cap_exceeded'])

/**
 * Holds every row of a part against what its network and the caller's key take, as if it came alone.
 * @throws Fault `request/invalid`, naming every row that is wrong, by pointer and code, and no value
 */
export function checkRows({ networks }: { readonly networks: Networks }, caller: Orderer, part: AddPayouts): readonly CheckedRow[] {
  const faults: FieldFault[] = []
  const seen = new Set<string>()
  const rows = part.payouts.flatMap((ordered, row): readonly CheckedRow[] => {
    const at = `/payouts/${row}`
    if (seen.has(ordered.reference)) {
      faults.push({ pointer: `${at}/reference`, detail: 'A row before has this reference.', code: 'payout_batches/reference_taken' })
    }
    seen.add(ordered.reference)
    const network = ordered.network ?? part.network
    if (network === undefined) {
      faults.push({ pointer: `${at}/network`, detail: 'This row, or the part for all, has to name the network: your signature says by which one.', code: 'request/invalid' })
      return []
    }
    try {
      const { amount, payee: { phone } } = ordered
      const order = checkOrder(networks, caller.tenant.world, {
        direction: 'payout', amount, currency: part.currency, network, phone: { number: phone, pointer: '/payee/phone' },
      })
      authorizePayment(caller, order)
      return [{ order, ordered, row }]
    } catch (error) {
      if (!(error instanceof Fault) || !ofOneRow.has(error.code)) throw error
      faults.push(...error.fields.map(({ pointer, detail }) => ({ pointer: `${at}${pointer}`, detail, code: error.code })))
      return []
    }
  })
  if (faults.length > 0) {
    throw new Fault('request/invalid', `rows do not fit: ${faults.length}`, { fields: faults.slice(0, namedMax) })
  }
  return rows
}
