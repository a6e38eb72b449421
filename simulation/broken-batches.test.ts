import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { systemRandom } from '@ngome/kernel'
import type { BatchStore } from '@ngome/store'
import { MemoryPayments } from './memory/memory-payments.ts'
import { simulatedMemory } from './memory/simulated-memory.ts'
import type { SimulatedStore } from './run-simulation.ts'
import { forgetting, stranger } from './testing/bend.ts'
import { runSeeded as run } from './testing/run-seeded.ts'
import { sees } from './testing/sees.ts'

const operations = 1_000
const seed = 42
/** So many of its orders are batches that each claim has some. */
const batches = 0.3

/** What a store of batches would do that breaks its promises, and what the run says of it. */
const broken: readonly (readonly [what: string, bend: (store: SimulatedStore, memory: MemoryPayments) => SimulatedStore, claim: RegExp])[] = [
  ['forgets a part that it took', (store) => withBatches(store, { acceptPayoutPart: forgetting(store.batches.gateway.acceptPayoutPart, 5, { kind: 'accepted' }) }), /which was taken, it has 0 of/],
  ['forgets a batch that it opened', (store) => withBatches(store, { insertPayoutBatch: forgetting(store.batches.gateway.insertPayoutBatch, 3, { kind: 'accepted' }) }),
    /was opened and is lost/],
  ['takes more than was declared', (store, memory) => withBatches(store, { acceptPayoutPart: async (acceptance) => {
    const kept = memory.batches.find(acceptance.tenant, acceptance.part.batch) ?? assert.fail()
    const { declaredCount, declaredMinor } = kept.row
    kept.row = { ...kept.row, declaredCount: 1_000_000, declaredMinor: 1_000_000_000n }
    const outcome = await store.batches.gateway.acceptPayoutPart(acceptance)
    kept.row = { ...kept.row, declaredCount, declaredMinor }
    return outcome
  } }), /has more than was declared/],
  ['takes a reference of a batch twice', (store, memory) => {
    memory.batches.rows.has = () => false
    return store
  }, /has a reference twice/],
  ['takes each repetition of a part for another one', (store, memory) => {
    return withBatches(store, { acceptPayoutPart: async (acceptance) => {
      memory.batches.partsOf = () => []
      memory.batches.rows.has = () => false
      const outcome = await store.batches.gateway.acceptPayoutPart({ ...acceptance, idempotency: { ...acceptance.idempotency, keyHash: systemRandom.bytes(32) } })
      Reflect.deleteProperty(memory.batches, 'partsOf')
      return outcome
    } })
  }, /was answered with pbp_.* and with pbp_/],
  ['counts some rows of a batch in no state', (store) => withBatches(store, { findPayoutBatchStanding: async (tenant, id) => {
    const found = await store.batches.gateway.findPayoutBatchStanding(tenant, id)
    return found && { ...found, standing: found.standing.slice(1) }
  } }), /stands as its rows do not/],
  ['says that rows were cancelled, and cancels none', (store) => withBatches(store, { cancelBatchRows: async () => 0 }), /left behind as/],
  ['gives a part no rows to send', (store) => ({
    ...store, batches: { ...store.batches, dispatcher: { ...store.batches.dispatcher, findRowsToSend: forgetting(store.batches.dispatcher.findRowsToSend, 4, []) } },
  }), /pyt_.* left behind as accepted/],
  ['says that a batch was approved, and writes nothing', (store) => withBatches(store, { decidePayoutBatch: async () => 'decided' }), /pbt_.*was told to be approved, and is not/],
  ['lets who ordered a batch approve it', (store) => withBatches(store, {
    findBatchApproval: async (...args) => {
      const { asked, answer, parts } = await store.batches.gateway.findBatchApproval(...args)
      return { asked: asked === null ? null : { ...asked, ...stranger }, answer, parts: parts.map((part) => ({ ...part, keyLine: stranger.keyLine, signingKey: stranger.signingKey })) }
    },
    decidePayoutBatch: (tenant, decision) => store.batches.gateway.decidePayoutBatch(tenant, { ...decision, answer: { ...decision.answer, ...stranger } }),
  }), /pbt_.* was decided by who ordered it/],
]

function withBatches(store: SimulatedStore, bent: Partial<BatchStore>): SimulatedStore {
  return { ...store, batches: { ...store.batches, gateway: { ...store.batches.gateway, ...bent } } }
}

describe('a run sees', () => {
  for (const [what, bend, claim] of broken) {
    test(`a store that ${what}`, () => sees(claim, seed, (each) => {
      const memory = new MemoryPayments()
      return run(operations, { seed: each, batches, store: bend(simulatedMemory(memory), memory) })
    }))
  }
})
