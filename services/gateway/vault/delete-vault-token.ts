import { emit } from '@ngome/contracts'
import { Fault, type Clock, type Random } from '@ngome/kernel'
import { endVaultToken, type Database } from '@ngome/store'
import type { Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'

/** @throws Fault `vault/token_unknown`, the same for one that never was, another merchant's, deleted and expired */
export async function deleteVaultToken(
  ports: { readonly database: Database; readonly clock: Clock; readonly random: Random }, call: Call<'deleteVaultToken'>,
): Promise<Answer> {
  const { caller: { tenant }, params: { id } } = call
  const event = emit({ ...ports, process: 'gateway' }, 'vault.token_deleted', tenant, { token: id })
  const outcome = await endVaultToken(ports.database, tenant, id, { as: 'deleted', atMs: ports.clock.nowMs(), event })
  if (outcome === 'unknown') throw new Fault('vault/token_unknown', `no live ${id} for this tenant`)
  return { status: 204 }
}
