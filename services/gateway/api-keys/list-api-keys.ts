import type { KeyReminders } from '@ngome/access'
import type { Clock } from '@ngome/kernel'
import { listOwnApiKeys, type Database } from '@ngome/store'
import type { Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { listPage } from '../http/list-page.ts'
import type { ListPorts } from '../http/shown-rows.ts'
import { apiKeyView } from './api-key-view.ts'

export type ReadKeysPorts = { readonly database: Database; readonly clock: Clock; readonly reminders: KeyReminders }

/** @throws Fault `request/invalid` where the cursor is not one that we gave this tenant for this list */
export function listApiKeys(ports: ReadKeysPorts & ListPorts, call: Call<'listApiKeys'>): Promise<Answer> {
  const { tenant } = call.caller
  const nowMs = ports.clock.nowMs()
  return listPage(
    { kind: 'apiKey', ports, tenant, filter: '', cursor: call.query.cursor, limit: call.query.limit },
    (after, limit) => listOwnApiKeys(ports.database, tenant, { after, limit }),
    (row) => apiKeyView(tenant, row, ports.reminders, nowMs),
  )
}
