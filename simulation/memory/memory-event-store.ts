import type { EventStore } from '@ngome/store'
import { findAnswerIn } from './accept.ts'
import type { MemoryPayments } from './memory-payments.ts'
import { tenantKey } from './tenant-key.ts'

/** As `postgresEvents`, without a database. */
export function memoryEventStore(memory: MemoryPayments): EventStore {
  const { webhooks, events, signingKeys } = memory
  return {
    loadDelivery: async (tenant, id) => webhooks.load(tenant, id),
    waitForTurn: async (tenant, id) => webhooks.waitForTurn(tenant, id),
    recordDeliveryResult: async (tenant, seen, result, atMs) => {
      const outcome = webhooks.record(tenant, seen, result, atMs)
      if (outcome === 'recorded' && result.kind === 'given_up') memory.told.push(...result.alarms ?? [], result.event)
      if (outcome === 'recorded' && result.kind === 'delivered') memory.told.push(result.event)
      return outcome
    },
    // Nothing is settled there.
    proveByWord: async () => null,
    listSigningKeys: async (tenant) => [...signingKeys.values()].filter((key) => tenantKey(key.tenant, '') === tenantKey(tenant, '')),
    tell: async (_, event) => void memory.told.push(event),
    findAnswer: async (tenant, claim) => findAnswerIn(memory, tenant, claim),
    findWebhookEndpoint: async (tenant, id) => webhooks.endpoint(tenant, id),
    findReplayable: async (...args) => webhooks.replayable(...args),
    replayDeliveries: async ({ tenant, endpoint, ids, atMs, event, idempotency }) => {
      const before = findAnswerIn(memory, tenant, idempotency)
      if (before.kind !== 'in_flight') return before
      memory.answers.set(tenantKey(tenant, Buffer.from(idempotency.keyHash).toString('hex')), { fingerprint: idempotency.fingerprint, answer: idempotency.answer })
      webhooks.replay(tenant, endpoint, ids, atMs)
      memory.told.push(event)
      return { kind: 'accepted' }
    },
    listObjectEvents: async (tenant, page) => events.list(tenant, page),
  }
}
