import type { KeyReminders } from '@ngome/access'
import { emit } from '@ngome/contracts'
import { Fault, type ApiKeyId, type Clock, type Random } from '@ngome/kernel'
import { findOwnApiKey, revokeOwnApiKey, type Database } from '@ngome/store'
import { jsonType, type Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { refuseBody } from '../http/refuse-body.ts'
import { askedBy } from './asked-by.ts'
import { apiKeyView } from './api-key-view.ts'

export type RevokeKeyPorts = { readonly database: Database; readonly clock: Clock; readonly random: Random; readonly reminders: KeyReminders }

/**
 * Revokes a key at once; again is the same. @throws Fault `keys/unknown`, the same for one that never was and for another
 * merchant's; `request/invalid` for a body, `store/unavailable`
 */
export async function revokeApiKey(ports: RevokeKeyPorts, call: Call<'revokeApiKey'>): Promise<Answer> {
  return revoke(ports, call, call.params.id)
}

/**
 * Revokes the key that asks. Whoever has a key may end it, a finder as well as its owner, and needs no signature for it: the worst
 * that he can do with it is what should be done with a key that others have. A publishable key everybody has.
 * @throws Fault `access/scope_missing`, `request/invalid` for a body, `store/unavailable`
 */
export async function revokeThisApiKey(ports: RevokeKeyPorts, call: Call<'revokeThisApiKey'>): Promise<Answer> {
  const { kind, apiKey } = call.caller
  if (kind !== 'secret') throw new Fault('access/scope_missing', `${apiKey} is for pages: whoever opens one would end it`)
  return revoke(ports, call, apiKey)
}

type RevokingCall = Pick<Call<'revokeApiKey'>, 'caller' | 'bytes' | 'signature'>

async function revoke(ports: RevokeKeyPorts, call: RevokingCall, id: ApiKeyId): Promise<Answer> {
  const { tenant } = call.caller
  refuseBody(call)
  const event = emit({ ...ports, process: 'gateway' }, 'api_key.revoked', tenant, { key: id, ...askedBy(call) })
  const outcome = await revokeOwnApiKey(ports.database, tenant, id, event)
  const row = outcome === 'unknown' ? undefined : await findOwnApiKey(ports.database, tenant, id)
  if (row === undefined) throw new Fault('keys/unknown', `no ${id} for this tenant`)
  return { status: 200, contentType: jsonType, body: JSON.stringify(apiKeyView(tenant, row, ports.reminders, ports.clock.nowMs())) }
}
