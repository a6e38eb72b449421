import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { paymentDirections } from '@ngome/contracts'
import fc from 'fast-check'
import type { EnquiryOutcome } from '../connectors/payment-network.ts'
import { sendingsMax } from './enquiry-schedule.ts'
import { judgeAnswer, type KnownSending, type Verdict } from './judge-answer.ts'

const timing = { settleAfterMs: 120_000, giveUpAfterMs: 900_000, sendWithinMs: 45_000 }
const lastMs = timing.giveUpAfterMs + timing.sendWithinMs + timing.settleAfterMs
const refusal = { fence: 1, failure: 'payer_unknown', reason: 'no such payer' } as const

const known: KnownSending = {
  direction: 'collection', isIdempotent: true, wasSeen: false, refusal: undefined, ageMs: 1_000, witnessedMs: timing.sendWithinMs + timing.settleAfterMs, sendings: 1,
}
const payout: Partial<KnownSending> = { direction: 'payout' }
const refund: Partial<KnownSending> = { direction: 'refund' }
const forgetful: Partial<KnownSending> = { isIdempotent: false }
const seen: Partial<KnownSending> = { wasSeen: true }
const refused: Partial<KnownSending> = { refusal }
const settled: Partial<KnownSending> = { ageMs: timing.settleAfterMs }
/** The clock jumped: by it, all times are over, and this process has known of the sending for moments. */
const jumped: Partial<KnownSending> = { witnessedMs: timing.sendWithinMs + timing.settleAfterMs - 1 }
const late: Partial<KnownSending> = { ageMs: lastMs }

const notFound: EnquiryOutcome = { kind: 'not_found' }
const unknown: EnquiryOutcome = { kind: 'unknown', reason: '500' }
const ambiguous: EnquiryOutcome = { kind: 'ambiguous', reason: 'in doubt' }
const differs: EnquiryOutcome = { kind: 'differs', fields: ['amount'] }

/** What becomes of a payment, in a word; `stuck` is in doubt, and told to a person. */
type Case = readonly [name: string, answer: EnquiryOutcome, known: readonly Partial<KnownSending>[], becomes: string]
const cases: readonly Case[] = [
  ['a success is one', { kind: 'succeeded', networkReference: null }, [], 'succeeded'],
  ['a success of what was in doubt for days is one', { kind: 'succeeded', networkReference: null }, [payout, late], 'succeeded'],
  ['a failure is one', { kind: 'failed', failure: 'payer_refused', reason: 'x' }, [payout], 'failed payer_refused'],
  ['a success that was taken back moved nothing in the end', { kind: 'reversed', reason: 'x' }, [payout], 'failed network_refused'],
  ['what waits is there', { kind: 'pending' }, [], 'processing'],
  ['what waits is there, however long', { kind: 'pending' }, [payout, late], 'processing'],

  ['the network does not know', ambiguous, [], 'in_doubt'],
  ['the network does not know of what it had', ambiguous, [payout, seen], 'in_doubt'],
  ['the network never comes to know', ambiguous, [late], 'stuck'],
  ['an answer about another payment', differs, [], 'in_doubt'],
  ['an answer about another payment, for days', differs, [seen, late], 'stuck'],
  ['no answer about what nobody saw arrive', unknown, [], 'in_doubt'],
  ['no answer about what was refused', unknown, [refused], 'in_doubt'],
  ['no answer about what the network has', unknown, [payout, seen], 'as it was'],
  ['no answer about what the network has, for days', unknown, [payout, seen, late], 'as it was'],
  ['no answer at all, for days', unknown, [payout, late], 'stuck'],

  ['not found too early to say', notFound, [], 'in_doubt'],
  ['not found, though it was there', notFound, [seen, late], 'stuck'],
  ['not found, though it was there, of a payout', notFound, [payout, seen, settled], 'in_doubt'],
  ['not found after the settling time: again, where it moves money once', notFound, [settled], 'send again'],
  ['a payout not found: again, where it moves money once', notFound, [payout, settled], 'send again'],
  ['a refund not found: again, where it moves money once', notFound, [refund, settled], 'send again'],
  ['not found at a network that forgets references: only asked', notFound, [settled, forgetful], 'in_doubt'],
  ['a payout not found at a network that forgets references: only asked', notFound, [payout, settled, forgetful], 'in_doubt'],
  ['a refund not found at a network that forgets references: only asked', notFound, [refund, settled, forgetful], 'in_doubt'],
  ['sent as often as it may be', notFound, [settled, { sendings: sendingsMax }], 'in_doubt'],
  ['given up, and the last sending may be under way', notFound, [{ ageMs: lastMs - 1 }], 'in_doubt'],
  ['a collection that was never found: nobody was asked for anything', notFound, [late], 'failed network_refused'],
  ['a collection never found at a network that forgets references', notFound, [late, forgetful], 'failed network_refused'],
  ['a collection not found, by a clock that jumped', notFound, [late, jumped], 'stuck'],
  ['a refused one not found, by a clock that jumped', notFound, [refused, late, jumped], 'as it was'],
  ['a payout that was never found: the money may have left', notFound, [payout, late], 'stuck'],
  ['a refund that was never found: the money may have left', notFound, [refund, late], 'stuck'],
  ['a payout never found at a network that forgets references', notFound, [payout, late, forgetful], 'stuck'],

  ['refused and not found, too early to say', notFound, [refused], 'as it was'],
  ['refused and not found: said twice', notFound, [refused, { ageMs: 165_000 }], 'failed payer_unknown'],
  ['a payout refused and not found: said twice', notFound, [payout, refused, { ageMs: 165_000 }], 'failed payer_unknown'],
  ['a refund refused and not found, too early to say', notFound, [refund, refused, settled], 'as it was'],
  ['refused, and yet it was there', notFound, [payout, refused, seen, { ageMs: 165_000 }], 'in_doubt'],
]

function inAWord(verdict: Verdict): string {
  switch (verdict.kind) {
    case 'end': return verdict.outcome.status === 'failed' ? `failed ${verdict.outcome.failure}` : 'succeeded'
    case 'send_again': return 'send again'
    case 'open': return verdict.isStuck ? 'stuck' : verdict.stands ?? 'as it was'
    default: return verdict satisfies never
  }
}

describe('what the network answers', () => {
  for (const [name, answer, changes, becomes] of cases) {
    test(`${name}: ${becomes}`, () => {
      assert.equal(inAWord(judgeAnswer(answer, Object.assign({}, known, ...changes) as KnownSending, timing)), becomes)
    })
  }
  test('an answer about another payment is told with what differs', () => {
    const verdict = judgeAnswer(differs, known, timing)
    assert(verdict.kind === 'open')
    assert.deepEqual(verdict.differs, ['amount'])
  })
})

describe('whatever is known', () => {
  const answers = fc.constantFrom<EnquiryOutcome>(notFound, unknown, ambiguous, differs, { kind: 'pending' })
  const anything = fc.record({
    direction: fc.constantFrom(...paymentDirections), isIdempotent: fc.boolean(), wasSeen: fc.boolean(),
    refusal: fc.constantFrom(undefined, refusal), ageMs: fc.integer({ min: 0, max: 10 * 86_400_000 }), witnessedMs: fc.integer({ min: 0, max: 10 * 86_400_000 }), sendings: fc.integer({ min: 1, max: 12 }),
  })
  test('nothing is sent again to a network that forgets references, that had it, or that refused it', () => {
    fc.assert(fc.property(answers, anything, (answer, about) => {
      if (judgeAnswer(answer, about, timing).kind === 'send_again') assert(about.isIdempotent && !about.wasSeen && about.refusal === undefined)
    }))
  })
  test('what goes out fails only by the network\'s own word', () => {
    fc.assert(fc.property(answers, anything, (answer, about) => {
      if (about.direction !== 'collection' && judgeAnswer(answer, about, timing).kind === 'end') assert(about.refusal !== undefined && !about.wasSeen)
    }))
  })
  test('nothing fails because it was not found before this process has watched it for as long as it may be under way', () => {
    fc.assert(fc.property(anything, (about) => {
      if (judgeAnswer(notFound, about, timing).kind === 'end') assert(about.witnessedMs >= timing.sendWithinMs + timing.settleAfterMs)
    }))
  })
  test('who is told is told of what is in doubt', () => {
    fc.assert(fc.property(answers, anything, (answer, about) => {
      const verdict = judgeAnswer(answer, about, timing)
      if (verdict.kind === 'open' && verdict.isStuck) assert.equal(verdict.stands, 'in_doubt')
    }))
  })
})
