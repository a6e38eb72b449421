import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, before, suite, test } from 'node:test'
import { createdWebhookEndpointSchema, webhookDeliveryPageSchema, webhookEndpointPageSchema, webhookEndpointSchema } from '@ngome/contracts'
import { Fault, newId, Secret, systemClock, systemRandom, type WebhookEndpointId } from '@ngome/kernel'
import { areWebhookTerms, parseWebhookSecret } from '@ngome/signatures'
import { webhookEndpointsMax } from '@ngome/store'
import type { Answer } from '@ngome/testkit'
import { problemIn } from '../testing/problem-in.ts'
import { TestGateway, type TestMerchant } from '../testing/test-gateway.ts'
import { checkAddress } from './check-address.ts'

const refusedAddresses: readonly (readonly [string, string])[] = [
  ['plain HTTP', 'http://shop.example.com/hooks'],
  ['a password', 'https://user:pass@shop.example.com/'],
  ['a user', 'https://user@shop.example.com/'],
  ['a fragment', 'https://shop.example.com/#x'],
  ['loopback', 'https://127.0.0.1/'],
  ['loopback in decimal', 'https://2130706433/'],
  ['loopback in octal', 'https://0177.0.0.1/'],
  ['loopback in hexadecimal', 'https://0x7f000001/'],
  ['loopback, short', 'https://127.1/'],
  ['any address', 'https://0.0.0.0/'],
  ['private 10', 'https://10.0.0.1/'],
  ['private 172', 'https://172.16.5.4/'],
  ['private 192', 'https://192.168.1.1/'],
  ['shared (RFC 6598)', 'https://100.64.0.1/'],
  ['link-local, where clouds keep credentials', 'https://169.254.169.254/latest/meta-data/'],
  ['multicast', 'https://224.0.0.1/'],
  ['broadcast', 'https://255.255.255.255/'],
  ['documentation', 'https://192.0.2.1/'],
  ['IPv6 loopback', 'https://[::1]/'],
  ['IPv6 unspecified', 'https://[::]/'],
  ['IPv6 unique local', 'https://[fd00::1]/'],
  ['IPv6 link-local', 'https://[fe80::1]/'],
  ['IPv4-mapped loopback', 'https://[::ffff:127.0.0.1]/'],
  ['IPv4-mapped loopback in hexadecimal', 'https://[::ffff:7f00:1]/'],
  ['NAT64 of a private address', 'https://[64:ff9b::a00:1]/'],
  ['6to4 of a private address', 'https://[2002:a00:1::]/'],
  ['localhost', 'https://localhost/'],
  ['localhost with a dot', 'https://localhost./'],
  ['below localhost', 'https://x.localhost/'],
  ['a name without a dot', 'https://intranet/'],
  ['an mDNS name', 'https://printer.local/'],
  ['an internal name', 'https://metadata.google.internal/'],
  ['a hidden service', 'https://abcdef.onion/'],
  ['an allowed host at another port', 'https://127.0.0.1:9998/'],
]

for (const [what, address] of refusedAddresses) {
  test(`refuses an address of ${what}`, () => {
    assert.throws(() => checkAddress(address, ['127.0.0.1:9999']), (error) =>
      error instanceof Fault && error.code === 'webhooks/address_refused')
  })
}

test('takes public addresses, and what the operator allows by name', () => {
  for (const [address, allowed] of [
    ['https://shop.example.com/hooks', []], ['https://shop.example.com:8443/hooks?x=1', []], ['https://1.1.1.1/', []],
    ['https://[2606:4700:4700::1111]/', []], ['http://127.0.0.1:9999/hooks', ['127.0.0.1:9999']],
    ['http://localhost:9999/', ['localhost:9999']], ['https://[::1]:9999/', ['[::1]:9999']],
  ] as const) assert.equal(checkAddress(address, allowed), address)
})

let running: TestGateway
let merchant: TestMerchant

before(async () => {
  running = await TestGateway.start()
  merchant = await running.addMerchant()
})
after(() => running.close())

const from = { clock: systemClock, random: systemRandom }
let serial = 0
const create = (url: string, idempotencyKey = `w-${++serial}`): Promise<Answer> =>
  merchant.client.call({ method: 'POST', path: '/v1/webhook_endpoints', body: { url }, idempotencyKey })
const list = async (): Promise<ReturnType<typeof webhookEndpointPageSchema.parse>['data']> => {
  const answer = await merchant.client.call({ path: '/v1/webhook_endpoints' })
  return webhookEndpointPageSchema.parse(JSON.parse(answer.text)).data
}

test('an endpoint shows its secret once, and is deleted', async () => {
  const created = await create('https://shop.example.com/hooks', 'once')
  assert.equal(created.status, 201, created.text)
  const { id, secret } = createdWebhookEndpointSchema.parse(JSON.parse(created.text))
  assert.ok(secret !== null && parseWebhookSecret(new Secret(secret)) !== undefined)
  const again = createdWebhookEndpointSchema.parse(JSON.parse((await create('https://shop.example.com/hooks', 'once')).text))
  assert.deepEqual([again.id, again.secret], [id, null], 'a repeated request acts once and tells no secret')
  assert.deepEqual((await list()).map((one) => one.id), [id])
  const rows = await running.database.asAdmin('SELECT r::text AS row FROM ngome.webhook_secrets r UNION ALL SELECT r::text FROM ngome.idempotency r')
  for (const { row } of rows as { row: string }[]) assert.doesNotMatch(row, new RegExp(secret.slice(6, 30).replaceAll('+', '\\+')))
  const remove = (): Promise<Answer> => merchant.client.call({ method: 'DELETE', path: `/v1/webhook_endpoints/${id}` })
  const removed = await remove()
  assert.deepEqual([removed.status, removed.text], [204, ''])
  const absent = await remove()
  assert.deepEqual([absent.status, problemIn(absent).code], [404, 'webhooks/endpoint_unknown'])
  assert.deepEqual(await list(), [])
})

test('what was told to an endpoint is listed a page at a time, and is nobody else\'s', async () => {
  const owner = await running.addMerchant()
  const stranger = await running.addMerchant()
  const added = await owner.client.call({ method: 'POST', path: '/v1/webhook_endpoints', body: { url: 'https://shop.example.com/log' }, idempotencyKey: 'log-endpoint' })
  const { id: endpoint } = createdWebhookEndpointSchema.parse(JSON.parse(added.text))
  const paid = await owner.client.call({
    method: 'POST', path: '/v1/payments', idempotencyKey: 'log-payment',
    body: { amount: '5.00', currency: 'EUR', network: 'mtn-sandbox', payer: { phone: '+46733123499' }, reference: 'r' },
  })
  assert.equal(paid.status, 201, paid.text)
  const { id: payment } = JSON.parse(paid.text) as { id: string }
  for (const [at, state] of ['delivered', 'pending', 'pending'].entries()) {
    await running.database.asAdmin(`INSERT INTO ngome.webhook_deliveries
      (id, merchant, world, endpoint, payment, object, sequence, event, event_type, event_at, state, created_at, settled_at, attempts, reason, next_try_at)
      VALUES ($1, $2, 'test', $3, $4, $4, 3, $5, 'payment.succeeded', '2026-11-22T09:30:00Z', $6, '2026-11-22T09:30:00Z', $7, $8, 'refused', $9)`, [
      newId('webhookDelivery', from), owner.tenant.merchant, endpoint, payment, newId('event', from), state, state === 'pending' ? null : '2026-11-22T09:30:01Z',
      JSON.stringify([{ at: '2026-11-22T09:30:00.000Z', status: 503, reason: 'refused', ms: 12, secret: 'ours' }]), state === 'pending' ? `2026-11-22T09:3${at}:00Z` : null,
    ])
  }
  const path = `/v1/webhook_endpoints/${endpoint}/deliveries`
  const page = async (query: string) => {
    const answer = await owner.client.call({ path: `${path}${query}` })
    assert.equal(answer.status, 200, answer.text)
    return webhookDeliveryPageSchema.parse(JSON.parse(answer.text))
  }
  const first = await page('?limit=2')
  assert.equal(first.data.length, 2)
  assert.deepEqual(first.data[0], {
    id: first.data[0]?.id, object: 'webhook_delivery', world: 'test', endpoint, event: 'payment.succeeded', event_id: first.data[0]?.event_id,
    event_at: '2026-11-22T09:30:00.000Z', sequence: 3, payment,
    state: 'pending', reason: 'refused', attempts: [{ at: '2026-11-22T09:30:00.000Z', status: 503, reason: 'refused', duration_ms: 12 }],
    next_attempt_at: '2026-11-22T09:32:00.000Z', replays: 0, created_at: '2026-11-22T09:30:00.000Z', settled_at: null,
  }, 'and nothing else that a row has')
  const rest = await page(`?limit=2&cursor=${first.next_cursor ?? ''}`)
  assert.deepEqual([rest.data.map(({ state }) => state), rest.next_cursor], [['delivered'], null])
  assert.equal((await page('?state=pending')).data.length, 2)
  const otherList = await owner.client.call({ path: `${path}?state=pending&cursor=${first.next_cursor ?? ''}` })
  assert.deepEqual([otherList.status, problemIn(otherList).code], [422, 'request/invalid'], 'a cursor is good for its own list')
  for (const theirs of [await stranger.client.call({ path }), await stranger.client.call({ path: `${path}?cursor=${first.next_cursor ?? ''}` })]) {
    assert.deepEqual([theirs.status, problemIn(theirs).code], [404, 'webhooks/endpoint_unknown'])
  }
})

const firstId = async (): Promise<string> => (await list())[0]?.id ?? ''
const replace = (id: string, body: object, idempotencyKey = `r-${++serial}`, as = merchant): Promise<Answer> =>
  as.client.call({ method: 'POST', path: `/v1/webhook_endpoints/${id}/secret`, body, idempotencyKey })
const created = (answer: Answer): ReturnType<typeof createdWebhookEndpointSchema.parse> => {
  assert(answer.status < 300, answer.text)
  return createdWebhookEndpointSchema.parse(JSON.parse(answer.text))
}

test('a secret is replaced: the new one is shown once, the old one has its end, and the operator hears of it', async () => {
  const before = created(await create('https://shop.example.com/hooks'))
  assert.equal(before.previous_secret_ends_at, null)
  const after = created(await replace(before.id, {}, 'roll'))
  assert.ok(after.secret !== null && after.secret !== before.secret && parseWebhookSecret(new Secret(after.secret)) !== undefined)
  const day = Date.parse(after.previous_secret_ends_at ?? '') - Date.parse(after.secret_created_at)
  assert.equal(day, 86_400_000, 'a day unless asked otherwise')
  const { secret, ...shown } = after
  assert.deepEqual(created(await replace(before.id, {}, 'roll')), { ...shown, secret: null }, 'a repetition acts once and tells no secret')
  assert.deepEqual(await list(), [shown])
  const [event] = await running.database.asAdmin(
    `SELECT severity, merchant, data FROM ngome.events WHERE type = 'webhook_endpoint.secret_rolled' AND data->>'endpoint' = $1`, [before.id])
  assert.deepEqual(event, {
    severity: 'warning', merchant: merchant.tenant.merchant,
    data: { endpoint: before.id, version: 2, previous_ends_at: after.previous_secret_ends_at },
  })
  const rows = await running.database.asAdmin('SELECT r::text AS row FROM ngome.webhook_secrets r UNION ALL SELECT r::text FROM ngome.idempotency r')
  for (const { row } of rows as { row: string }[]) assert.doesNotMatch(row, new RegExp(secret.slice(6, 30).replaceAll('+', '\\+')))
})

test('while one takes over the next is refused, unless it ends all before it', async () => {
  const id = await firstId()
  const refused = await replace(id, { expires_in: 60 })
  assert.deepEqual([refused.status, problemIn(refused).code], [409, 'webhooks/secret_rolling'])
  const alone = created(await replace(id, { expires_in: 0 }))
  assert.ok(alone.secret !== null && alone.previous_secret_ends_at === null)
  const versions = await running.database.asAdmin('SELECT version FROM ngome.webhook_secrets WHERE endpoint = $1', [id])
  assert.deepEqual(versions, [{ version: 3 }])
  assert.ok(created(await replace(id, { expires_in: 1 })).previous_secret_ends_at !== null)
})

test('another merchant replaces nothing, and learns nothing', async () => {
  const id = await firstId()
  const thief = await running.addMerchant()
  for (const target of [id, 'whe_01k8z3f7q2e9d8m4n6p0r5s7tv', 'x']) {
    const answer = await replace(target, { expires_in: 0 }, undefined, thief)
    assert.deepEqual([answer.status, problemIn(answer).code], [404, 'webhooks/endpoint_unknown'])
  }
})

for (const [what, body] of [
  ['an overlap of more than a week', { expires_in: 604_801 }], ['a negative one', { expires_in: -1 }], ['a fraction', { expires_in: 0.5 }],
  ['text', { expires_in: '60' }], ['null', { expires_in: null }], ['a secret of the merchant\u2019s own', { secret: 'whsec_AAAA' }],
] as const) {
  test(`refuses ${what}`, async () => {
    const id = await firstId()
    const answer = await replace(id, body)
    assert.deepEqual([answer.status, problemIn(answer).code], [422, 'request/invalid'])
  })
}

suite('an endpoint that is to be told encrypted', () => {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 3_072 })
  const url = 'https://shop.example.com/encrypted'
  const call = (as: TestMerchant, method: 'POST' | 'PUT', path: string, body: object): Promise<Answer> =>
    as.client.call({ method, path, body, ...(method === 'POST' ? { idempotencyKey: `e-${++serial}` } : {}) })
  const change = (id: string, body: object, as: TestMerchant): Promise<Answer> => call(as, 'PUT', `/v1/webhook_endpoints/${id}`, body)
  const viewOf = (answer: Answer) => {
    assert.equal(answer.status, 200, answer.text)
    return webhookEndpointSchema.parse(JSON.parse(answer.text))
  }
  /** Whether the dispatcher would take the row for what its merchant stated. */
  const isProven = async (id: string, { tenant }: TestMerchant): Promise<boolean> => {
    const [row] = await running.database.asAdmin('SELECT url, encryption, terms_proof FROM ngome.webhook_endpoints WHERE id = $1', [id])
    const { url: place, encryption, terms_proof: proof } = row as { url: string; encryption: 'none' | 'required'; terms_proof: Uint8Array }
    return areWebhookTerms(running.custody.secret('callback'), { id: id as WebhookEndpointId, tenant, url: place, encryption, eventTypes: null }, proof)
  }

  test('needs a key to encrypt to, and says so', async () => {
    const owner = await running.addMerchant()
    const refused = await call(owner, 'POST', '/v1/webhook_endpoints', { url, encryption: 'required' })
    const { code, errors, title } = problemIn(refused)
    assert.deepEqual([refused.status, code, errors?.[0]?.pointer], [409, 'webhooks/encryption_key_missing', '/encryption'])
    assert.match(String(title), /docs\/encrypted-webhooks\.md/)
    const onlySigns = generateKeyPairSync('ed25519').publicKey
    await running.addSigningKey(owner, onlySigns, ['encrypt'])
    assert.equal((await call(owner, 'POST', '/v1/webhook_endpoints', { url, encryption: 'required' })).status, 409)
    assert.deepEqual(await running.database.asAdmin('SELECT 1 FROM ngome.webhook_endpoints WHERE merchant = $1', [owner.tenant.merchant]), [])
  })
  test('is made, shown, stated anew and proven each time; the operator hears of a change', async () => {
    const owner = await running.addMerchant()
    await running.addSigningKey(owner, publicKey, ['encrypt'])
    const made = created(await call(owner, 'POST', '/v1/webhook_endpoints', { url, encryption: 'required' }))
    assert.deepEqual([made.encryption, made.held_since, made.held_because], ['required', null, null])
    assert.equal(await isProven(made.id, owner), true)
    const changed = viewOf(await change(made.id, { url: `${url}/2`, encryption: 'none' }, owner))
    const { secret: _secret, ...shown } = made
    assert.deepEqual(changed, { ...shown, url: `${url}/2`, encryption: 'none' })
    assert.equal(await isProven(made.id, owner), true)
    const events = await running.database.asAdmin(
      `SELECT severity, data FROM ngome.events WHERE type = 'webhook_endpoint.changed' AND data->>'endpoint' = $1`, [made.id])
    assert.deepEqual(events, [{ severity: 'warning', data: { endpoint: made.id, encryption: 'none' } }])
    await running.database.asAdmin(`UPDATE ngome.webhook_endpoints SET url = 'https://thief.example/' WHERE id = $1`, [made.id])
    assert.equal(await isProven(made.id, owner), false)
  })
  test('that is held says so and why, and what is stated anew counts again', async () => {
    const owner = await running.addMerchant()
    const made = created(await call(owner, 'POST', '/v1/webhook_endpoints', { url }))
    await running.database.asAdmin(
      `UPDATE ngome.webhook_endpoints SET terms_proof = NULL, held_because = 'terms_unproven', held_since = '2027-01-01T00:00:00Z' WHERE id = $1`, [made.id])
    const page = webhookEndpointPageSchema.parse(JSON.parse((await owner.client.call({ path: '/v1/webhook_endpoints' })).text))
    assert.deepEqual(page.data.map((one) => [one.held_because, one.held_since]), [['terms_unproven', '2027-01-01T00:00:00.000Z']])
    assert.equal(viewOf(await change(made.id, { url, encryption: 'none' }, owner)).held_because, null)
    assert.equal(await isProven(made.id, owner), true)
  })
  test('is nobody else\'s to change, and only whole', async () => {
    const [owner, thief] = [await running.addMerchant(), await running.addMerchant()]
    const { id } = created(await call(owner, 'POST', '/v1/webhook_endpoints', { url }))
    for (const target of [id, 'whe_01k8z3f7q2e9d8m4n6p0r5s7tv', 'x']) {
      const answer = await change(target, { url: 'https://thief.example/', encryption: 'none' }, thief)
      assert.deepEqual([answer.status, problemIn(answer).code], [404, 'webhooks/endpoint_unknown'])
    }
    for (const body of [{ url }, { encryption: 'none' }, { url, encryption: 'optional' }, { url, encryption: null }, { url, encryption: 'none', secret: 'x' }]) {
      const answer = await change(id, body, owner)
      assert.deepEqual([answer.status, problemIn(answer).code], [422, 'request/invalid'])
    }
    const refused = await change(id, { url: 'https://169.254.169.254/', encryption: 'none' }, owner)
    assert.equal(problemIn(refused).code, 'webhooks/address_refused')
  })
})

test('an endpoint goes with its secrets', async () => {
  const id = await firstId()
  assert.equal((await merchant.client.call({ method: 'DELETE', path: `/v1/webhook_endpoints/${id}` })).status, 204)
  assert.deepEqual(await running.database.asAdmin('SELECT version FROM ngome.webhook_secrets WHERE endpoint = $1', [id]), [])
})

test('an address that is refused early writes nothing and names its field', async () => {
  const answer = await create('https://169.254.169.254/')
  assert.deepEqual([answer.status, problemIn(answer).code, problemIn(answer).errors?.[0]?.pointer],
    [422, 'webhooks/address_refused', '/url'])
  assert.deepEqual(await list(), [])
})

test('a merchant has as many endpoints as there are slots, also when all are asked for at once', async () => {
  const answers = await Promise.all(Array.from({ length: webhookEndpointsMax + 4 }, (_, at) => create(`https://shop${at}.example.com/`)))
  assert.equal(answers.filter((one) => one.status === 201).length, webhookEndpointsMax)
  const refused = answers.filter((one) => one.status !== 201)
  assert.deepEqual(new Set(refused.map((one) => `${one.status} ${problemIn(one).code}`)), new Set(['409 webhooks/too_many']))
})
