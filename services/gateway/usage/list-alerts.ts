import type { AlertView } from '@ngome/contracts'
import { listAlerts as listRows, type AlertRow, type Database } from '@ngome/store'
import type { Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { listPage } from '../http/list-page.ts'
import type { ListPorts } from '../http/shown-rows.ts'

/** @throws Fault `request/invalid` where the cursor is not one that we gave this tenant for this list */
export function listAlerts(
  ports: ListPorts & { readonly database: Database }, call: Call<'listAlerts'>,
): Promise<Answer> {
  const { tenant } = call.caller
  const { limit, cursor, key = null } = call.query
  return listPage(
    { kind: 'alert', ports, tenant, filter: key ?? '', cursor, limit },
    (after, count) => listRows(ports.database, tenant, { after, apiKey: key, limit: count }),
    alertView,
  )
}

function alertView({ apiKey, atMs, evidence, ...row }: AlertRow): AlertView {
  const texts = Object.fromEntries(Object.entries(evidence).map(([name, value]) => [name, String(value)]))
  return { object: 'alert', ...row, evidence: texts, key: apiKey, at: new Date(atMs).toISOString() }
}
