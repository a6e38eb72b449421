import { listRequests as listRows, type Database } from '@ngome/store'
import type { Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { listPage } from '../http/list-page.ts'
import type { ListPorts } from '../http/shown-rows.ts'
import { requestFilter } from './request-filter.ts'
import { requestView } from './request-view.ts'

/** @throws Fault `request/invalid` where the cursor is not one that we gave this tenant for this list */
export function listRequests(
  ports: ListPorts & { readonly database: Database }, call: Call<'listRequests'>,
): Promise<Answer> {
  const { tenant } = call.caller
  const { limit, cursor, ...query } = call.query
  const filter = requestFilter(query)
  return listPage(
    { kind: 'request', ports, tenant, filter: JSON.stringify(filter), cursor, limit },
    (after, count) => listRows(ports.database, tenant, { ...filter, after, limit: count }),
    requestView,
  )
}
