import { emit } from '@ngome/contracts'
import type { MerchantSigningKeyId, Tenant } from '@ngome/kernel'
import { encryptionKeys, type ProvenMerchantKey } from '@ngome/signatures'
import { eventSource, type WebhookDispatcher } from '../dispatcher.ts'

export type FindingKeys = Pick<WebhookDispatcher, 'events' | 'statementKey' | 'merchantKeyState' | 'clock' | 'random'>

/**
 * The newest key of use `encrypt` that the custodian stated for a tenant, and that neither the database nor the custodian says was
 * revoked. One that only the custodian says so of is an alarm: somebody took the revocation out of the database.
 * @throws Fault `custodian/unavailable`, `store/unavailable`
 */
export async function findEncryptionKey(dispatcher: FindingKeys, tenant: Tenant): Promise<ProvenMerchantKey | undefined> {
  const { events, statementKey, merchantKeyState, clock } = dispatcher
  const read = async (): Promise<Iterable<ProvenMerchantKey>> => encryptionKeys(await events.listSigningKeys(tenant), statementKey, clock.nowMs())
  for (const key of await read()) {
    const state = await merchantKeyState(tenant, key.id)
    if (state === 'stands') return key
    // Whoever revokes a key tells the database first: a row that was read before may be behind, one that is read now is not.
    if (state === 'revoked' && [...await read()].some(({ id }) => id === key.id)) await tell(dispatcher, tenant, key.id)
  }
  return undefined
}

/** Told once by each process: the row stays as it is until a person looks. */
const told = new WeakMap<FindingKeys['events'], Set<MerchantSigningKeyId>>()

async function tell(dispatcher: FindingKeys, tenant: Tenant, key: MerchantSigningKeyId): Promise<void> {
  const known = told.get(dispatcher.events) ?? new Set()
  told.set(dispatcher.events, known)
  if (known.has(key)) return
  const event = emit(eventSource(dispatcher), 'merchant_key.unproven', tenant, { key })
  await dispatcher.events.tell(tenant, event)
  known.add(key)
}
