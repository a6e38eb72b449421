import assert from 'node:assert/strict'
import type { KeyObject } from 'node:crypto'
import { after, before, test } from 'node:test'
import { ManualClock, newId, Secret, systemClock, systemRandom } from '@ngome/kernel'
import { isSignedBy, type ProvenMerchantKey } from '@ngome/signatures'
import { moneyGoesOutOnItsMerchantsWord } from './probes/money-goes-out-on-its-merchants-word.ts'
import { runProbes } from './run-probes.ts'
import { PlayedGateway, provenSigner, signatureOf, type PlayedCall } from './testing/played-gateway.ts'

const from = { clock: systemClock, random: systemRandom }
const tenant = { merchant: newId('merchant', from), world: 'test' } as const

/** What a saboteur left out of a gateway. */
type Sabotage = 'none' | 'signatures of payouts' | 'signatures of refunds' | 'signers' | 'bodies' | 'balances' | 'remainders' | 'keeps payouts' | 'keeps refunds' | 'the list'
  | 'words of a refusal'
let sabotage: Sabotage = 'none'
let key: ProvenMerchantKey
let gateway: PlayedGateway
before(async () => {
  gateway = await PlayedGateway.start(answer)
})
after(() => { gateway.stop() })

async function answer(call: PlayedCall): Promise<readonly [number, string]> {
  const { path } = call
  if (call.method === 'GET') {
    const kept = sabotage === 'keeps payouts' ? '/v1/payouts' : sabotage === 'keeps refunds' ? '/v1/refunds' : 'nothing'
    return [sabotage === 'the list' ? 500 : 200, JSON.stringify({ object: 'list', data: path.startsWith(kept) ? [{}] : [] })]
  }
  const isPayout = path === '/v1/payouts'
  if (!await isSigned(call)) return sabotage === (isPayout ? 'signatures of payouts' : 'signatures of refunds') ? [201, '{}'] : [401, '{}']
  if (sabotage === (isPayout ? 'balances' : 'remainders')) return [201, '{}']
  const code = isPayout ? 'payments/insufficient_funds' : 'payments/refund_exceeds'
  return [422, JSON.stringify({ code: sabotage === 'words of a refusal' ? 'request/invalid' : code })]
}

async function isSigned(call: PlayedCall): Promise<boolean> {
  const reading = signatureOf(call)
  if (reading === undefined || (sabotage !== 'bodies' && !reading.isOverBody)) return false
  return sabotage === 'signers' || isSignedBy(key, reading.stated)
}

const targetOf = (network: { name: string; currency: string; phonePrefix: string } | undefined) => ({
  ...gateway.target,
  addMerchantSigner: async (publicKey: KeyObject) => {
    key = provenSigner(tenant, publicKey)
    return { tenant, apiKey: new Secret('key'), keyId: key.id }
  },
  payoutNetwork: () => network, pay: async () => ({ id: newId('payment', from) }), ...from,
})

const found: readonly (readonly [Sabotage, string])[] = [
  ['none', 'holds'], ['signatures of payouts', 'fails: an unsigned payout was answered 201'], ['signatures of refunds', 'fails: an unsigned refund was answered 201'],
  ['signers', 'fails: a payout that another key signed was answered 422'], ['bodies', 'fails: a payout with the signature of another was answered 422'],
  ['balances', 'fails: a payout of more than there is was answered 201'], ['remainders', 'fails: a refund of more than there is was answered 201'],
  ['words of a refusal', 'fails: a payout of more than there is was answered 422 request/invalid'],
  ['keeps payouts', 'fails: an order that was refused is listed by /v1/payouts'], ['keeps refunds', 'fails: an order that was refused is listed by /v1/refunds'],
  ['the list', 'fails: GET /v1/payouts was answered 500'],
]
for (const [what, verdict] of found) {
  test(`a gateway that a saboteur changed (${what}): ${verdict}`, async () => {
    sabotage = what
    const target = targetOf({ name: 'mtn-sandbox', currency: 'EUR', phonePrefix: '46' })
    const [result] = await runProbes([moneyGoesOutOnItsMerchantsWord], target, new ManualClock(0))
    const seen = `${result?.status}: ${result?.evidence}`
    assert.ok(seen.startsWith(verdict), seen)
  })
}

test('where no network pays out, the look is partial', async () => {
  const [nowhere] = await runProbes([moneyGoesOutOnItsMerchantsWord], targetOf(undefined), new ManualClock(0))
  assert.equal(nowhere?.status, 'partial', nowhere?.evidence ?? '')
})
