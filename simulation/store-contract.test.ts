import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { emit } from '@ngome/contracts'
import { newId, systemClock, systemRandom, type CallbackHintId, type PaymentId, type Tenant } from '@ngome/kernel'
import { callbackHintsMax, postgresPayments, type Acceptance, type ApprovalParty, type NewPayment, type PaymentStore } from '@ngome/store'
import { addTestMerchant, testAcceptance, testDatabase, type TestDatabase, type TestMerchant } from '@ngome/testkit'
import { MemoryPayments } from './memory/memory-payments.ts'
import { memoryStore } from './memory/memory-store.ts'

type Subject = { readonly gateway: PaymentStore; readonly dispatcher: PaymentStore; readonly addMerchant: () => Promise<TestMerchant> }

const from = { clock: systemClock, random: systemRandom }
let database: TestDatabase
const subjects: Record<string, Subject> = {}

before(async () => {
  database = await testDatabase()
  subjects['PostgreSQL'] = {
    gateway: postgresPayments(database.open('ngome_gateway')), dispatcher: postgresPayments(database.open('ngome_dispatcher')),
    addMerchant: () => addTestMerchant(database),
  }
  const memory = memoryStore(new MemoryPayments())
  subjects['memory'] = {
    gateway: memory, dispatcher: memory,
    addMerchant: async () => {
      const tenant: Tenant = { merchant: newId('merchant', from), world: 'test' }
      const dataKey = newId('dataKey', from)
      await memory.insertDataKey({ id: dataKey, tenant, retention: 'payment', sealed: systemRandom.bytes(1_200), createdAtMs: systemClock.nowMs() })
      return { tenant, dataKey }
    },
  }
})
after(() => database.close())

/** A merchant at one of both stores, and what it and the dispatcher do. */
class Case {
  readonly store: Subject
  readonly merchant: TestMerchant

  private constructor(store: Subject, merchant: TestMerchant) {
    this.store = store
    this.merchant = merchant
  }

  static async of(name: string): Promise<Case> {
    const store = subjects[name] ?? assert.fail(name)
    return new Case(store, await store.addMerchant())
  }

  acceptance(payment: Partial<NewPayment> = {}, changes: Partial<Acceptance> = {}): Acceptance {
    const acceptance = testAcceptance(this.merchant, changes)
    const direction = payment.direction ?? 'collection'
    const id = newId(({ collection: 'payment', payout: 'payout', refund: 'refund' } as const)[direction], from)
    return { ...acceptance, payment: { ...acceptance.payment, id, ...payment } }
  }

  claimer(): (payment: PaymentId, word: string, spokenAtMs?: number | null) => Promise<'claimed' | 'spent'> {
    return (payment, word, spokenAtMs = null) => this.store.dispatcher.claimAuthorization(this.merchant.tenant, {
      payment, digest: createHash('sha256').update(`${this.merchant.tenant.merchant} ${word}`).digest(), spokenAtMs, atMs: systemClock.nowMs(),
    })
  }

  async accept(payment: Partial<NewPayment> = {}, changes: Partial<Acceptance> = {}): Promise<readonly [string, PaymentId]> {
    const acceptance = this.acceptance(payment, changes)
    return [(await this.store.gateway.acceptPayment(acceptance)).kind, acceptance.payment.id]
  }

  prepare(payment: PaymentId) {
    return this.store.dispatcher.prepareAttempt(this.merchant.tenant, payment, {
      id: newId('attempt', from), reference: crypto.randomUUID(), factsProof: systemRandom.bytes(32), atMs: systemClock.nowMs(),
    })
  }

  markSent(payment: PaymentId, fence: number) {
    return this.store.dispatcher.markAttemptSent(this.merchant.tenant, { payment, fence, atMs: systemClock.nowMs() }, this.#told('payment.processing', payment), () => null)
  }

  markNewSent(payment: PaymentId) {
    const made = { id: newId('attempt', from), reference: crypto.randomUUID(), factsProof: systemRandom.bytes(32), atMs: systemClock.nowMs() }
    return this.store.dispatcher.markNewAttemptSent(this.merchant.tenant, payment, made, this.#told('payment.processing', payment), () => null)
  }

  markStanding(payment: PaymentId, fence: number, status: 'processing' | 'in_doubt') {
    return this.store.dispatcher.markStanding(this.merchant.tenant, { payment, fence, status, atMs: systemClock.nowMs() }, this.#told('payment.processing', payment), () => null)
  }

  end(payment: PaymentId, fence: number | null, status: 'succeeded' | 'failed') {
    const outcome = status === 'succeeded' ? { status, networkReference: 'n-1' } as const : { status, failure: 'payer_refused', networkReason: 'NO' } as const
    return this.store.dispatcher.recordOutcome(from, this.merchant.tenant, { payment, fence, outcome, event: this.#told('payment.processing', payment), prove: () => null })
  }

  reverse(payment: PaymentId, areRefundsReversals = false) {
    const event = emit({ ...from, process: 'dispatcher' }, 'payment.reversed', this.merchant.tenant, { payment, status: 'reversed' })
    return this.store.dispatcher.recordReversal(from, this.merchant.tenant, { payment, event, prove: () => null, areRefundsReversals })
  }

  async cancel(payment: PaymentId): Promise<string> {
    const event = this.#told('payment.processing', payment)
    return (await this.store.gateway.withdrawPayment(this.merchant.tenant, { payment, to: { status: 'cancelled' }, atMs: systemClock.nowMs(), event, prove: () => null })).kind
  }

  /** A payout that waits for a second person, and who asked for it. */
  async awaitApproval(amountMinor: bigint): Promise<readonly [PaymentId, ApprovalParty]> {
    const asked = party()
    const [kind, id] = await this.accept({ direction: 'payout', status: 'awaiting_approval', money: { amountMinor, currency: 'EUR' } }, { askedBy: asked })
    assert.equal(kind, 'accepted')
    return [id, asked]
  }

  async approve(payment: PaymentId, by: ApprovalParty): Promise<string> {
    const event = this.#told('payment.processing', payment)
    const answer = { ...by, decision: 'approved', proof: { base: 'b', signature: 'c2lnbmVk', body: '{}' } } as const
    return (await this.store.gateway.approvePayout(this.merchant.tenant, { payment, answer, atMs: systemClock.nowMs(), event, prove: () => null })).kind
  }

  async endUnapproved(payment: PaymentId, by: 'nobody' | ApprovalParty): Promise<string> {
    const event = this.#told('payment.processing', payment)
    const store = by === 'nobody' ? this.store.dispatcher : this.store.gateway
    return (await store.withdrawPayment(this.merchant.tenant, {
      payment, atMs: systemClock.nowMs(), event, prove: () => null,
      ...by === 'nobody' ? { to: { status: 'failed', failure: 'approval_expired' } } : { to: { status: 'failed', failure: 'approval_refused' }, refusal: { ...by, decision: 'refused' } },
    })).kind
  }

  async succeed(amountMinor: bigint): Promise<PaymentId> {
    const [, id] = await this.accept({ money: { amountMinor, currency: 'EUR' } })
    await this.prepare(id)
    await this.markSent(id, 1)
    assert.equal(await this.end(id, 1, 'succeeded'), 'recorded')
    return id
  }

  async state(payment: PaymentId): Promise<readonly unknown[]> {
    const loaded = await this.store.dispatcher.loadPaymentForDispatch(this.merchant.tenant, payment)
    const { attempt } = loaded ?? {}
    return [loaded?.status, loaded?.failure, attempt?.state, attempt?.fence, attempt?.sendings]
  }

  async balance(): Promise<readonly bigint[]> {
    const [balance] = await this.store.gateway.findBalances(this.merchant.tenant)
    return balance === undefined ? [] : [balance.availableMinor, balance.pendingMinor, balance.reservedMinor]
  }

  async owed(): Promise<bigint | undefined> {
    return (await this.store.gateway.findBalances(this.merchant.tenant))[0]?.owedMinor
  }

  #told(type: 'payment.processing', payment: PaymentId) {
    return emit({ ...from, process: 'dispatcher' }, type, this.merchant.tenant, { payment, status: 'processing' })
  }
}

function party(): ApprovalParty {
  const apiKey = newId('apiKey', from)
  return { apiKey, keyLine: apiKey, signingKey: newId('merchantSigningKey', from) }
}

const euros = (amountMinor: bigint) => ({ money: { amountMinor, currency: 'EUR' } }) as const

/** What a store of payments promises, with what must come of it. */
const contract: Readonly<Record<string, (it: Case) => Promise<void>>> = {
  'a payment is accepted once for a key, and repeated with the same answer': async (it) => {
    const first = it.acceptance()
    assert.equal((await it.store.gateway.acceptPayment(first)).kind, 'accepted')
    const again = it.acceptance({}, { idempotency: { ...first.idempotency, answer: { status: 201, body: 'another' } } })
    assert.deepEqual(await it.store.gateway.acceptPayment(again), { kind: 'replay', ...first.idempotency.answer })
    assert.equal(await it.store.gateway.findPayment(it.merchant.tenant, again.payment.id), undefined)
    const other = it.acceptance({}, { idempotency: { ...first.idempotency, fingerprint: systemRandom.bytes(32) } })
    assert.deepEqual(await it.store.gateway.acceptPayment(other), { kind: 'key_reused' })
    const others = await Case.of(it.store === subjects['memory'] ? 'memory' : 'PostgreSQL')
    assert.equal((await others.accept({}, { idempotency: first.idempotency }))[0], 'accepted')
  },
  'a nonce is spent with an effect, or with a repetition, and never twice': async (it) => {
    const nonce = { keyId: newId('merchantSigningKey', from), nonce: Buffer.from(systemRandom.bytes(24)).toString('base64url'), createdS: Math.floor(systemClock.nowMs() / 1_000) }
    const first = it.acceptance()
    const signed = { ...first, idempotency: { ...first.idempotency, nonce } }
    const unknownKey = { ...signed, payment: { ...signed.payment, dataKey: newId('dataKey', from) } }
    await assert.rejects(it.store.gateway.acceptPayment(unknownKey), { code: '23503' })
    assert.equal((await it.store.gateway.acceptPayment(signed)).kind, 'accepted')
    assert.equal((await it.store.gateway.acceptPayment(signed)).kind, 'nonce_seen')
    const next = { ...nonce, nonce: Buffer.from(systemRandom.bytes(24)).toString('base64url') }
    const repeated = { ...signed, idempotency: { ...signed.idempotency, nonce: next } }
    assert.equal((await it.store.gateway.acceptPayment(repeated)).kind, 'replay')
    assert.equal((await it.store.gateway.acceptPayment(repeated)).kind, 'nonce_seen')
  },
  'an attempt has one reference for ever, and a fence that only grows': async (it) => {
    const [, id] = await it.accept()
    const [first, second] = [await it.prepare(id), await it.prepare(id)]
    assert.equal(second?.reference, first?.reference)
    assert.equal(await it.markSent(id, 1), 'superseded')
    assert.equal(await it.end(id, 1, 'failed'), 'superseded')
    assert.equal(await it.end(id, null, 'failed'), 'superseded')
    assert.equal(await it.end(id, 2, 'succeeded'), 'superseded')
    assert.equal(await it.markSent(id, 2), 'marked')
    assert.deepEqual(await it.state(id), ['processing', null, 'sent', 2, 1])
    const again = (fence: number, sendings: number) => it.store.dispatcher.markAttemptSentAgain(it.merchant.tenant, { payment: id, fence, sendings })
    assert.deepEqual([await again(2, 1), await again(2, 1), await again(1, 2)], ['marked', 'superseded', 'superseded'])
    assert.equal(await it.end(id, 2, 'succeeded'), 'recorded')
    assert.deepEqual(await it.state(id), ['succeeded', null, 'known', 2, 2])
    assert.equal(await it.end(id, 2, 'succeeded'), 'superseded')
    assert.equal(await it.prepare(id), undefined)
  },
  'an attempt that is made as sent is made once, where nobody made one, of what is accepted': async (it) => {
    const [[, id], [, prepared], [, cancelled], [, failed]] = [await it.accept(), await it.accept(), await it.accept(), await it.accept()]
    const marks = await Promise.all(Array.from({ length: 8 }, () => it.markNewSent(id)))
    assert.deepEqual([marks.filter((mark) => mark === 'marked').length, await it.markNewSent(id)], [1, 'superseded'])
    assert.deepEqual(await it.state(id), ['processing', null, 'sent', 1, 1])
    const reference = async () => (await it.store.dispatcher.loadPaymentForDispatch(it.merchant.tenant, id))?.attempt?.reference
    const first = await reference()
    assert.ok(first !== undefined)
    assert.deepEqual([(await it.prepare(id))?.reference, await it.markSent(id, 2), await reference()], [first, 'superseded', first])
    assert.equal(await it.end(id, 2, 'succeeded'), 'recorded')
    await it.prepare(prepared)
    assert.equal(await it.markNewSent(prepared), 'superseded')
    assert.deepEqual(await it.state(prepared), ['accepted', null, 'prepared', 1, 0])
    assert.equal(await it.markSent(prepared, 1), 'marked')
    await it.cancel(cancelled)
    assert.deepEqual([await it.markNewSent(cancelled), (await it.state(cancelled))[2]], ['superseded', undefined])
    await it.end(failed, null, 'failed')
    assert.deepEqual([await it.markNewSent(failed), (await it.state(failed))[2]], ['superseded', undefined])
    assert.equal(await it.markNewSent(newId('payment', from)), 'superseded')
  },
  'a cancel and an attempt that is made as sent at the same moment: one of them': async (it) => {
    for (let round = 0; round < 8; round++) {
      const [, id] = await it.accept()
      const [cancelled, sent] = await Promise.all([it.cancel(id), it.markNewSent(id)])
      assert.ok(cancelled === 'withdrawn' ? sent === 'superseded' : sent === 'marked', `${cancelled} and ${sent}`)
      assert.equal((await it.state(id))[2], sent === 'marked' ? 'sent' : undefined)
    }
  },
  'what was never tried fails for nobody\'s fence': async (it) => {
    const [, id] = await it.accept()
    assert.equal(await it.end(id, null, 'failed'), 'recorded')
    assert.deepEqual(await it.state(id), ['failed', 'payer_refused', undefined, undefined, undefined])
  },
  'what was sent stands in doubt or not, for who holds it': async (it) => {
    const [, id] = await it.accept()
    assert.equal(await it.markStanding(id, 1, 'in_doubt'), 'unchanged')
    await it.prepare(id)
    assert.equal(await it.markStanding(id, 1, 'processing'), 'unchanged')
    await it.markSent(id, 1)
    assert.equal(await it.markStanding(id, 2, 'in_doubt'), 'unchanged')
    assert.deepEqual([await it.markStanding(id, 1, 'in_doubt'), await it.markStanding(id, 1, 'in_doubt')], ['changed', 'unchanged'])
    assert.equal(await it.markStanding(id, 1, 'processing'), 'changed')
    assert.equal(await it.end(id, 1, 'failed'), 'recorded')
    assert.equal(await it.markStanding(id, 1, 'in_doubt'), 'unchanged')
  },
  'a cancel and a sending: whichever comes first': async (it) => {
    const [, cancelled] = await it.accept()
    await it.prepare(cancelled)
    assert.deepEqual([await it.cancel(cancelled), await it.cancel(cancelled)], ['withdrawn', 'withdrawn'])
    assert.equal(await it.markSent(cancelled, 1), 'superseded')
    const [, sent] = await it.accept()
    await it.prepare(sent)
    assert.equal(await it.markSent(sent, 1), 'marked')
    assert.equal(await it.cancel(sent), 'too_late')
    assert.equal(await it.cancel(newId('payment', from)), 'unknown')
  },
  'money is reserved when it is to go out, moves once, and comes back where it did not go': async (it) => {
    await it.succeed(1_000n)
    assert.deepEqual(await it.balance(), [1_000n, 0n, 0n])
    const [kind, payout] = await it.accept({ direction: 'payout', ...euros(600n), feeMinor: 10n })
    assert.deepEqual([kind, await it.balance()], ['accepted', [390n, 0n, 610n]])
    assert.equal((await it.accept({ direction: 'payout', ...euros(391n) }))[0], 'not_covered')
    const [, gone] = await it.accept({ direction: 'payout', ...euros(390n) })
    assert.deepEqual(await it.balance(), [0n, 0n, 1_000n])
    await it.prepare(gone)
    await it.markSent(gone, 1)
    await it.end(gone, 1, 'succeeded')
    await it.cancel(payout)
    assert.deepEqual(await it.balance(), [610n, 0n, 0n])
  },
  'a payout over a limit waits for one word of a second person, who is another by line and by key': async (it) => {
    await it.succeed(1_000n)
    const [id, asked] = await it.awaitApproval(600n)
    const [second, third] = [party(), party()]
    assert.deepEqual([await it.state(id), await it.balance()], [['awaiting_approval', null, undefined, undefined, undefined], [400n, 0n, 600n]])
    for (const one of [asked, { ...second, keyLine: asked.keyLine }, { ...second, signingKey: asked.signingKey }]) {
      await assert.rejects(it.approve(id, one), { code: 'NG001' })
      await assert.rejects(it.endUnapproved(id, one), { code: 'NG001' })
    }
    const { answer } = await it.store.gateway.findPayoutApproval(it.merchant.tenant, id)
    assert.equal(answer, null)
    assert.deepEqual([await it.approve(id, second), await it.approve(id, second), await it.approve(id, third)], ['approved', 'approved', 'not_awaiting'])
    assert.equal(await it.endUnapproved(id, second), 'too_late')
    const { asked: kept, answer: given } = await it.store.dispatcher.findPayoutApproval(it.merchant.tenant, id)
    assert.deepEqual([kept?.keyLine, given?.keyLine, given?.decision], [asked.keyLine, second.keyLine, 'approved'])
    await it.prepare(id)
    assert.deepEqual([await it.markSent(id, 1), await it.cancel(id), await it.approve(id, second)], ['marked', 'too_late', 'approved'])
  },
  'what a second person refuses, nobody decides in time, or its orderer takes back gives all money back': async (it) => {
    await it.succeed(1_000n)
    const [[refused], [expired], [cancelled]] = [await it.awaitApproval(300n), await it.awaitApproval(300n), await it.awaitApproval(300n)]
    const second = party()
    const found = async (olderThanMs: number) => (await it.store.dispatcher.findUnapprovedPayouts({ olderThanMs, limit: 1_000 }))
      .filter(({ tenant }) => tenant.merchant === it.merchant.tenant.merchant).map(({ payment }) => payment)
    assert.deepEqual([await found(60_000), new Set(await found(-1_000))], [[], new Set([refused, expired, cancelled])])
    assert.deepEqual([await it.endUnapproved(refused, second), await it.endUnapproved(refused, second), await it.approve(refused, second)], ['withdrawn', 'withdrawn', 'not_awaiting'])
    assert.deepEqual([await it.endUnapproved(expired, 'nobody'), await it.approve(expired, second), await it.endUnapproved(expired, second)], ['withdrawn', 'not_awaiting', 'too_late'])
    assert.deepEqual([await it.cancel(cancelled), await it.approve(cancelled, second)], ['withdrawn', 'not_awaiting'])
    assert.deepEqual([await it.balance(), await found(-1_000), await it.prepare(refused)], [[1_000n, 0n, 0n], [], undefined])
  },
  'refunds give back what came, and no more, from a collection that succeeded': async (it) => {
    const collection = await it.succeed(500n)
    const refund = (amountMinor: bigint, original: PaymentId = collection) => it.accept({ direction: 'refund', original, ...euros(amountMinor) })
    const [kind, first] = await refund(300n)
    assert.equal(kind, 'accepted')
    assert.equal((await refund(201n))[0], 'refund_exceeds')
    await it.cancel(first)
    assert.equal((await refund(500n))[0], 'accepted')
    assert.equal((await refund(1n, newId('payment', from)))[0], 'not_refundable')
    const [, open] = await it.accept()
    assert.equal((await refund(1n, open))[0], 'not_refundable')
  },
  'a success that is taken back is owed first of all, and comes to nothing': async (it) => {
    const [first, second] = [await it.succeed(1_000n), await it.succeed(500n)]
    assert.equal((await it.accept({ direction: 'payout', ...euros(1_200n) }))[0], 'accepted')
    assert.deepEqual([await it.reverse(first), await it.reverse(first)], ['recorded', 'superseded'])
    assert.deepEqual([...await it.balance(), await it.owed()], [0n, 0n, 1_200n, 700n])
    await it.succeed(600n)
    assert.deepEqual([...await it.balance(), await it.owed()], [0n, 0n, 1_200n, 100n])
    assert.equal((await it.accept({ direction: 'payout', ...euros(1n) }))[0], 'not_covered')
    await it.succeed(150n)
    assert.deepEqual([...await it.balance(), await it.owed()], [50n, 0n, 1_200n, 0n])
    assert.equal((await it.accept({ direction: 'payout', ...euros(51n) }))[0], 'not_covered')
    assert.equal((await it.accept({ direction: 'refund', original: first, ...euros(1n) }))[0], 'not_refundable')
    const [, refund] = await it.accept({ direction: 'refund', original: second, ...euros(40n), feeMinor: 2n })
    await it.prepare(refund)
    await it.markSent(refund, 1)
    assert.equal(await it.reverse(refund), 'superseded')
    await it.end(refund, 1, 'succeeded')
    assert.deepEqual([await it.balance(), await it.reverse(refund), await it.balance()], [[8n, 0n, 1_200n], 'recorded', [50n, 0n, 1_200n]])
    const [, again] = await it.accept({ direction: 'refund', original: second, ...euros(1n) })
    assert.equal(await it.reverse(second, true), 'superseded')
    await it.cancel(again)
    assert.equal(await it.reverse(second, true), 'recorded')
    const [, open] = await it.accept()
    assert.equal(await it.reverse(open), 'superseded')
    assert.deepEqual((await it.state(first)).slice(0, 3), ['reversed', null, 'known'])
  },
  'what is owed is repaid of what comes later, once': async (it) => {
    const never = new AbortController().signal
    const repay = () => it.store.dispatcher.repayDebts(from, never)
    const first = await it.succeed(1_000n)
    assert.equal((await it.accept({ direction: 'payout', ...euros(900n) }))[0], 'accepted')
    assert.equal(await it.reverse(first), 'recorded')
    await repay()
    assert.deepEqual([await repay(), ...await it.balance(), await it.owed()], [0, 0n, 0n, 900n, 900n])
    await it.succeed(1_200n)
    assert.deepEqual([await repay(), await repay(), ...await it.balance(), await it.owed()], [1, 0, 300n, 0n, 900n, 0n])
  },
  'one word of a merchant counts for one payment': async (it) => {
    const [[, one], [, other]] = [await it.accept(), await it.accept()]
    const claim = it.claimer()
    assert.deepEqual([await claim(one, 'a'), await claim(one, 'a'), await claim(other, 'a'), await claim(one, 'b'), await claim(other, 'b')],
      ['claimed', 'claimed', 'spent', 'spent', 'claimed'])
  },
  'a word that was signed again within 29 days is one, and after that another': async (it) => {
    const [first, ...others] = [await it.accept(), await it.accept(), await it.accept(), await it.accept(), await it.accept()].map(([, id]) => id)
    assert.ok(first !== undefined)
    const claim = it.claimer()
    const spokenAtMs = systemClock.nowMs()
    const days = (count: number): number => spokenAtMs + count * 86_400_000
    assert.equal(await claim(first, 'a', spokenAtMs), 'claimed')
    const said = [days(0), days(28.9), days(-28.9), null, days(29), days(-29), days(-29)].map((atMs) => async () => {
      const payment = others[0] ?? assert.fail('more than it can count')
      const claimed = await claim(payment, 'a', atMs)
      if (claimed === 'claimed') others.shift()
      return claimed
    })
    const found: string[] = []
    for (const say of said) found.push(await say())
    assert.deepEqual(found, ['spent', 'spent', 'spent', 'spent', 'claimed', 'claimed', 'spent'])
  },
  'of many who count one word at the same time one does': async (it) => {
    const ids = await Promise.all(Array.from({ length: 8 }, () => it.accept()))
    const claim = it.claimer()
    const found = await Promise.all(ids.map(([, id], at) => claim(id, 'a', systemClock.nowMs() + at * 1_000)))
    assert.equal(found.filter((one) => one === 'claimed').length, 1)
  },
  'enquiries follow one another, once each, about what was sent': async (it) => {
    const [, id] = await it.accept()
    const schedule = (turn: number) => it.store.dispatcher.scheduleEnquiry({ ...it.merchant.tenant, payment: id, turn }, 3_600_000)
    await it.prepare(id)
    assert.equal(await schedule(0), 'superseded')
    await it.markSent(id, 1)
    assert.deepEqual([await schedule(0), await schedule(0), await schedule(2), await schedule(1)], ['scheduled', 'superseded', 'superseded', 'scheduled'])
    await it.end(id, 1, 'succeeded')
    assert.equal(await schedule(2), 'superseded')
  },
  'that the network has it is noted with the next enquiry, once, whoever plans that': async (it) => {
    const [[, id], [, prepared]] = [await it.accept(), await it.accept()]
    const schedule = (payment: PaymentId, turn: number, takenAtMs?: number) =>
      it.store.dispatcher.scheduleEnquiry({ ...it.merchant.tenant, payment, turn, ...takenAtMs === undefined ? {} : { takenAtMs } }, 3_600_000)
    const takenAtMs = async (payment: PaymentId) => (await it.store.dispatcher.loadPaymentForDispatch(it.merchant.tenant, payment))?.attempt?.takenAtMs
    await it.prepare(prepared)
    assert.deepEqual([await schedule(prepared, 0, 7_000), await takenAtMs(prepared)], ['superseded', null])
    await it.markNewSent(id)
    assert.deepEqual([await schedule(id, 0), await takenAtMs(id)], ['scheduled', null])
    // Planned already by another.
    assert.deepEqual([await schedule(id, 0, 7_000), await takenAtMs(id)], ['superseded', 7_000])
    assert.deepEqual([await schedule(id, 1, 8_000), await takenAtMs(id)], ['scheduled', 7_000])
    const plans = await Promise.all(Array.from({ length: 8 }, (_, at) => schedule(id, 2, 9_000 + at)))
    assert.deepEqual([plans.filter((plan) => plan === 'scheduled').length, await takenAtMs(id)], [1, 7_000])
  },
  'hints are kept up to a bound, and judged once': async (it) => {
    const [, id] = await it.accept()
    const { tenant, dataKey } = it.merchant
    const hint = (payment: PaymentId) => {
      const event = emit({ ...from, process: 'gateway' }, 'callback.received', tenant, { payment })
      const one = { id: newId('callbackHint', from) satisfies CallbackHintId, payment, dataKey, sealed: systemRandom.bytes(120), receivedAtMs: systemClock.nowMs() }
      return it.store.gateway.recordCallbackHint(tenant, one, event)
    }
    for (let count = 0; count < callbackHintsMax; count++) assert.equal(await hint(id), 'recorded')
    assert.equal(await hint(id), 'full')
    assert.equal(await hint(newId('payment', from)), 'unknown')
    const hints = async (of: Tenant = tenant) => (await it.store.dispatcher.loadPaymentForEnquiry(of, id))?.hints
    const [first, ...rest] = await hints() ?? []
    assert.ok(first)
    const seen: unknown[] = []
    for (let time = 0; time < 2; time++) {
      await it.store.dispatcher.judgeHint(tenant, { id: first.id, payment: id, atMs: systemClock.nowMs() }, (status) => {
        seen.push(status)
        return null
      })
    }
    assert.deepEqual(seen, ['accepted'])
    assert.deepEqual((await hints())?.map((one) => one.id), rest.map((one) => one.id))
    assert.equal(await hints({ ...tenant, world: 'live' }), undefined)
    await it.prepare(id)
    assert.equal((await it.store.dispatcher.loadPaymentForEnquiry(tenant, id))?.payment.attempt?.fence, 1)
  },
  'a payment is another tenant\'s business nowhere': async (it) => {
    const [, id] = await it.accept()
    const tenant: Tenant = { ...it.merchant.tenant, world: 'live' }
    assert.equal(await it.store.gateway.findPayment(tenant, id), undefined)
    assert.equal((await it.store.gateway.findPayments(tenant, [id])).size, 0)
    assert.equal(await it.store.dispatcher.loadPaymentForDispatch(tenant, id), undefined)
    assert.deepEqual([...(await it.store.gateway.findPayments(it.merchant.tenant, [id])).keys()], [id])
    const [, other] = await it.accept()
    await it.prepare(other)
    const load = async (of: Tenant) => (await it.store.dispatcher.loadPaymentsForDispatch(of, [other, newId('payment', from), id])).map((one) => [one.id, one.attempt?.fence])
    assert.deepEqual([await load(tenant), await load(it.merchant.tenant)], [[], [[other, 1], [id, undefined]]])
  },
}

for (const name of ['memory', 'PostgreSQL']) {
  describe(`payments in ${name}`, () => {
    for (const [claim, holds] of Object.entries(contract)) test(claim, async () => holds(await Case.of(name)))
  })
}
