import assert from 'node:assert/strict'
import type { KeyObject } from 'node:crypto'
import { after, before, test } from 'node:test'
import type { BalanceView, DecidedPayoutView } from '@ngome/contracts'
import { formatMoney, ManualClock, newId, parseAmount, Secret, systemClock, systemRandom } from '@ngome/kernel'
import { isSignedBy, type ProvenMerchantKey } from '@ngome/signatures'
import { largePayoutsWaitForASecondPerson } from './probes/large-payouts-wait-for-a-second-person.ts'
import { runProbes } from './run-probes.ts'
import { PlayedGateway, provenSigner, signatureOf, type PlayedAnswer, type PlayedCall } from './testing/played-gateway.ts'
import { newMerchantPair } from './wire/merchant-pair.ts'

const from = { clock: systemClock, random: systemRandom }
const tenant = { merchant: newId('merchant', from), world: 'test' } as const

/** What a saboteur left out of a platform. */
type Sabotage = 'none' | 'the limit' | 'reservations' | 'signatures' | 'people' | 'API keys' | 'signing keys' | 'what was seen' | 'the dispatcher\'s patience'
  | 'what ends unapproved' | 'second people' | 'the dispatcher' | 'the second sending' | 'refusals' | 'money that comes back' | 'what was refused'
let sabotage: Sabotage = 'none'
let keys: readonly ProvenMerchantKey[] = []
let available = 0n
let collected: string | undefined
let payout: DecidedPayoutView | undefined
let attempts = 0
let gateway: PlayedGateway
before(async () => {
  gateway = await PlayedGateway.start(answer)
})
after(() => { gateway.stop() })

/** Made once: they take a second each. */
const pairs = [newMerchantPair(), newMerchantPair()]
let pairAt = 0

const money = (amountMinor: bigint): string => formatMoney({ amountMinor, currency: 'EUR' })
const minor = (text: string): bigint => parseAmount(text, 'EUR') ?? 0n
const shown = (status: number): PlayedAnswer => [status, JSON.stringify(payout)]

async function answer(call: PlayedCall): Promise<PlayedAnswer> {
  const { method, path } = call
  if (path === '/v1/balances') return [200, JSON.stringify(balances())]
  if (method === 'GET') return shown(200)
  const signer = await signerOf(call)
  if (path === '/v1/payouts') return order(call)
  if (signer === undefined && sabotage !== 'signatures') return [401, '{}']
  const isFirst = { apiKey: call.headers.authorization === 'Bearer first', signer: signer === 0 }
  const isOwn = (isFirst.apiKey && sabotage !== 'API keys') || (isFirst.signer && sabotage !== 'signing keys')
  if (isOwn && sabotage !== 'people') return [403, '{}']
  return path.endsWith('/refuse') ? refuse() : approve(call)
}

async function signerOf(call: PlayedCall): Promise<number | undefined> {
  const reading = signatureOf(call)
  if (reading?.isOverBody !== true) return undefined
  for (const [at, key] of keys.entries()) if (await isSignedBy(key, reading.stated)) return at
  return undefined
}

function balances(): object {
  const isReserved = sabotage !== 'reservations' && payout?.status === 'awaiting_approval'
  const reserved = isReserved ? minor(payout?.amount ?? '0') : 0n
  const kept = sabotage === 'money that comes back' && payout?.status === 'failed' ? 1n : 0n
  const balance: BalanceView = {
    object: 'balance', world: 'test', currency: 'EUR', available: money(available - reserved - kept), pending: '0.00', reserved: money(reserved), owed: '0.00',
  }
  return { object: 'list', data: [balance] }
}

function order({ body }: PlayedCall): PlayedAnswer {
  const { amount, reference } = JSON.parse(body.toString()) as { amount: string; reference: string }
  attempts = sabotage === 'the dispatcher\'s patience' ? 1 : 0
  const at = new Date(0).toISOString()
  payout = {
    id: newId('payout', from), object: 'payout', world: 'test', status: sabotage === 'the limit' ? 'accepted' : 'awaiting_approval', amount, fee: '0.00', currency: 'EUR',
    network: 'mtn-sandbox', payee: { phone: '+46•••499' }, reference, failure: null, created_at: at, updated_at: at,
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
  attempts = sabotage === 'the second sending' ? 2 : 1
  available -= minor(payout.amount)
  return shown(200)
}

function refuse(): PlayedAnswer {
  assert.ok(payout)
  if (sabotage === 'refusals') return [409, '{"code":"payouts/not_awaiting"}']
  payout = { ...payout, status: 'failed' }
  attempts = sabotage === 'what was refused' ? 1 : 0
  return shown(200)
}

const network = { name: 'mtn-sandbox', currency: 'EUR', phonePrefix: '46' }
const target = () => ({
  ...gateway.target, ...from, watchMs: 0, settleMsMax: 0,
  limitedPayouts: () => ({ network, over: { amountMinor: 1_000n, currency: 'EUR' as const } }),
  addPayoutPeople: async (...given: readonly [KeyObject, KeyObject]) => {
    keys = given.map((key) => provenSigner(tenant, key))
    const [first, second] = given.map((_key, at) => ({ tenant, apiKey: new Secret(at === 0 ? 'first' : 'second'), keyId: keys[at]?.id ?? assert.fail() }))
    return [first ?? assert.fail(), second ?? assert.fail()] as const
  },
  collect: async (_merchant: unknown, _network: unknown, amount: string) => {
    collected = amount
    available += minor(amount)
  },
  newPair: () => pairs[pairAt++ % 2] ?? assert.fail(),
  // The driver's rows are what the query says.
  auditor: { query: async <Row>() => [{ attempts: String(attempts) }] as unknown as readonly Row[] },
})

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
    [sabotage, available, collected, payout] = [what, 0n, undefined, undefined]
    const [result] = await runProbes([largePayoutsWaitForASecondPerson], target(), new ManualClock(0))
    const seen = `${result?.status}: ${result?.evidence}`
    assert.ok(seen.startsWith(verdict), seen)
    assert.equal(collected, '40.04')
  })
}

test('what is there is not collected again', async () => {
  [sabotage, available, collected, payout] = ['none', 10_000n, undefined, undefined]
  const [result] = await runProbes([largePayoutsWaitForASecondPerson], target(), new ManualClock(0))
  assert.deepEqual([result?.status, collected], ['holds', undefined])
})

test('where nothing is paid out in a currency with a limit, the look is partial', async () => {
  const [result] = await runProbes([largePayoutsWaitForASecondPerson], { ...target(), limitedPayouts: () => undefined }, new ManualClock(0))
  assert.equal(result?.status, 'partial', result?.evidence ?? '')
})
