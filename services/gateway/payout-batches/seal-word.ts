import type { Authorization } from '@ngome/contracts'
import type { Tenant } from '@ngome/kernel'
import { seal, type SealedRecord } from '../keys/seal.ts'
import type { PlaceOrderPorts } from '../payments/place-order.ts'

/**
 * Seals what a merchant signed as a record of its own: one line of who signed it and how, then the body to the byte, whose digest the
 * signature has.
 * @throws Fault `custodian/unavailable`, `store/unavailable`
 */
export function sealWord(
  ports: Pick<PlaceOrderPorts, 'dataKeys' | 'random'>, tenant: Tenant, record: { readonly table: string; readonly recordId: string }, { body, ...word }: Authorization,
): Promise<SealedRecord> {
  return seal(ports, 'payment', { tenant, ...record, dataClass: 'restricted', version: 1 }, Buffer.from(`${JSON.stringify(word)}\n${body}`, 'utf8'))
}
