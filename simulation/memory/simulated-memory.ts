import { memoryBooks } from '../books.ts'
import type { SimulatedStore } from '../run-simulation.ts'
import { MemoryPayments } from './memory-payments.ts'
import { memoryBatchStore } from './memory-batch-store.ts'
import { memoryEventStore } from './memory-event-store.ts'
import { memoryStore } from './memory-store.ts'

/** Payments of a run in memory. */
export function simulatedMemory(memory = new MemoryPayments()): SimulatedStore {
  const store = memoryStore(memory)
  const events = memoryEventStore(memory)
  const batches = memoryBatchStore(memory)
  return {
    gateway: store, dispatcher: store, books: memoryBooks(memory),
    events: { gateway: events, dispatcher: events },
    batches: { gateway: batches, dispatcher: batches },
    addEndpoint: async (endpoint) => memory.webhooks.add(endpoint),
    recheck: async ({ id, merchant }) => memory.onJob({ queue: 'payment-enquire', data: { merchant, world: 'test', payment: id, recheck: true }, startAfterMs: 0 }),
    onJob: (take) => { memory.onJob = take },
    useClock: (clock) => { memory.nowMs = () => clock.nowMs() },
    addMerchant: async (tenant, dataKey, keys) => {
      const createdAtMs = dataKey.createdAtMs
      await store.insertDataKey({ id: dataKey.id, tenant, retention: 'payment', sealed: dataKey.sealed, createdAtMs })
      for (const { key, proof } of keys) memory.addSigningKey(tenant, key.id, { ...key, proof, createdAtMs, isRevoked: false })
    },
  }
}
