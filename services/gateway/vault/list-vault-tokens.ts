import type { Clock } from '@ngome/kernel'
import { listVaultTokens as listRows, type Database } from '@ngome/store'
import type { Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { listPage } from '../http/list-page.ts'
import type { ListPorts } from '../http/shown-rows.ts'
import { vaultTokenView } from './vault-token-view.ts'

/** @throws Fault `request/invalid` where the cursor is not one that we gave this tenant for this list */
export function listVaultTokens(
  ports: ListPorts & { readonly database: Database; readonly clock: Clock },
  call: Call<'listVaultTokens'>,
): Promise<Answer> {
  const { tenant } = call.caller
  const { limit, fingerprint = null, cursor } = call.query
  return listPage(
    { kind: 'vaultToken', ports, tenant, filter: fingerprint ?? '', cursor, limit },
    (after, count) => listRows(ports.database, tenant, { after, limit: count, fingerprint, nowMs: ports.clock.nowMs() }),
    vaultTokenView,
  )
}
