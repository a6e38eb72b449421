import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { emit } from '@ngome/contracts'
import { newId, systemClock, systemRandom, type PaymentId, type PayoutBatchId, type PayoutBatchPartId, type Tenant } from '@ngome/kernel'
import { postgresBatches, postgresPayments, type ApprovalParty, type BatchStore, type PartAcceptance, type PaymentStore, type RowsChange } from '@ngome/store'
import { addTestMerchant, testAcceptance, testBatchOpening, testDatabase, testPayoutPart, type TestDatabase, type TestMerchant } from '@ngome/testkit'
import { memoryBatchStore } from './memory/memory-batch-store.ts'
import { MemoryPayments, type Job } from './memory/memory-payments.ts'
import { memoryStore } from './memory/memory-store.ts'
import { takeCommitted } from './postgres/simulated-postgres.ts'

type Stores = { readonly payments: PaymentStore; readonly batches: BatchStore }
type Subject = {
  readonly gateway: Stores
  readonly dispatcher: Stores
  readonly addMerchant: () => Promise<TestMerchant>
  /** What was committed since. */
  readonly takeJobs: () => Promise<readonly Job[]>
}

const from = { clock: systemClock, random: systemRandom }
let database: TestDatabase
const subjects: Record<string, Subject> = {}

before(async () => {
  database = await testDatabase()
  const [gateway, dispatcher] = [database.open('ngome_gateway'), database.open('ngome_dispatcher')]
  subjects['PostgreSQL'] = {
    gateway: { payments: postgresPayments(gateway), batches: postgresBatches(gateway) }, dispatcher: { payments: postgresPayments(dispatcher), batches: postgresBatches(dispatcher) },
    addMerchant: () => addTestMerchant(database), takeJobs: () => takeCommitted(database),
  }
  const memory = new MemoryPayments()
  const stores = { payments: memoryStore(memory), batches: memoryBatchStore(memory) }
  const jobs: Job[] = []
  memory.onJob = (job) => void jobs.push(job)
  subjects['memory'] = {
    gateway: stores, dispatcher: stores, takeJobs: async () => jobs.splice(0),
    addMerchant: async () => {
      const merchant: TestMerchant = { tenant: { merchant: newId('merchant', from), world: 'test' }, dataKey: newId('dataKey', from) }
      await stores.payments.insertDataKey({ id: merchant.dataKey, tenant: merchant.tenant, retention: 'payment', sealed: systemRandom.bytes(1_200), createdAtMs: systemClock.nowMs() })
      return merchant
    },
  }
})
after(() => database.close())

const newParty = (): ApprovalParty => {
  const apiKey = newId('apiKey', from)
  return { apiKey, keyLine: apiKey, signingKey: newId('merchantSigningKey', from) }
}
const [maker, second] = [newParty(), newParty()]
const proof = { base: 'b', signature: 'c2lnbmVk', body: '{}' }
type Part = Parameters<typeof testPayoutPart>[4]

/** A merchant with 10,000 at one of both stores, and what it and the dispatcher do. */
class Case {
  readonly store: Subject
  readonly merchant: TestMerchant

  private constructor(store: Subject, merchant: TestMerchant) {
    this.store = store
    this.merchant = merchant
  }

  static async of(name: string): Promise<Case> {
    const store = subjects[name] ?? assert.fail(name)
    const it = new Case(store, await store.addMerchant())
    const acceptance = testAcceptance(it.merchant)
    const { payment } = acceptance
    assert.equal((await store.gateway.payments.acceptPayment({ ...acceptance, payment: { ...payment, feeMinor: 0n, money: { amountMinor: 10_000n, currency: 'EUR' } } })).kind, 'accepted')
    const fence = await it.send(payment.id)
    const event = emit({ ...from, process: 'dispatcher' }, 'payment.succeeded', it.tenant, { payment: payment.id, status: 'succeeded' })
    await store.dispatcher.payments.recordOutcome(from, it.tenant, { payment: payment.id, fence, outcome: { status: 'succeeded', networkReference: 'n-1' }, event, prove: () => null })
    await store.takeJobs()
    return it
  }

  get tenant(): Tenant {
    return this.merchant.tenant
  }

  /** Marks what was accepted as sent. @returns the fence of its attempt */
  async send(payment: PaymentId): Promise<number> {
    const { payments } = this.store.dispatcher
    const attempt = await payments.prepareAttempt(this.tenant, payment, { id: newId('attempt', from), reference: crypto.randomUUID(), factsProof: systemRandom.bytes(32), atMs: systemClock.nowMs() })
    const { fence } = attempt ?? assert.fail()
    const event = emit({ ...from, process: 'dispatcher' }, 'payment.processing', this.tenant, { payment, status: 'processing' })
    assert.equal(await payments.markAttemptSent(this.tenant, { payment, fence, atMs: systemClock.nowMs() }, event, () => null), 'marked')
    return fence
  }

  /** A batch of rows of 500 each. */
  async open(count: number, askedBy?: ApprovalParty): Promise<PayoutBatchId> {
    const opening = testBatchOpening(this.merchant, { count, totalMinor: BigInt(count) * 500n }, { askedBy })
    assert.equal((await this.store.gateway.batches.insertPayoutBatch(...opening)).kind, 'accepted')
    return opening[0].id
  }

  part(batch: PayoutBatchId, number: number, count: number, more: Part = {}): PartAcceptance {
    return testPayoutPart(this.merchant, batch, number, count, more)
  }

  async accept(part: PartAcceptance): Promise<string> {
    return (await this.store.gateway.batches.acceptPayoutPart(part)).kind
  }

  /** A whole batch of two parts that waits for a second person. */
  async waiting(): Promise<{ readonly batch: PayoutBatchId; readonly parts: readonly [PayoutBatchPartId, PayoutBatchPartId] }> {
    const batch = await this.open(4, maker)
    const [one, two] = [this.part(batch, 2, 2, { status: 'awaiting_approval', orderedBy: maker }), this.part(batch, 1, 2, { status: 'awaiting_approval', orderedBy: maker })]
    assert.deepEqual([await this.accept(one), await this.accept(two)], ['accepted', 'accepted'])
    return { batch, parts: [one.part.id, two.part.id] }
  }

  decide(batch: PayoutBatchId, decision: 'approved' | 'refused', by: ApprovalParty = second): Promise<string> {
    return this.store.gateway.batches.decidePayoutBatch(this.tenant, {
      batch, atMs: systemClock.nowMs(), answer: decision === 'approved' ? { ...by, decision, proof } : { ...by, decision },
      event: emit({ ...from, process: 'gateway' }, `payout_batch.${decision}`, this.tenant, { batch, asked_with: by.apiKey, signed_with: by.signingKey }),
    })
  }

  expire(batch: PayoutBatchId): Promise<boolean> {
    const event = emit({ ...from, process: 'dispatcher' }, 'payout_batch.approval_expired', this.tenant, { batch })
    return this.store.dispatcher.payments.expirePayoutBatch(this.tenant, { batch, atMs: systemClock.nowMs(), event })
  }

  change(part: PayoutBatchPartId, to: RowsChange['to']): Promise<number> {
    return this.store.dispatcher.batches.changeWaitingRows(this.tenant, part, { to, atMs: systemClock.nowMs(), prove: () => null, events: (payment) => [this.#told(payment)] })
  }

  cancel(batch: PayoutBatchId): Promise<boolean> {
    const event = emit({ ...from, process: 'gateway' }, 'payout_batch.cancelled', this.tenant, { batch, asked_with: maker.apiKey, signed_with: maker.signingKey })
    return this.store.gateway.batches.cancelPayoutBatch(this.tenant, batch, systemClock.nowMs(), event)
  }

  cancelRows(batch: PayoutBatchId, limit = 10): Promise<number> {
    return this.store.gateway.batches.cancelBatchRows(this.tenant, { batch, limit, atMs: systemClock.nowMs(), event: (payment) => this.#told(payment), prove: () => null })
  }

  /** What is counted of a batch, how its rows stand, and what its merchant has left. */
  async standing(batch: PayoutBatchId): Promise<readonly unknown[]> {
    const found = await this.store.gateway.batches.findPayoutBatchStanding(this.tenant, batch)
    const [balance] = await this.store.gateway.payments.findBalances(this.tenant)
    return [found?.batch.acceptedCount, found?.batch.acceptedMinor, found?.standing.map(({ status, count, totalMinor }) => `${count} ${status} ${totalMinor}`), balance?.availableMinor]
  }

  /** Parts that there is a job of since this was last asked. */
  async due(): Promise<readonly PayoutBatchPartId[]> {
    return (await this.store.takeJobs()).flatMap((job) => job.queue === 'payout-part' ? [job.data.part] : [])
  }

  async toSend(part: PayoutBatchPartId, after: PaymentId | null = null, limit = 10): Promise<readonly PaymentId[]> {
    return this.store.dispatcher.batches.findRowsToSend(this.tenant, part, { after, limit })
  }

  #told(payment: PaymentId) {
    return emit({ ...from, process: 'gateway' }, 'payout.cancelled', this.tenant, { payment, status: 'cancelled' })
  }
}

/** What leaves a batch of four, of which two came, as it is. */
const refused: readonly (readonly [what: string, kind: string, make: (it: Case, batch: PayoutBatchId) => PartAcceptance])[] = [
  ['a number that came', 'part_taken', (it, batch) => it.part(batch, 1, 1, { name: 'other' })],
  ['a reference that came', 'reference_taken', (it, batch) => it.part(batch, 2, 1, { name: 'row-1' })],
  ['a reference twice', 'reference_taken', (it, batch) => {
    const part = it.part(batch, 2, 2)
    return { ...part, rows: part.rows.map((row) => ({ ...row, payment: { ...row.payment, reference: 'same' } })) }
  }],
  ['more rows than were declared', 'exceeds_declared', (it, batch) => it.part(batch, 2, 3, { amountMinor: 1n })],
  ['more than the declared total', 'exceeds_declared', (it, batch) => it.part(batch, 2, 1, { amountMinor: 1_001n })],
  ['the whole total and not all rows', 'exceeds_declared', (it, batch) => it.part(batch, 2, 1, { amountMinor: 1_000n })],
  ['all rows and not the whole total', 'exceeds_declared', (it, batch) => it.part(batch, 2, 2, { amountMinor: 499n })],
  ['rows that are covered one by one and not together', 'not_covered', (it, batch) => it.part(batch, 2, 2, { feeMinor: 6_000n })],
]

/** What a store of batches promises, with what must come of it. */
const contract: Readonly<Record<string, (it: Case) => Promise<void>>> = {
  'a reference opens one batch, and a key one': async (it) => {
    const opening = testBatchOpening(it.merchant, { count: 1, totalMinor: 500n })
    const [{ id, reference }] = opening
    const open = async (...args: typeof opening) => (await it.store.gateway.batches.insertPayoutBatch(...args)).kind
    assert.deepEqual([await open(...opening), await open(...opening)], ['accepted', 'replay'])
    assert.equal(await open(...testBatchOpening(it.merchant, { count: 1, totalMinor: 500n }, { reference })), 'already_opened')
    assert.equal(await it.store.gateway.batches.findBatchOfReference(it.tenant, reference), id)
  },
  'parts come in any order, are counted once each, and have one job each': async (it) => {
    const batch = await it.open(4)
    const [one, two] = [it.part(batch, 2, 2), it.part(batch, 1, 2)]
    assert.deepEqual([await it.accept(one), await it.accept(two), await it.accept(one)], ['accepted', 'accepted', 'replay'])
    assert.equal(await it.accept({ ...one, idempotency: { ...one.idempotency, fingerprint: systemRandom.bytes(32) } }), 'key_reused')
    assert.deepEqual(new Set(await it.due()), new Set([one.part.id, two.part.id]))
    assert.deepEqual(await it.standing(batch), [4, 2_000n, ['4 accepted 2000'], 8_000n])
    assert.deepEqual(await it.store.gateway.batches.findTakenReferences(it.tenant, batch, ['row-1-0', 'row-9']), new Set(['row-1-0']))
    const found = await it.store.dispatcher.payments.loadPayoutPart(it.tenant, one.part.id)
    assert.deepEqual([found?.batch, found?.number, found?.dataKey.id], [batch, 2, it.merchant.dataKey])
  },
  'a part is taken as a whole, or leaves nothing': async (it) => {
    const batch = await it.open(4)
    assert.equal(await it.accept(it.part(batch, 1, 2)), 'accepted')
    await it.store.takeJobs()
    for (const [what, kind, make] of refused) {
      assert.equal(await it.accept(make(it, batch)), kind, what)
      assert.deepEqual([await it.standing(batch), await it.store.takeJobs()], [[2, 1_000n, ['2 accepted 1000'], 9_000n], []], what)
    }
    await assert.rejects(it.accept(it.part(batch, 2, 2, { status: 'awaiting_approval' })))
    await assert.rejects(it.accept(it.part(newId('payoutBatch', from), 1, 1)))
    assert.equal(await it.accept(it.part(batch, 2, 2)), 'accepted')
  },
  'rows are sent in their order, page by page; those that were sent are found until somebody asks about them': async (it) => {
    const batch = await it.open(3)
    const part = it.part(batch, 1, 3)
    await it.accept(part)
    const ids = part.rows.map(({ payment }) => payment.id).toSorted()
    assert.deepEqual([await it.toSend(part.part.id, null, 2), await it.toSend(part.part.id, ids[1])], [ids.slice(0, 2), ids.slice(2)])
    const sent = ids[1] ?? assert.fail()
    await it.send(sent)
    const { dispatcher } = it.store
    const unasked = () => dispatcher.batches.findUnaskedRows(it.tenant, part.part.id)
    assert.deepEqual([await it.toSend(part.part.id), await unasked()], [[ids[0], ids[2]], [sent]])
    assert.equal(await dispatcher.payments.scheduleEnquiry({ ...it.tenant, payment: sent, turn: 0 }, 0), 'scheduled')
    assert.deepEqual(await unasked(), [])
    await it.store.takeJobs()
    await dispatcher.batches.schedulePart({ ...it.tenant, part: part.part.id }, 5_000)
    assert.deepEqual(await it.store.takeJobs(), [{ queue: 'payout-part', data: { ...it.tenant, part: part.part.id }, startAfterMs: 5_000 }])
  },
  'a batch that is cancelled takes no part, sends no row, and gives back what was not sent': async (it) => {
    const batch = await it.open(4)
    const part = it.part(batch, 1, 3)
    await it.accept(part)
    await it.send(part.rows[0]?.payment.id ?? assert.fail())
    assert.deepEqual([await it.cancel(batch), await it.cancel(batch), await it.cancel(newId('payoutBatch', from))], [true, true, false])
    assert.deepEqual([await it.accept(it.part(batch, 2, 1)), await it.toSend(part.part.id)], ['closed', []])
    assert.deepEqual([await it.cancelRows(batch, 1), await it.cancelRows(batch), await it.cancelRows(batch)], [1, 1, 0])
    assert.deepEqual(await it.standing(batch), [3, 1_500n, ['2 cancelled 1000', '1 processing 500'], 9_500n])
  },
  'a batch over the limit waits, whole, for who ordered none of it, and its approval has a job for each part': async (it) => {
    const { batch, parts } = await it.waiting()
    const one = await it.open(4, maker)
    assert.deepEqual([await it.due(), await it.decide(one, 'approved'), await it.decide(newId('payoutBatch', from), 'approved')], [[], 'not_awaiting', 'unknown'])
    const found = await it.store.dispatcher.payments.findBatchApproval(it.tenant, batch)
    assert.deepEqual([found.asked?.keyLine, found.answer, found.parts.map(({ number }) => number)], [maker.keyLine, null, [1, 2]])
    for (const thief of [maker, { ...second, signingKey: maker.signingKey }, { ...second, keyLine: maker.keyLine }]) await assert.rejects(it.decide(batch, 'approved', thief))
    await assert.rejects(it.change(parts[0], { status: 'accepted' }))
    assert.deepEqual([await it.decide(batch, 'approved'), await it.decide(batch, 'approved'), await it.decide(batch, 'refused')], ['decided', 'decided', 'not_awaiting'])
    assert.deepEqual(new Set(await it.due()), new Set(parts))
    const decision = () => it.store.dispatcher.batches.findPartDecision(it.tenant, parts[0])
    assert.deepEqual([await decision(), await it.change(parts[0], { status: 'accepted' }), await decision(), await it.change(parts[0], { status: 'accepted' })], [{ batch, decision: 'approved' }, 2, undefined, 0])
    assert.deepEqual(await it.standing(batch), [4, 2_000n, ['2 accepted 1000', '2 awaiting_approval 1000'], 8_000n])
    assert.equal((await it.store.gateway.batches.findBatchApproval(it.tenant, batch)).answer?.decision, 'approved')
  },
  'what a second person refuses fails and gives its money back': async (it) => {
    const { batch, parts: [one, two] } = await it.waiting()
    assert.deepEqual([await it.decide(batch, 'refused'), await it.accept(it.part(batch, 3, 1, { status: 'awaiting_approval' }))], ['decided', 'closed'])
    const failed = { status: 'failed', failure: 'approval_refused' } as const
    assert.deepEqual([await it.change(one, failed), await it.change(two, failed)], [2, 2])
    assert.deepEqual(await it.standing(batch), [4, 2_000n, ['4 failed 2000'], 10_000n])
  },
  'what nobody decided expires once; what was approved and cancelled is not let go on': async (it) => {
    const { batch, parts } = await it.waiting()
    const undecided = async () => (await it.store.dispatcher.payments.findUndecidedBatches({ olderThanMs: -60_000, limit: 1_000 })).map((each) => each.batch).includes(batch)
    assert.deepEqual([await undecided(), await it.expire(batch), await it.expire(batch), await undecided()], [true, true, false, false])
    assert.deepEqual([new Set(await it.due()), await it.decide(batch, 'approved')], [new Set(parts), 'not_awaiting'])
    assert.equal((await it.store.dispatcher.batches.findPartDecision(it.tenant, parts[0]))?.decision, 'expired')
    const other = await it.waiting()
    await it.decide(other.batch, 'approved')
    await it.cancel(other.batch)
    assert.equal(await it.store.dispatcher.batches.findPartDecision(it.tenant, other.parts[0]), undefined)
    await assert.rejects(it.expire(await it.open(1)))
  },
  'one batch is counted for a reference, and one body for a part': async (it) => {
    const batch = await it.open(4)
    const { written } = await it.store.dispatcher.payments.loadBatchOpening(it.tenant, batch) ?? assert.fail()
    const word = { batch, ...written, signingKey: maker.signingKey }
    const claim = (of: typeof word) => it.store.dispatcher.payments.claimBatchWord(it.tenant, { ...of, atMs: systemClock.nowMs() })
    assert.deepEqual([await claim(word), await claim({ ...word, signingKey: second.signingKey }), await claim({ ...word, batch: newId('payoutBatch', from) })], [word, word, undefined])
    assert.deepEqual(await it.store.dispatcher.payments.findBatchWord(it.tenant, batch), word)
    const count = (number: number, digest: Uint8Array) => it.store.dispatcher.payments.claimPartWord(it.tenant, { batch, number, digest, count: 2, total: { amountMinor: 1_000n, currency: 'EUR' }, atMs: systemClock.nowMs() })
    const [one, other] = [systemRandom.bytes(32), systemRandom.bytes(32)]
    assert.deepEqual([await count(1, one), await count(1, one), await count(1, other), await count(2, other)], [
      { kind: 'claimed', batchCount: 2, batchMinor: 1_000n }, { kind: 'claimed', batchCount: 2, batchMinor: 1_000n }, { kind: 'other' }, { kind: 'claimed', batchCount: 4, batchMinor: 2_000n },
    ])
  },
  'a batch is another tenant\'s business nowhere': async (it) => {
    const { batch, parts: [part] } = await it.waiting()
    const live: Tenant = { ...it.tenant, world: 'live' }
    const { gateway, dispatcher } = it.store
    assert.deepEqual([await gateway.batches.findPayoutBatch(live, batch), await gateway.batches.findPayoutBatchStanding(live, batch)], [undefined, undefined])
    assert.deepEqual([await dispatcher.payments.loadPayoutPart(live, part), await dispatcher.payments.loadBatchOpening(live, batch)], [undefined, undefined])
    assert.deepEqual(await gateway.batches.findBatchApproval(live, batch), { asked: null, answer: null, parts: [] })
    await assert.rejects(it.accept({ ...it.part(batch, 3, 1), tenant: live }))
  },
}

for (const name of ['memory', 'PostgreSQL']) {
  describe(`batches in ${name}`, () => {
    for (const [claim, holds] of Object.entries(contract)) test(claim, async () => holds(await Case.of(name)))
  })
}
