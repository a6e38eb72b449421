import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, before, suite, test } from 'node:test'
import { inspect } from 'node:util'
import { newApiKey } from '@ngome/access'
import { idCreatedAtMs, Secret, systemClock, systemRandom } from '@ngome/kernel'
import { AuthenticationError, ConfigurationError, IdempotencyError, Ngome, NotFoundError, ValidationError, SigningKey, verifyWebhook, type AttemptReport, type NgomeOptions } from '@ngome/sdk'
import { newWebhookSecret, parseWebhookSecret, signWebhook } from '@ngome/signatures'
import { runProbes, sdkIntegratesSafely } from '@ngome/verify'
import { TestGateway, type TestMerchant } from './testing/test-gateway.ts'

// The SDK beside the gateway as it runs: what merchants install meets what they call.

let running: TestGateway
let merchant: TestMerchant
let attempts: AttemptReport[] = []
const clients: Ngome[] = []

const order = { amount: '5.00', currency: 'EUR', network: 'mtn-sandbox', payer: { phone: '+46733123499' }, reference: 'order-42' } as const

function client(options: NgomeOptions = {}): Ngome {
  const made = new Ngome({
    apiKey: merchant.key, baseUrl: `https://localhost:${running.port}`, ca: running.custody.authority.pem, world: 'test',
    onAttempt: (report) => attempts.push(report), ...options,
  })
  clients.push(made)
  return made
}

before(async () => {
  running = await TestGateway.start()
  merchant = await running.addMerchant()
})
after(async () => {
  for (const one of clients) one.close()
  await running.close()
})

suite('a payment', () => {
  test('is accepted, read and listed', async () => {
    const ngome = client()
    const payment = await ngome.payments.create(order)
    assert.deepEqual([payment.object, payment.status, payment.amount], ['payment', 'accepted', '5.00'])
    assert.deepEqual(await ngome.payments.get(payment.id), payment)
    const page = await ngome.payments.list({ limit: 1 }).first()
    assert.equal(page.data[0]?.id, payment.id)
  })

  test('repeated under one key acts once, and under the same key with another body says so', async () => {
    const ngome = client()
    const once = { idempotencyKey: 'order-once' }
    const first = await ngome.payments.create({ ...order, reference: 'once' }, once)
    assert.deepEqual(await ngome.payments.create({ ...order, reference: 'once' }, once), first)
    await assert.rejects(ngome.payments.create({ ...order, reference: 'twice' }, once), (error) => {
      assert.ok(error instanceof IdempotencyError)
      assert.deepEqual([error.code, error.status, error.idempotencyKey], ['idempotency/key_reused', 422, 'order-once'])
      return true
    })
  })

  test('is listed to the end, a page at a time', async () => {
    const other = await running.addMerchant()
    const ngome = client({ apiKey: other.key })
    const made = new Set<string>()
    for (let count = 0; count < 5; count++) made.add((await ngome.payments.create({ ...order, reference: `page-${count}` })).id)
    attempts = []
    const seen = await Array.fromAsync(ngome.payments.list({ limit: 2 }), ({ id }) => id)
    assert.deepEqual(new Set(seen), made)
    assert.equal(seen.length, 5)
    assert.equal(attempts.length, 3)
    const pages = await Array.fromAsync(ngome.payments.list({ limit: 2 }).pages())
    const rest = await Array.fromAsync(ngome.payments.list({ limit: 2, cursor: pages[0]?.next_cursor ?? '' }), ({ id }) => id)
    assert.equal(rest.length, 3)
  })

  test('that the gateway refuses is a ValidationError with its fields, its documentation and no value', async () => {
    await assert.rejects(client().payments.create({ ...order, network: 'no such network' }), (error) => {
      assert.ok(error instanceof ValidationError)
      assert.equal(error.code, 'request/invalid')
      assert.deepEqual(error.fields.map(({ pointer }) => pointer), ['/network'])
      assert.equal(error.docs, `https://localhost:${running.port}/reference#request-invalid`)
      assert.match(error.requestId ?? '', /^req_/)
      assert.doesNotMatch(inspect(error), /no such network|733123499/)
      return true
    })
  })

  test('of nobody, or of another merchant, is a NotFoundError', async () => {
    const other = await running.addMerchant()
    const { id } = await client({ apiKey: other.key }).payments.create(order)
    await assert.rejects(client().payments.get(id), NotFoundError)
  })
})

suite('everything else of the API', () => {
  test('webhook endpoints are added, listed, stated anew, given a new secret and deleted', async () => {
    const ngome = client()
    const endpoint = await ngome.webhookEndpoints.create({ url: 'https://shop.example.com/hooks' })
    assert.match(endpoint.secret ?? '', /^whsec_/)
    assert.deepEqual((await ngome.webhookEndpoints.list()).data.map(({ id }) => id), [endpoint.id])
    const elsewhere = { url: 'https://shop.example.com/other', encryption: 'none' } as const
    assert.partialDeepStrictEqual(await ngome.webhookEndpoints.change(endpoint.id, elsewhere), { id: endpoint.id, ...elsewhere })
    await assert.rejects(ngome.webhookEndpoints.change(endpoint.id, { ...elsewhere, encryption: 'required' }), {
      name: 'ConflictError', code: 'webhooks/encryption_key_missing',
    })
    assert.deepEqual(await Array.fromAsync(ngome.webhookEndpoints.deliveries(endpoint.id, { state: 'given_up' })), [])
    const replaced = await ngome.webhookEndpoints.replaceSecret(endpoint.id, { expires_in: 60 })
    assert.notEqual(replaced.secret, endpoint.secret)
    await ngome.webhookEndpoints.delete(endpoint.id)
    await assert.rejects(ngome.webhookEndpoints.delete(endpoint.id), { name: 'NotFoundError', code: 'webhooks/endpoint_unknown' })
  })

  test('events are listed to the end, read, and gone on with; deliveries are replayed', async () => {
    const other = await running.addMerchant()
    const ngome = client({ apiKey: other.key })
    assert.deepEqual(await Array.fromAsync(ngome.events.list()), [])
    const endpoint = await ngome.webhookEndpoints.create({ url: 'https://shop.example.com/hooks', event_types: ['payment.accepted'] })
    const made = [await ngome.payments.create(order), await ngome.payments.create(order), await ngome.payments.create(order)]
    const pages = await Array.fromAsync(ngome.events.list({ limit: 2 }).pages())
    const events = pages.flatMap(({ data }) => data)
    assert.deepEqual(events.map(({ type, sequence, data }) => [type, sequence, data.id]), made.map(({ id }) => ['payment.accepted', 1, id]))
    assert.deepEqual(await ngome.events.get(events[0]?.id ?? ''), events[0])
    const cursor = pages.at(-1)?.next_cursor ?? ''
    const later = await ngome.payments.create(order)
    assert.deepEqual(await Array.fromAsync(ngome.events.list({ cursor }), ({ data }) => data.id), [later.id])
    const [delivery] = (await ngome.webhookEndpoints.deliveries(endpoint.id).first()).data
    await assert.rejects(ngome.webhookEndpoints.replayDelivery(delivery?.id ?? ''), { name: 'ConflictError', code: 'webhooks/delivery_waits' })
    const replay = await ngome.webhookEndpoints.replay(endpoint.id, { since: later.created_at })
    assert.deepEqual([replay.deliveries, replay.continue_from], [0, null])
    assert.equal((await ngome.webhookEndpoints.enable(endpoint.id)).disabled_at, null)
    await assert.rejects(ngome.events.get(later.id), ValidationError)
    await assert.rejects(ngome.events.get(`evt_${later.id.slice(4)}`), { name: 'NotFoundError', code: 'events/unknown' })
  })

  test('values are kept in the vault, one and many, read, listed and deleted', async () => {
    const { vault } = client()
    const token = await vault.tokens.create({ type: 'card_number', value: '4242 4242 4242 4242', metadata: { customer: 'c-1' } })
    assert.deepEqual(await vault.tokens.get(token.id), token)
    const { results: [good, bad] } = await vault.tokens.createBatch([{ type: 'phone', value: '+256771234567' }, { type: 'card_number', value: '1' }])
    assert.deepEqual([good?.error, bad?.id, bad?.error?.pointer], [null, null, '/value'])
    assert.equal((await Array.fromAsync(vault.tokens.list())).length, 2)
    await vault.tokens.delete(token.id)
    await assert.rejects(vault.tokens.get(token.id), NotFoundError)
    assert.equal((await vault.keys()).data[0]?.object, 'vault_key')
  })
})

test('limits are read, and the fields that every answer carries are understood', async () => {
  const ngome = client()
  const limits = await ngome.limits()
  assert.ok(limits.key.remaining <= limits.key.burst && limits.key.burst > 0)
})

suite('a signed request', () => {
  const pairs = { Ed25519: generateKeyPairSync('ed25519'), RSA: generateKeyPairSync('rsa', { modulusLength: 3_072 }) }
  for (const [kind, { privateKey, publicKey }] of Object.entries(pairs)) {
    test(`by a key of ${kind} is taken where it is demanded, and one by another key or without is not`, async () => {
      const signer = await running.addMerchant()
      const keyId = await running.addSigningKey(signer, publicKey)
      const pem = (key: typeof privateKey): string => key.export({ type: 'pkcs8', format: 'pem' }).toString()
      const strange = generateKeyPairSync('ed25519').privateKey
      const clientOf = (key: string): Ngome => client({ apiKey: signer.key, signingKey: new SigningKey({ keyId, privateKey: key }) })
      const ngome = clientOf(pem(privateKey))
      const endpoint = await ngome.webhookEndpoints.create({ url: 'https://shop.example.com/hooks' })
      await ngome.payments.create(order)
      assert.equal((await ngome.payments.list({ limit: 1 }).first()).data.length, 1)
      const refused = { name: 'AuthenticationError', code: 'access/signature_refused' }
      await assert.rejects(clientOf(pem(strange)).webhookEndpoints.delete(endpoint.id), refused)
      await assert.rejects(client({ apiKey: signer.key }).webhookEndpoints.delete(endpoint.id), { ...refused, code: 'access/signature_required' })
      await ngome.webhookEndpoints.delete(endpoint.id)
    })
  }
})

suite('a key', () => {
  test('that was revoked is an AuthenticationError, once', async () => {
    const other = await running.addMerchant()
    await running.revoke(other)
    const ngome = client({ apiKey: other.key })
    // The gateway hears of it within moments.
    const refused = async (): Promise<unknown> => ngome.payments.list().first().then(() => undefined, (error: unknown) => error)
    let error: unknown
    for (let looks = 0; looks < 100 && error === undefined; looks++) {
      attempts = []
      error = await refused()
    }
    assert.ok(error instanceof AuthenticationError)
    assert.equal(attempts.length, 1)
  })

  test('that the platform makes is read, and warned of at 90 days, whatever its bytes', () => {
    const dayMs = 86_400_000
    for (let count = 0; count < 50; count++) {
      const days = count % 2 === 0 ? 89 : 90
      const made = newApiKey({ world: 'test', clock: { nowMs: () => systemClock.nowMs() - days * dayMs }, random: systemRandom })
      const warnings: string[] = []
      client({ apiKey: made.text.expose((text) => text), onWarning: (message) => warnings.push(message) })
      assert.equal(warnings.length, days === 90 ? 1 : 0)
      assert.ok(warnings.every((message) => message.includes(made.id) && message.includes('90 days')))
      assert.ok(idCreatedAtMs(made.id) <= systemClock.nowMs() - days * dayMs)
    }
  })

  test('of the other world is refused before anything is sent', () => {
    assert.throws(() => client({ world: 'live' }), ConfigurationError)
  })
})

test('a webhook that the platform signs is taken', async () => {
  const secret = newWebhookSecret(systemRandom)
  const key = parseWebhookSecret(secret) ?? new Secret(new Uint8Array())
  const body = Buffer.from('{"type":"payment.succeeded","timestamp":"2027-01-01T00:00:00.000Z","data":{"id":"pay_1"}}')
  const headers = signWebhook([key], { id: 'evt_1', timestampS: Math.floor(systemClock.nowMs() / 1_000), body })
  const { event } = await verifyWebhook(body, headers, secret.expose((text) => text))
  assert.equal(event?.type, 'payment.succeeded')
})

test('what `ngome verify` looks at holds', async () => {
  const { tenant, key } = merchant
  const [result] = await runProbes([sdkIntegratesSafely], {
    gateway: { name: 'localhost', host: '127.0.0.1', port: running.port }, authority: running.custody.authority.pem, random: systemRandom,
    merchant: () => Promise.resolve({ tenant, apiKey: new Secret(key) }),
  }, systemClock)
  assert.ok(result)
  assert.equal(result.status, 'holds', result.evidence)
})

suite('keys of its own', () => {
  test('are made, rolled, listed and revoked by a merchant that signs; a key opens what was encrypted to it', async () => {
    const owner = await running.addMerchant()
    const [signing, encryption] = [generateKeyPairSync('ed25519'), generateKeyPairSync('rsa', { modulusLength: 3_072 })]
    const pem = (key: typeof signing.privateKey): string => key.export({ format: 'pem', type: 'pkcs8' }).toString()
    const id = await running.addSigningKey(owner, signing.publicKey)
    const signingKey = new SigningKey({ keyId: id, privateKey: pem(signing.privateKey) })
    const ngome = client({ apiKey: owner.key, signingKey, decryptionKey: pem(encryption.privateKey) })
    const plain = await ngome.apiKeys.create({ scopes: ['payments:read'] })
    await running.addSigningKey(owner, encryption.publicKey, ['encrypt'])
    const rolled = await ngome.apiKeys.roll(plain.id, { expires_in: 3_600 })
    assert.deepEqual([rolled.old_key, rolled.scopes, rolled.secret_status], [plain.id, ['payments:read'], 'shown'])
    const successor = client({ apiKey: rolled.secret ?? '' })
    assert.deepEqual((await successor.payments.list().first()).data, [])
    const seen: string[] = []
    for await (const key of ngome.apiKeys.list({ limit: 2 })) seen.push(key.id)
    assert.deepEqual(seen.toSorted(), [owner.keyId, plain.id, rolled.id].toSorted())
    assert.equal((await ngome.apiKeys.revoke(plain.id)).state, 'revoked')
    assert.equal((await successor.apiKeys.revokeThis()).state, 'revoked')
    assert.equal((await ngome.apiKeys.get(rolled.id)).state, 'revoked')
    const blind = client({ apiKey: owner.key, signingKey, retriesMax: 0 })
    await assert.rejects(blind.apiKeys.roll(owner.keyId), { code: 'sdk/decryption_key_missing' })
    assert.deepEqual(await ngome.usage.alerts().first(), { object: 'list', data: [], next_cursor: null })
    assert.ok(Array.isArray((await ngome.usage.requests().first()).data))
    assert.ok(Array.isArray((await ngome.usage.list()).data))
  })
})
