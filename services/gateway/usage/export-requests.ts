import { listRequests, loggedRequestsMax, type Database } from '@ngome/store'
import type { Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { csv } from '@ngome/payments'
import { requestFilter } from './request-filter.ts'
import { requestView } from './request-view.ts'

const columns = ['id', 'at', 'key', 'operation', 'status', 'fault', 'latency_ms', 'address', 'country', 'agent'] as const

/** Answers the newest requests as CSV, as many as one export holds; for more, end the next one where this one did. */
export async function exportRequests(ports: { readonly database: Database }, call: Call<'exportRequests'>): Promise<Answer> {
  const rows = await listRequests(ports.database, call.caller.tenant, {
    ...requestFilter(call.query), after: null, limit: loggedRequestsMax,
  })
  const lines = rows.map(requestView).map((view) => columns.map((column) => view[column]))
  return { status: 200, contentType: csvType, body: csv([[...columns], ...lines]), headers: ['content-disposition', 'attachment; filename="requests.csv"'] }
}

/** RFC 7111 and RFC 4180 §3. */
export const csvType = 'text/csv; charset=utf-8'
