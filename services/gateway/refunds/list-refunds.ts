import { refundView } from '@ngome/payments'
import { listPayments, type Database } from '@ngome/store'
import type { Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { listPage } from '../http/list-page.ts'
import type { ListPorts } from '../http/shown-rows.ts'
import { paymentFilter } from '../payments/page-query.ts'

/** @throws Fault `request/invalid` where the cursor is not one that we gave this tenant for this search, or the search is not one */
export function listRefunds(
  ports: ListPorts & { readonly database: Database }, call: Call<'listRefunds'>,
): Promise<Answer> {
  const { caller: { tenant }, query } = call
  const { filter, name } = paymentFilter(query)
  return listPage(
    { kind: 'refund', ports, tenant, filter: name, cursor: query.cursor, limit: query.limit },
    (after, limit) => listPayments(ports.database, tenant, { ...filter, direction: 'refund', after, limit }),
    refundView,
  )
}
