import { Fault } from '@ngome/kernel'
import { payoutView } from '@ngome/payments'
import { listBatchPayouts, listPayments, type Database } from '@ngome/store'
import type { Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { listPage } from '../http/list-page.ts'
import type { ListPorts } from '../http/shown-rows.ts'
import { paymentFilter } from '../payments/page-query.ts'

/** @throws Fault `request/invalid` where the cursor is not one that we gave this tenant for this search, or the search is not one */
export function listPayouts(
  ports: ListPorts & { readonly database: Database }, call: Call<'listPayouts'>,
): Promise<Answer> {
  const { caller: { tenant }, query } = call
  const { filter, name } = paymentFilter(query)
  const { batch, status = null } = query
  if (batch !== undefined && Object.keys(query).some((member) => !withBatch.has(member))) {
    throw new Fault('request/invalid', 'a batch with other filters', { fields: [{ pointer: '/batch', detail: 'Only a status goes with a batch.' }] })
  }
  return listPage(
    { kind: 'payout', ports, tenant, filter: batch === undefined ? name : `${batch} ${name}`, cursor: query.cursor, limit: query.limit },
    (after, limit) => batch === undefined
      ? listPayments(ports.database, tenant, { ...filter, direction: 'payout', after, limit })
      : listBatchPayouts(ports.database, tenant, { batch, after, limit, status }),
    payoutView,
  )
}

/** What a batch's payouts are looked up by is an index of their own. */
const withBatch: ReadonlySet<string> = new Set(['batch', 'status', 'cursor', 'limit'])
