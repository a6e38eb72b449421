import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { DecidedPayoutView } from '@ngome/contracts'
import { newId, systemClock, systemRandom } from '@ngome/kernel'
import { largePayoutsWaitForASecondPerson } from './probes/large-payouts-wait-for-a-second-person.ts'
import type { PlayedAnswer, PlayedCall } from './testing/played-gateway.ts'
import { minor, PlayedPeople, type SignerSabotage } from './testing/played-people.ts'

/** What a saboteur left out of a platform. */
type Sabotage = SignerSabotage | 'none' | 'the limit' | 'reservations' | 'what was seen' | 'the dispatcher\'s patience'
  | 'what ends unapproved' | 'second people' | 'the dispatcher' | 'the second sending' | 'refusals' | 'money that comes back' | 'what was refused'
let sabotage: Sabotage = 'none'
let payout: DecidedPayoutView | undefined
let people: PlayedPeople
before(async () => {
  people = await PlayedPeople.start(answer)
})
after(() => { people.stop() })

const shown = (status: number): PlayedAnswer => [status, JSON.stringify(payout)]

async function answer(call: PlayedCall): Promise<PlayedAnswer> {
  const { method, path } = call
  if (path === '/v1/balances') return balances()
  if (method === 'GET') return shown(200)
  if (path === '/v1/payouts') return order(call)
  return await people.refusalOf(call, sabotage) ?? (path.endsWith('/refuse') ? refuse() : approve(call))
}

function balances(): PlayedAnswer {
  const isReserved = sabotage !== 'reservations' && payout?.status === 'awaiting_approval'
  return people.balances(isReserved ? minor(payout?.amount ?? '0') : 0n, sabotage === 'money that comes back' && payout?.status === 'failed' ? 1n : 0n)
}

function order({ body }: PlayedCall): PlayedAnswer {
  const { amount, reference } = JSON.parse(body.toString()) as { amount: string; reference: string }
  people.attempts = [sabotage === 'the dispatcher\'s patience' ? 1 : 0]
  const at = new Date(0).toISOString()
  payout = {
    id: newId('payout', { clock: systemClock, random: systemRandom }), object: 'payout', world: 'test', status: sabotage === 'the limit' ? 'accepted' : 'awaiting_approval', amount, fee: '0.00',
    currency: 'EUR', network: 'mtn-sandbox', payee: { phone: '+46•••499' }, reference, failure: null, created_at: at, updated_at: at,
  }
  return shown(201)
}

function approve({ body }: PlayedCall): PlayedAnswer {
  assert.ok(payout)
  if (sabotage === 'second people') return [403, '{"code":"payouts/own_approval"}']
  if (sabotage === 'what ends unapproved') payout = { ...payout, status: 'processing' }
  const { amount } = JSON.parse(body.toString()) as { amount: string }
  if (amount !== payout.amount && sabotage !== 'what was seen') return [409, '{}']
  payout = { ...payout, status: sabotage === 'the dispatcher' ? 'failed' : 'succeeded' }
  people.attempts = [sabotage === 'the second sending' ? 2 : 1]
  people.availableMinor -= minor(payout.amount)
  return shown(200)
}

function refuse(): PlayedAnswer {
  assert.ok(payout)
  if (sabotage === 'refusals') return [409, '{"code":"payouts/not_awaiting"}']
  payout = { ...payout, status: 'failed' }
  people.attempts = [sabotage === 'what was refused' ? 1 : 0]
  return shown(200)
}

const found: readonly (readonly [Sabotage, string])[] = [
  ['none', 'holds: a payout over 10.00 EUR waited'],
  ['the limit', 'fails: a payout over the limit of one person is accepted'],
  ['reservations', 'fails: a payout that waits has reserved nothing'],
  ['signatures', 'fails: an approval unsigned was answered 200'],
  ['people', 'fails: an approval by who ordered it was answered 200'],
  ['API keys', 'fails: an approval by the API key that ordered it was answered 200'],
  ['signing keys', 'fails: an approval by the signing key that ordered it was answered 200'],
  ['what was seen', 'fails: an approval for another amount was answered 200'],
  ['what ends unapproved', 'fails: a payout that nobody else approved is processing'],
  ['the dispatcher\'s patience', 'fails: a payout that nobody else approved was sent'],
  ['second people', 'fails: an approval for another amount was answered 403'],
  ['the dispatcher', 'fails: a payout that a second person approved was not sent'],
  ['the second sending', 'fails: a payout that was approved was sent 2 times'],
  ['refusals', 'fails: a second person\'s refusal was answered 409 payouts/not_awaiting'],
  ['money that comes back', 'fails: a payout that was refused keeps some of its money'],
  ['what was refused', 'fails: a payout that was refused was sent'],
]
for (const [what, verdict] of found) {
  test(`a platform that a saboteur changed (${what}): ${verdict}`, async () => {
    [sabotage, payout] = [what, undefined]
    people.reset()
    const seen = await people.look(largePayoutsWaitForASecondPerson)
    assert.ok(seen.startsWith(verdict), seen)
    assert.deepEqual([people.collected, people.decided], ['40.04', 'payouts'])
  })
}

test('what is there is not collected again', async () => {
  [sabotage, payout] = ['none', undefined]
  people.reset(10_000n)
  assert.match(await people.look(largePayoutsWaitForASecondPerson), /^holds: /)
  assert.equal(people.collected, undefined)
})

test('where nothing is paid out in a currency with a limit, the look is partial', async () => {
  assert.match(await people.look(largePayoutsWaitForASecondPerson, { limitedPayouts: () => undefined }), /^partial: /)
})
