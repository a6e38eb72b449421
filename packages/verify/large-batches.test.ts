import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { AddPayouts, ApprovePayoutBatch, CreatePayoutBatch, PayoutBatchView, PayoutView } from '@ngome/contracts'
import { newId, systemClock, systemRandom } from '@ngome/kernel'
import { largeBatchesWaitForASecondPerson } from './probes/large-batches-wait-for-a-second-person.ts'
import type { PlayedAnswer, PlayedCall } from './testing/played-gateway.ts'
import { minor, money, PlayedPeople, type SignerSabotage } from './testing/played-people.ts'

/** What a saboteur left out of a platform. */
type Sabotage = SignerSabotage | 'none' | 'the limit' | 'the question' | 'parts' | 'reservations' | 'some reservations' | 'wholes' | 'lists of parts' | 'totals' | 'counts' | 'single rows'
  | 'what ends unapproved' | 'rows that wait' | 'the dispatcher\'s patience' | 'second people' | 'the dispatcher' | 'a row' | 'a row\'s attempt' | 'the second sending' | 'a row of the base'
  | 'refusals' | 'money that comes back' | 'the word of refusals' | 'what was refused'
let sabotage: Sabotage = 'none'
let batch: PayoutBatchView | undefined
let rows: readonly PayoutView[] = []
let people: PlayedPeople
before(async () => {
  people = await PlayedPeople.start(answer)
})
after(() => { people.stop() })

const from = { clock: systemClock, random: systemRandom }
const at = new Date(0).toISOString()
const digest = 'd'.repeat(64)
const party = { key: newId('apiKey', from), signing_key: newId('merchantSigningKey', from), at }
const shown = (status: number): PlayedAnswer => [status, JSON.stringify(batch)]
const bodyOf = <Body>({ body }: PlayedCall): Body => JSON.parse(body.toString()) as Body
const isWhole = (): boolean => batch?.accepted.count === batch?.count

async function answer(call: PlayedCall): Promise<PlayedAnswer> {
  const { method, path } = call
  if (path === '/v1/balances') return balances()
  if (path.startsWith('/v1/payouts?')) return [200, JSON.stringify({ object: 'list', data: rows, next_cursor: null })]
  if (method === 'GET') return shown(200)
  if (path === '/v1/payout_batches') return open(bodyOf(call))
  if (path.endsWith('/payouts')) return addPart(bodyOf(call))
  const refusal = await people.refusalOf(call, sabotage)
  if (refusal !== undefined) return refusal
  if (path.startsWith('/v1/payouts/')) return [sabotage === 'single rows' ? 200 : 409, '{}']
  return path.endsWith('/refuse') ? refuse() : approve(bodyOf(call))
}

function balances(): PlayedAnswer {
  const waits = batch?.status === 'open' || batch?.status === 'awaiting_approval' ? minor(batch.accepted.total) : 0n
  const reserved = { reservations: 0n, 'some reservations': waits - (waits > 0n ? 1n : 0n) } as Partial<Record<Sabotage, bigint>>
  return people.balances(reserved[sabotage] ?? waits, sabotage === 'money that comes back' && batch?.status === 'refused' ? 1n : 0n)
}

function standAs(status: PayoutBatchView['status'], rowStatus: PayoutView['status']): void {
  assert.ok(batch)
  rows = rows.map((row) => ({ ...row, status: rowStatus }))
  batch = { ...batch, status, by_status: [{ status: rowStatus, count: rows.length, total: batch.accepted.total }] }
}

function open({ reference, currency, count, total }: CreatePayoutBatch): PlayedAnswer {
  rows = []
  people.attempts = []
  batch = {
    id: newId('payoutBatch', from), object: 'payout_batch', world: 'test', status: 'open', reference, currency, count, total, accepted: { count: 0, total: '0.00' }, by_status: [],
    ...sabotage === 'the question' ? {} : { approval: { asked: party, answer: null, expires_at: at, parts_digest: null } }, created_at: at, updated_at: at,
  }
  return shown(201)
}

function addPart({ payouts }: AddPayouts): PlayedAnswer {
  assert.ok(batch)
  if (sabotage === 'parts') return [422, '{"code":"payments/insufficient_funds"}']
  for (const { amount, reference } of payouts) {
    assert.ok(minor(amount) <= 1_000n, 'a row is over the limit by itself')
    rows = [...rows, {
      id: newId('payout', from), object: 'payout', world: 'test', status: 'awaiting_approval', amount, fee: '0.00', currency: 'EUR', network: 'mtn-sandbox', payee: { phone: '+46•••499' }, reference,
      failure: null, created_at: at, updated_at: at,
    }]
  }
  const total = rows.reduce((sum, { amount }) => sum + minor(amount), 0n)
  batch = { ...batch, accepted: { count: rows.length, total: money(total) }, ...batch.approval === undefined ? {} : { approval: { ...batch.approval, parts_digest: digest } } }
  assert.ok(total > 1_000n || !isWhole())
  people.attempts = rows.map(() => sabotage === 'the dispatcher\'s patience' ? 1 : 0)
  standAs(isWhole() ? sabotage === 'the limit' ? 'complete' : 'awaiting_approval' : 'open', sabotage === 'rows that wait' ? 'accepted' : 'awaiting_approval')
  return [201, '{}']
}

function approve(seen: ApprovePayoutBatch): PlayedAnswer {
  assert.ok(batch)
  if (!isWhole() && sabotage !== 'wholes') return [409, '{}']
  if (sabotage === 'second people') return [403, '{"code":"payout_batches/own_approval"}']
  if (sabotage === 'what ends unapproved') standAs('expired', 'failed')
  if (seen.parts_digest !== digest && sabotage !== 'lists of parts' && sabotage !== 'wholes') return [409, '{}']
  if (seen.total !== batch.total && sabotage !== 'totals') return [409, '{}']
  if (seen.count !== batch.count && sabotage !== 'counts') return [409, '{}']
  standAs('complete', sabotage === 'the dispatcher' ? 'failed' : 'succeeded')
  if (sabotage === 'a row') batch = { ...batch, by_status: [{ status: 'failed', count: 1, total: '5.01' }, { status: 'succeeded', count: 2, total: '10.02' }] }
  people.attempts = attemptsAfterwards()
  people.availableMinor -= minor(batch.total)
  return shown(200)
}

function attemptsAfterwards(): readonly number[] {
  if (sabotage === 'a row of the base') return [1, 1]
  if (sabotage === 'a row\'s attempt') return [1, 0, 1]
  return sabotage === 'the second sending' ? [1, 2, 1] : [1, 1, 1]
}

function refuse(): PlayedAnswer {
  if (sabotage === 'refusals') return [409, '{"code":"payout_batches/not_awaiting"}']
  standAs(sabotage === 'the word of refusals' ? 'cancelled' : 'refused', 'failed')
  if (sabotage === 'what was refused') people.attempts = [0, 0, 1]
  return shown(200)
}

const found: readonly (readonly [Sabotage, string])[] = [
  ['none', 'holds: a batch over 10.00 EUR, of payouts under it, waited as a whole'],
  ['the question', 'fails: a batch over the limit of one person asks for no second one'],
  ['the limit', 'fails: a batch over the limit of one person is complete'],
  ['parts', 'unchecked: a part of a batch was answered 422 payments/insufficient_funds'],
  ['reservations', 'fails: a batch that waits has not reserved what it comes to'],
  ['some reservations', 'fails: a batch that waits has not reserved what it comes to'],
  ['wholes', 'fails: an approval before the last part was answered 200'],
  ['signatures', 'fails: an approval unsigned was answered 200'],
  ['people', 'fails: an approval by who ordered it was answered 200'],
  ['API keys', 'fails: an approval by the API key that ordered it was answered 200'],
  ['signing keys', 'fails: an approval by the signing key that ordered it was answered 200'],
  ['lists of parts', 'fails: an approval of another list of parts was answered 200'],
  ['totals', 'fails: an approval for another total was answered 200'],
  ['counts', 'fails: an approval of another count was answered 200'],
  ['single rows', 'fails: an approval of one row alone was answered 200'],
  ['what ends unapproved', 'fails: a batch that nobody else approved is expired'],
  ['rows that wait', 'fails: a row of a batch that nobody else approved waits no more'],
  ['the dispatcher\'s patience', 'fails: a row of a batch that nobody else approved was sent'],
  ['second people', 'fails: an approval of another list of parts was answered 403'],
  ['the dispatcher', 'fails: not every row of a batch that a second person approved was sent'],
  ['a row', 'fails: not every row of a batch that a second person approved was sent'],
  ['a row\'s attempt', 'fails: rows of a batch that was approved were sent 1, 0, 1 times'],
  ['the second sending', 'fails: rows of a batch that was approved were sent 1, 2, 1 times'],
  ['a row of the base', 'fails: rows of a batch that was approved were sent 1, 1 times'],
  ['refusals', 'fails: a second person\'s refusal was answered 409 payout_batches/not_awaiting'],
  ['money that comes back', 'fails: a batch that was refused keeps some of its money'],
  ['the word of refusals', 'fails: a batch that was refused is cancelled'],
  ['what was refused', 'fails: a row of a batch that was refused was sent'],
]
for (const [what, verdict] of found) {
  test(`a platform that a saboteur changed (${what}): ${verdict}`, async () => {
    [sabotage, batch] = [what, undefined]
    people.reset()
    const seen = await people.look(largeBatchesWaitForASecondPerson)
    assert.ok(seen.startsWith(verdict), seen)
    assert.deepEqual([people.collected, people.decided], ['60.12', 'batches'])
  })
}

test('where nothing is paid out in a currency with a limit, the look is partial', async () => {
  assert.match(await people.look(largeBatchesWaitForASecondPerson, { limitedPayouts: () => undefined }), /^partial: /)
})
