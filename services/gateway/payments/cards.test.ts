import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { paymentSchema, sealedPaymentSchema, vaultKeysSchema } from '@ngome/contracts'
import type { Id, VaultTokenId } from '@ngome/kernel'
import { VaultKey } from '@ngome/sealer'
import type { Answer } from '@ngome/testkit'
import { openMovement } from '../testing/open-sealed.ts'
import { problemIn } from '../testing/problem-in.ts'
import { TestGateway, type TestMerchant } from '../testing/test-gateway.ts'

const good = '4242424242424242'
const origin = 'https://shop.example'

let running: TestGateway
let merchant: TestMerchant
let other: TestMerchant
let card: VaultTokenId
let phone: VaultTokenId
let foreign: VaultTokenId

before(async () => {
  running = await TestGateway.start({ config: (config) => {
    const [sandbox] = Object.values(config.networks)
    assert.ok(sandbox !== undefined)
    const { targetEnvironment: _, prefixes: __, ...shared } = sandbox
    return { ...config, networks: { ...config.networks, card: {
      ...shared, connector: 'card-acquirer', callingCode: '', directions: ['collection', 'refund'], baseUrl: 'http://127.0.0.1:8452',
    } } }
  } })
  merchant = await running.addMerchant()
  other = await running.addMerchant()
  await running.setOrigin(merchant.tenant, origin)
  card = await keep('card_number', good)
  phone = await keep('phone', '+46733123499')
  foreign = await keep('card_number', good, other)
})
after(() => running.close())

let serial = 0
async function keep(type: string, value: string, as = merchant, more: object = {}): Promise<VaultTokenId> {
  const answer = await as.client.call({ method: 'POST', path: '/v1/vault/tokens', body: { type, value, ...more }, idempotencyKey: `c-${++serial}` })
  assert.equal(answer.status, 201, answer.text)
  return (JSON.parse(answer.text) as { id: VaultTokenId }).id
}
const order = (changes: object = {}, payer: object = {}): object => ({
  amount: '5.00', currency: 'EUR', network: 'card', payer: { card, card_expiry: '2099-12', ...payer }, return_url: `${origin}/orders/42`,
  reference: 'order-42', ...changes,
})
const create = (body: unknown): Promise<Answer> => merchant.client.call({ method: 'POST', path: '/v1/payments', body, idempotencyKey: `c-${++serial}` })
async function accepted(body: unknown = order()): Promise<{ readonly id: Id<'payment'>; readonly text: string }> {
  const answer = await create(body)
  assert.equal(answer.status, 201, answer.text)
  return { id: paymentSchema.parse(JSON.parse(answer.text)).id, text: answer.text }
}

test('a payment by card is accepted and shown by its mask alone', async () => {
  const { id, text } = await accepted()
  const { payer } = paymentSchema.parse(JSON.parse(text))
  assert.deepEqual(payer, { phone: null, card: '•••• 4242' })
  const read = await merchant.client.call({ path: `/v1/payments/${id}` })
  assert.deepEqual([read.status, read.text], [200, text])
  // Neither the expiry nor where its payer comes back to.
  assert.equal(text.includes('2099'), false)
  assert.equal(text.includes(origin), false)
})

test('what is sealed names the token, and no number', async () => {
  const { id } = await accepted()
  const sealed = sealedPaymentSchema.parse(await openMovement(running, merchant.tenant, id))
  assert.deepEqual([sealed.payer, sealed.card], [undefined, { token: card, expiry: '2099-12', return_url: `${origin}/orders/42` }])
})

test('without a network it is the one that takes cards', async () => {
  const { network: _, ...without } = order() as { network: string }
  assert.equal((JSON.parse((await accepted(without)).text) as { network: string }).network, 'card')
})

const beginning = 'https://shop.example'
/** What is refused, and by which field: a forged order, somebody else's card, a page that is not the merchant's. */
const refused: readonly [string, () => object | Promise<object>, string][] = [
  ['a card number in place of a token', () => order({}, { card: good }), '/payer/card'],
  ['a card number beside the token', () => order({}, { number: good }), '/payer'],
  ['a security code', () => order({}, { cvc: '123' }), '/payer'],
  ['another merchant\'s token', () => order({}, { card: foreign }), '/payer/card'],
  ['a token that never was', () => order({}, { card: 'vtk_01k8z3f7q2e9d8m4n6p0r5s7tv' }), '/payer/card'],
  ['a token of another type', () => order({}, { card: phone }), '/payer/card'],
  ['a token whose time is over', async () => {
    const short = await keep('card_number', good, merchant, { expires_at: new Date(Date.now() + 1_500).toISOString() })
    await new Promise((done) => { setTimeout(done, 1_600) })
    return order({}, { card: short })
  }, '/payer/card'],
  ['no expiry', () => order({ payer: { card } }), '/payer/card_expiry'],
  ['a month that is over', () => order({}, { card_expiry: '2020-01' }), '/payer/card_expiry'],
  ['a month that there is not', () => order({}, { card_expiry: '2099-13' }), '/payer/card_expiry'],
  ['a phone beside the card', () => order({}, { phone: '+46733123499' }), '/payer/phone'],
  ['nobody who pays', () => order({ payer: {} }), '/payer/phone'],
  ['a card at a network of phones', () => order({ network: 'mtn-sandbox' }), '/network'],
  ['a phone at a network of cards', () => ({ ...order({ payer: { phone: '+46733123499' } }), return_url: undefined }), '/network'],
  ['a phone with a page to come back to', () => order({ network: 'mtn-sandbox', payer: { phone: '+46733123499' } }), '/return_url'],
  ['a phone with an expiry', () => order({ network: 'mtn-sandbox', payer: { phone: '+46733123499', card_expiry: '2099-12' } }), '/payer/card_expiry'],
  ['another currency than the network\'s', () => order({ currency: 'UGX' }), '/currency'],
  ['no page to come back to', () => order({ return_url: undefined }), '/return_url'],
  ...[
    'https://evil.example/', `${beginning}.evil.example/`, `${beginning}@evil.example/`, `${beginning}:444/`, 'http://shop.example/', '//shop.example/',
    ['java', 'script:alert(1)'].join(''), `https://evil.example\\@shop.example/`, '/orders', `${beginning}/#fragment`,
  ].map((page): [string, () => object, string] => [`a return to ${page}`, () => order({ return_url: page }), '/return_url']),
]
for (const [what, body, pointer] of refused) {
  test(`refuses ${what}, and repeats no value`, async () => {
    const answer = await create(await body())
    assert.deepEqual([answer.status, problemIn(answer).code], [422, 'request/invalid'], answer.text)
    assert.ok((problemIn(answer).errors ?? []).some((error) => error.pointer === pointer || error.pointer.startsWith(`${pointer}/`)), answer.text)
    for (const value of [good, '123"', 'evil', '4242']) assert.equal(answer.text.includes(value), false, answer.text)
  })
}

test('a token that nobody has looked at yet is told so, with when to come again, and takes no idempotency key', async () => {
  const keys = vaultKeysSchema.parse(JSON.parse((await merchant.client.call({ path: '/v1/vault/keys' })).text)).data
  const statementKey = running.identity.statementKey.export({ format: 'jwk' }).x ?? ''
  const key = await VaultKey.verify(keys[0]?.statement ?? '', { statementKey, ...merchant.tenant, nowMs: Date.now() })
  const answered = await merchant.client.call({
    method: 'POST', path: '/v1/vault/tokens', idempotencyKey: `c-${++serial}`, body: { type: 'card_number', sealed: await key.seal('card_number', good) },
  })
  const pending = (JSON.parse(answered.text) as { id: VaultTokenId }).id
  const answer = await create(order({}, { card: pending }))
  assert.deepEqual([answer.status, problemIn(answer).code, answer.headers['retry-after']], [409, 'vault/token_pending', '1'], answer.text)
})

test('nothing of a merchant without a registered page is accepted', async () => {
  const answer = await other.client.call({
    method: 'POST', path: '/v1/payments', idempotencyKey: `c-${++serial}`, body: order({}, { card: foreign }),
  })
  assert.deepEqual([answer.status, problemIn(answer).code], [422, 'request/invalid'])
})

test('what its payer has to do is shown while the payment waits for him, to its merchant and to nobody else', async () => {
  const { id } = await accepted()
  const url = 'https://acquirer.example/challenge/1'
  const { merchant: of } = merchant.tenant
  const change = (status: string) => running.database.asAdmin('UPDATE ngome.payments SET status = $2, updated_at = now() WHERE id = $1', [id, status])
  await change('processing')
  await running.database.asAdmin('INSERT INTO ngome.payment_actions VALUES ($1, $2, $3, $4, now())', [of, 'test', id, url])
  const read = async () => JSON.parse((await merchant.client.call({ path: `/v1/payments/${id}` })).text) as { next_action?: object }
  assert.deepEqual((await read()).next_action, { type: 'redirect', url })
  const { data } = JSON.parse((await merchant.client.call({ path: '/v1/payments?status=processing' })).text) as { data: readonly { id: string; next_action?: object }[] }
  assert.deepEqual(data.find((one) => one.id === id)?.next_action, { type: 'redirect', url })
  const events = JSON.parse((await merchant.client.call({ path: '/v1/events?limit=100' })).text) as { data: readonly { type: string; data: { id: string; next_action?: object } }[] }
  const told = events.data.find((event) => event.type === 'payment.requires_action' && event.data.id === id)
  assert.deepEqual(told?.data.next_action, { type: 'redirect', url })
  assert.equal((await other.client.call({ path: `/v1/payments/${id}` })).status, 404)
  // The database's trigger wants the ends of its transfers beside it: only that it is over matters here.
  await change('in_doubt')
  assert.deepEqual((await read()).next_action, { type: 'redirect', url })
})

test('a repeated request gets its answer also when the token is gone, and another one is refused', async () => {
  const gone = await keep('card_number', good)
  const body = order({}, { card: gone })
  const repeat = (idempotencyKey: string): Promise<Answer> => merchant.client.call({ method: 'POST', path: '/v1/payments', body, idempotencyKey })
  const first = await repeat('again')
  assert.equal((await merchant.client.call({ method: 'DELETE', path: `/v1/vault/tokens/${gone}` })).status, 204)
  assert.deepEqual([(await repeat('again')).text, (await repeat('anew')).status], [first.text, 422])
})

test('a network of cards is listed without a country and without numbers', async () => {
  const { data } = JSON.parse((await merchant.client.call({ path: '/v1/networks' })).text) as { data: readonly { name: string; country: string | null; calling_code: string | null }[] }
  const found = data.find(({ name }) => name === 'card')
  assert.deepEqual([found?.country, found?.calling_code], [null, null])
})

test('no line of the log, no event and no column holds the number', async () => {
  const [row] = await running.database.asAdmin(`SELECT (SELECT coalesce(json_agg(e)::text, '') FROM ngome.events e)
    || (SELECT coalesce(json_agg(e)::text, '') FROM ngome.object_events e) || (SELECT coalesce(json_agg(p)::text, '') FROM ngome.payments p)
    || (SELECT coalesce(json_agg(i)::text, '') FROM ngome.idempotency i) AS everything`)
  const everything = [String(row?.['everything']), ...running.logLines].join('\n')
  assert.ok(everything.includes('•••• 4242'))
  assert.equal(everything.includes(good), false)
})
