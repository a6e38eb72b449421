import type { Clock, Secret } from '@ngome/kernel'
import { listVaultTokens as listRows, type Database } from '@ngome/store'
import type { Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { listPage } from '../http/list-page.ts'
import { vaultTokenView } from './vault-token-view.ts'

/** @throws Fault `request/invalid` where the cursor is not one that we gave this tenant for this list */
export function listVaultTokens(
  ports: { readonly database: Database; readonly cursorSecret: Secret<Uint8Array>; readonly clock: Clock },
  call: Call<'listVaultTokens'>,
): Promise<Answer> {
  const { tenant } = call.caller
  const { limit, fingerprint = null, cursor } = call.query
  return listPage(
    { kind: 'vaultToken', secret: ports.cursorSecret, tenant, filter: fingerprint ?? '', cursor, limit },
    (after, count) => listRows(ports.database, tenant, { after, limit: count, fingerprint, nowMs: ports.clock.nowMs() }),
    vaultTokenView,
  )
}
