import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { emit, type Purpose, type VaultTokenType } from '@ngome/contracts'
import { formatMoney, newId, Secret, systemClock, systemRandom, type PaymentId, type VaultTokenId } from '@ngome/kernel'
import { createLogger } from '@ngome/runtime'
import { endVaultToken, inTenant } from '@ngome/store'
import { CardAcquirerSimulator } from '@ngome/testkit'
import { connectCardAcquirer } from '../connectors/card-acquirer/connect-card-acquirer.ts'
import type { Dispatcher, Network } from '../dispatcher.ts'
import { createEgressGuard } from '../egress/egress-guard.ts'
import { authorize, OutgoingWorld, type SigningKey } from '../testing/outgoing-world.ts'
import { openVaultToken } from '../vault/open-vault-token.ts'
import { dispatchPayment } from './dispatch-payment.ts'
import { settlePayment } from './settle-payment.ts'

const signal = new AbortController().signal
const good = '4242424242424242'
const challenged = '4000000000000119'
/** Long enough to be answered on a busy machine; the one that nobody answers is asked for first. */
const challengeForMs = 6_000
let unanswered: PaymentId
let unansweredUntilMs: number
/** In two parts, since nobody should write one. */
const script = ['java', 'script:'].join('')

let world: OutgoingWorld
let simulator: CardAcquirerSimulator
let dispatcher: Dispatcher
let network: Network
const lines: string[] = []
const purposes: Purpose[] = []

before(async () => {
  world = await OutgoingWorld.create()
  simulator = await CardAcquirerSimulator.start({ DECIDE_AFTER_MS: '20', CHALLENGE_FOR_MS: String(challengeForMs), CALLS_PER_SECOND_MAX: '1000' })
  const egress = createEgressGuard({
    providers: { card: { baseUrl: simulator.url } }, allowPrivate: [new URL(simulator.url).host], resolve: async () => [],
  })
  const { account, secret } = await simulator.provision()
  const settings = { network: 'card', challengeOrigins: [simulator.url], requestTimeoutMs: 400, enquiriesPerSecondMax: 1_000 }
  const connector = connectCardAcquirer(settings, { account: new Secret(account), secret: new Secret(secret) }, { egress, clock: systemClock })
  network = {
    connector, provider: 'card-acquirer', world: 'test', currency: 'EUR', callingCode: '', settleAfterMs: 1, enquiryIntervalMs: 1, giveUpAfterMs: 60_000,
    sendWithinMs: 60_000,
  }
  const base = world.dispatcher
  const openSealed: Dispatcher['openSealed'] = (purpose, record, stop) => {
    purposes.push(purpose)
    return base.openSealed(purpose, record, stop)
  }
  dispatcher = {
    ...base, egress, openSealed, networks: new Map([['card', network], ...base.networks]),
    openCard: (tenant, token, stop) => openVaultToken({ db: base.db, openSealed, clock: systemClock }, 'charge', tenant, token, stop),
    logger: createLogger({ process: 'dispatcher', level: 'trace', destination: { write: (line: string) => void lines.push(line) } }),
  }
  unanswered = await order(challenged)
  await dispatch(unanswered)
  unansweredUntilMs = Date.now() + challengeForMs
})
after(async () => {
  dispatcher.egress.close()
  await simulator.stop()
  await world.close()
})
beforeEach(() => { purposes.length = 0 })

const keep = (number = good, type: VaultTokenType = 'card_number'): Promise<VaultTokenId> => world.merchant.keep(type, number)
const masked = (number = good): string => `•••• ${number.slice(-4)}`
async function order(number = good, changes: Partial<Parameters<typeof world.merchant.accept>[0]> = {}): Promise<PaymentId> {
  return world.merchant.accept({ phone: '', network: 'card', card: { token: await keep(number), masked: masked(number) }, ...changes })
}
const dispatch = (payment: PaymentId, by = dispatcher): Promise<void> => dispatchPayment(by, { ...world.merchant.tenant, payment }, signal)
async function settled(payment: PaymentId): Promise<unknown> {
  for (let tries = 0; tries < 100; tries++) {
    if ((await settlePayment(dispatcher, world.merchant.tenant, payment, signal)).kind !== 'open') break
    await sleep(20)
  }
  return world.stateOf(payment)
}
const taken = async (payment: PaymentId) => (await simulator.orders()).filter((one) => one.order === payment)
async function actionOf(payment: PaymentId): Promise<string | undefined> {
  const [row] = await world.database.asAdmin('SELECT url FROM ngome.payment_actions WHERE payment = $1', [payment])
  return row?.['url'] as string | undefined
}
const told = async (payment: PaymentId) => world.database.asAdmin(
  'SELECT type, facts, proof FROM ngome.object_events WHERE object = $1 ORDER BY sequence', [payment])
function refundOf(collected: PaymentId, amountMinor: bigint, key: SigningKey): Promise<PaymentId> {
  const body = { amount: formatMoney({ amountMinor, currency: 'EUR' }), reference: 'order-42' }
  const authorization = authorize({ key, target: `/v1/payments/${collected}/refunds`, body })
  return world.merchant.accept({
    phone: '', network: 'card', amountMinor, direction: 'refund', original: collected,
    card: { token: '' as VaultTokenId, masked: masked() }, sealed: { authorization, card: undefined, payer: undefined },
  })
}
async function deleteToken(token: VaultTokenId): Promise<void> {
  const { tenant } = world.merchant
  const event = emit({ clock: systemClock, random: systemRandom, process: 'gateway' }, 'vault.token_deleted', tenant, { token })
  await endVaultToken(world.database.open('ngome_gateway', { poolMax: 1 }), tenant, token, { as: 'deleted', atMs: Date.now(), event })
}
const answerChallenge = (url: string, answer: string): Promise<Response> => fetch(url, {
  method: 'POST', body: new URLSearchParams({ answer }), redirect: 'manual',
})

test('a card leaves the vault for its acquirer, once, for the purpose of charging', async () => {
  const payment = await order()
  await dispatch(payment)
  assert.deepEqual(purposes, ['dispatch', 'charge'])
  assert.deepEqual(await settled(payment), ['succeeded', null])
  const [one, ...more] = await taken(payment)
  assert.deepEqual([one?.card, one?.amountMinor, one?.currency, more.length], [good, '500', 'EUR', 0])
})

test('what a client sealed is charged as what the gateway sealed', async () => {
  const clientSealed = await world.merchant.clientSeals('card_number', good)
  const token = await world.merchant.keep('card_number', '', { clientSealed })
  const payment = await order(good, { card: { token, masked: masked() } })
  await dispatch(payment)
  assert.deepEqual(purposes, ['dispatch', 'charge', 'charge'])
  assert.deepEqual(await settled(payment), ['succeeded', null])
})

for (const [number, failure] of [['4000000000000010', 'insufficient_funds'], ['4000000000000028', 'card_expired'], ['4000000000000242', 'card_unusable']] as const) {
  test(`a card that is declined fails as ${failure}, and its code alone is kept`, async () => {
    const payment = await order(number)
    await dispatch(payment)
    // A refusal at the door stands until its enquiries find nothing.
    if (number.endsWith('0242')) assert.equal((await taken(payment)).length, 0)
    else assert.deepEqual(await settled(payment), ['failed', failure])
    const [attempt] = await world.database.asAdmin('SELECT network_reason FROM ngome.attempts WHERE payment = $1', [payment])
    assert.match(JSON.stringify(attempt?.['network_reason']), /^(?:null|"[0-9]{2} [a-z_]+")$/)
  })
}

/** Each is sent nothing, whatever the row says. */
const refusals: readonly [string, () => Promise<PaymentId>, unknown][] = [
  ['another merchant\'s token', async () => order(good, { card: { token: await world.other.keep('card_number', good), masked: masked() } }), ['failed', 'card_unusable']],
  ['a token that never was', async () => order(good, { card: { token: newId('vaultToken', { clock: systemClock, random: systemRandom }), masked: masked() } }), ['failed', 'card_unusable']],
  ['a token whose time is over', async () => {
    const token = await world.merchant.keep('card_number', good, { expiresAtMs: Date.now() + 50 })
    await sleep(60)
    return order(good, { card: { token, masked: masked() } })
  }, ['failed', 'card_unusable']],
  ['a token of another type', async () => order(good, { card: { token: await keep('+46733123499', 'phone'), masked: masked() } }), ['failed', 'record_refused']],
  ['a token of another card than was accepted', async () => order(good, { card: { token: await keep('5555555555554444'), masked: masked() } }), ['failed', 'record_refused']],
  ['what a client sealed that is no card', async () => {
    const clientSealed = await world.merchant.clientSeals('card_number', '1234')
    return order(good, { card: { token: await world.merchant.keep('card_number', '', { clientSealed }), masked: masked() } })
  }, ['failed', 'card_unusable']],
  ['a card at a network of phones', () => order(good, { network: 'mtn-sandbox', sealed: { network: 'mtn-sandbox' } }), ['failed', 'record_refused']],
  ['a phone at a network of cards', () => world.merchant.accept({ phone: '+46733123499', network: 'card' }), ['failed', 'record_refused']],
  ['a phone beside the card', () => order(good, { sealed: { payer: { phone: '+46733123499' } } }), ['failed', 'record_refused']],
]
for (const [what, made, end] of refusals) {
  test(`nothing is sent for ${what}`, async () => {
    world.requests.length = 0
    const payment = await made()
    await dispatch(payment)
    assert.deepEqual(await world.stateOf(payment), end)
    assert.deepEqual([(await taken(payment)).length, world.requests.length], [0, 0])
  })
}

test('a dispatcher that opens no cards sends nothing, and the payment waits', async () => {
  const payment = await order()
  const { openCard: _, ...without } = dispatcher
  await dispatch(payment, without)
  assert.deepEqual([await world.stateOf(payment), (await taken(payment)).length], [['accepted', null], 0])
})

test('a token that is deleted between acceptance and sending is not charged', async () => {
  const token = await keep()
  const payment = await order(good, { card: { token, masked: masked() } })
  await deleteToken(token)
  await dispatch(payment)
  assert.deepEqual([await world.stateOf(payment), (await taken(payment)).length], [['failed', 'card_unusable'], 0])
})

test('a sending whose answer was lost is asked about, and the card is charged once', async () => {
  const payment = await order('4000000000000143')
  await dispatch(payment)
  assert.deepEqual(await world.stateOf(payment), ['in_doubt', null])
  assert.deepEqual([await settled(payment), (await taken(payment)).length], [['succeeded', null], 1])
})

test('a challenge: the payment stays in processing, its merchant is told where its payer goes, and enquiry says how it ended', async () => {
  const payment = await order(challenged)
  await dispatch(payment)
  const url = await actionOf(payment)
  assert.ok(url?.startsWith(`${simulator.url}/challenge/`))
  assert.deepEqual(await world.stateOf(payment), ['processing', null])
  const events = await told(payment)
  assert.deepEqual(events.map(({ type }) => type), ['payment.accepted', 'payment.processing', 'payment.requires_action'])
  assert.deepEqual(events.at(-1)?.['facts'], { status: 'processing', failure: null, next_action: { type: 'redirect', url } })
  assert.notEqual(events.at(-1)?.['proof'], null)
  // Asked again before the payer did anything, it is told no second time.
  await settlePayment(dispatcher, world.merchant.tenant, payment, signal)
  assert.equal((await told(payment)).length, 3)
  const back = await answerChallenge(url ?? '', 'pass')
  assert.deepEqual([back.status, back.headers.get('location')], [303, 'https://shop.example/back'])
  assert.deepEqual(await settled(payment), ['succeeded', null])
})

test('a challenge that the payer fails ends the payment', async () => {
  const payment = await order(challenged)
  await dispatch(payment)
  await answerChallenge(await actionOf(payment) ?? '', 'fail')
  assert.deepEqual(await settled(payment), ['failed', 'authentication_failed'])
})

test('a challenge that nobody answers ends by its time, and a late answer changes nothing', async () => {
  await sleep(Math.max(0, unansweredUntilMs - Date.now()))
  assert.equal((await answerChallenge(await actionOf(unanswered) ?? '', 'pass')).status, 410)
  assert.deepEqual(await settled(unanswered), ['failed', 'payer_timed_out'])
})

test('who comes back without an answer, or claims that he gave one, changes nothing', async () => {
  const payment = await order(challenged)
  await dispatch(payment)
  const url = await actionOf(payment) ?? ''
  for (const forged of [`${url}?answer=pass`, `${url}?return_url=https://evil.example/`]) await fetch(forged, { redirect: 'manual' })
  assert.equal((await answerChallenge(url, 'succeeded')).status, 422)
  await settlePayment(dispatcher, world.merchant.tenant, payment, signal)
  assert.deepEqual(await world.stateOf(payment), ['processing', null])
})

test('the answer to one payment\'s challenge is not another\'s', async () => {
  const [mine, theirs] = [await order(challenged), await order(challenged)]
  await dispatch(mine)
  await dispatch(theirs)
  await answerChallenge(await actionOf(theirs) ?? '', 'pass')
  assert.deepEqual(await settled(theirs), ['succeeded', null])
  assert.deepEqual(await world.stateOf(mine), ['processing', null])
  // The acquirer's true answer about the other payment, in place of this one's.
  await simulator.script([{ on: 'enquiry', payer: challenged, do: { kind: 'another' }, times: 1 }])
  await settlePayment(dispatcher, world.merchant.tenant, mine, signal)
  assert.deepEqual(await world.stateOf(mine), ['in_doubt', null])
  assert.ok((await world.eventsOf(mine)).some((event) => event.startsWith('payment.mismatch')))
})

const elsewhere = ['https://evil.example/challenge/1', 'http://127.0.0.1.evil.example/', `${script}alert(1)`, '//evil.example', 'https://127.0.0.1@evil.example/', 'not a page']
for (const on of ['request', 'enquiry'] as const) {
  for (const url of elsewhere) {
    test(`a payer is not sent to ${url}, which the answer to ${on} names: nobody is told, and an alarm says so`, async () => {
      await simulator.script([
        ...on === 'request' ? [{ on, payer: challenged, do: { kind: 'redirect', url }, times: 1 }] : [{ on: 'request', payer: challenged, do: { kind: 'take_and_answer', status: 503 }, times: 1 }],
        { on: 'enquiry', payer: challenged, do: { kind: 'redirect', url }, times: 1 },
      ])
      const payment = await order(challenged)
      await dispatch(payment)
      await settlePayment(dispatcher, world.merchant.tenant, payment, signal)
      assert.deepEqual([await actionOf(payment), await world.stateOf(payment)], [undefined, ['in_doubt', null]])
      assert.ok((await world.eventsOf(payment)).includes('payment.mismatch ["action"]'))
    })
  }
}

test('only the dispatcher says where payers go, for what it sent, and nobody changes it', async () => {
  const payment = await order()
  const { tenant } = world.merchant
  const insert = (role: 'ngome_gateway' | 'ngome_dispatcher', url = 'https://evil.example/') => inTenant(world.database.open(role, { poolMax: 1 }), tenant,
    (tx) => tx.insertInto('payment_actions').values({ ...tenant, payment, url, at: new Date() }).execute())
  await assert.rejects(insert('ngome_gateway'))
  // Not sent yet.
  await assert.rejects(insert('ngome_dispatcher'))
  await dispatch(payment)
  await assert.rejects(insert('ngome_dispatcher', `${script}alert(1)`))
  await assert.rejects(inTenant(world.database.open('ngome_dispatcher', { poolMax: 1 }), world.other.tenant,
    (tx) => tx.insertInto('payment_actions').values({ ...tenant, payment, url: 'https://evil.example/', at: new Date() }).execute()))
  await insert('ngome_dispatcher')
  await assert.rejects(world.database.asAdmin('UPDATE ngome.payment_actions SET url = url'))
})

test('a refund goes back by its collection, in part and in full, and no card is opened for it', async () => {
  const collected = await order()
  await dispatch(collected)
  await settled(collected)
  const [before] = await taken(collected)
  purposes.length = 0
  const key = await world.addKey()
  for (const amountMinor of [200n, 300n]) {
    const refund = await refundOf(collected, amountMinor, key)
    await dispatch(refund)
    assert.deepEqual(await settled(refund), ['succeeded', null])
    const [one] = await taken(refund)
    assert.deepEqual([one?.original, one?.amountMinor, one?.card], [before?.reference, String(amountMinor), good])
  }
  assert.deepEqual(purposes, ['dispatch', 'dispatch'])
})

test('no line of the log, no event, no attempt and no column holds a number of all these', async () => {
  const digits = [good, challenged, '5555555555554444', '4000000000000143', '4000000000000010']
  const tables = await world.database.asAdmin(`SELECT (SELECT coalesce(json_agg(e)::text, '') FROM ngome.events e)
    || (SELECT coalesce(json_agg(e)::text, '') FROM ngome.object_events e) || (SELECT coalesce(json_agg(a)::text, '') FROM ngome.attempts a)
    || (SELECT coalesce(json_agg(p)::text, '') FROM ngome.payments p) || (SELECT coalesce(json_agg(j)::text, '') FROM pgboss.job j) AS everything`)
  const everything = [String(tables[0]?.['everything']), ...lines].join('\n')
  assert.ok(lines.length > 0 && everything.includes('requires_action'))
  for (const number of digits) assert.equal(everything.includes(number), false, number.slice(-4))
  // Where payers are sent is theirs to know, and no log's.
  assert.equal(lines.some((line) => line.includes('/challenge/')), false)
})
