import { Fault } from '@ngome/kernel'
import { settlementView } from '@ngome/payments'
import { findSettlement, listSettlements as findSettlements } from '@ngome/store'
import { jsonType, type Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { listPage } from '../http/list-page.ts'
import type { StatementPorts } from './read-part.ts'

/** @throws Fault `settlements/unknown`, the same for one that never was and for another merchant's */
export async function getSettlement({ database }: StatementPorts, { caller: { tenant }, params: { id } }: Call<'getSettlement'>): Promise<Answer> {
  const row = await findSettlement(database, tenant, id)
  if (row === undefined) throw new Fault('settlements/unknown', `no ${id} for this tenant`)
  return { status: 200, contentType: jsonType, body: JSON.stringify(settlementView(row)) }
}

/** @throws Fault `request/invalid` where the cursor is not one that we gave this tenant for this list */
export function listSettlements(ports: StatementPorts, call: Call<'listSettlements'>): Promise<Answer> {
  const { caller: { tenant }, query: { limit, status: state = null, cursor } } = call
  return listPage(
    { kind: 'settlement', ports, tenant, filter: state ?? '', cursor, limit },
    (after, count) => findSettlements(ports.database, tenant, { after, limit: count, state }),
    settlementView,
  )
}
