import { paymentView } from '@ngome/payments'
import { listPayments as listRows, withNextActions, type Database } from '@ngome/store'
import type { Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { listPage } from '../http/list-page.ts'
import type { ListPorts } from '../http/shown-rows.ts'
import { paymentFilter } from './page-query.ts'

/** @throws Fault `request/invalid` where the cursor is not one that we gave this tenant for this search, or the search is not one */
export function listPayments(
  ports: ListPorts & { readonly database: Database }, call: Call<'listPayments'>,
): Promise<Answer> {
  const { caller: { tenant }, query } = call
  const { filter, name } = paymentFilter(query)
  return listPage(
    { kind: 'payment', ports, tenant, filter: name, cursor: query.cursor, limit: query.limit },
    async (after, limit) => withNextActions(
      ports.database, tenant, await listRows(ports.database, tenant, { ...filter, direction: 'collection', after, limit }),
    ),
    paymentView,
  )
}
