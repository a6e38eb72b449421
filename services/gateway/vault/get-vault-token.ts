import { Fault, type Clock } from '@ngome/kernel'
import { findVaultToken, type Database } from '@ngome/store'
import { jsonType, type Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { vaultTokenView } from './vault-token-view.ts'

/** @throws Fault `vault/token_unknown`, the same for one that never was, another merchant's, deleted and expired */
export async function getVaultToken(
  ports: { readonly database: Database; readonly clock: Clock }, call: Call<'getVaultToken'>,
): Promise<Answer> {
  const row = await findVaultToken(ports.database, call.caller.tenant, call.params.id, ports.clock.nowMs())
  if (row === undefined) throw new Fault('vault/token_unknown', `no live ${call.params.id} for this tenant`)
  return { status: 200, contentType: jsonType, body: JSON.stringify(vaultTokenView(row)) }
}
