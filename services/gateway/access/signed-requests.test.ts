import assert from 'node:assert/strict'
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { after, before, suite, test } from 'node:test'
import { compactDecrypt } from 'jose'
import { systemClock, type MerchantSigningKeyId } from '@ngome/kernel'
import {
  digestOf, rsaAttacks, signatureAttacks, signPss, signRaw, type Answer, type MerchantClient, type SignatureAttack, type SignedRequest,
  type SigningOptions,
} from '@ngome/testkit'
import { operationNames, operations } from '../api/operations.ts'
import { problemIn } from '../testing/problem-in.ts'
import { TestGateway, type TestMerchant } from '../testing/test-gateway.ts'
import { signaturePolicyOf } from './signature-policy.ts'

let gateway: TestGateway
let second: TestGateway
let merchant: TestMerchant
let signer: SigningOptions
let plainEndpoint: string
const pair = generateKeyPairSync('rsa', { modulusLength: 3_072 })
const other = generateKeyPairSync('ed25519')
const order = { amount: '5.00', currency: 'EUR', network: 'mtn-sandbox', payer: { phone: '+46733123499' }, reference: 'order-1' }
before(async () => {
  gateway = await TestGateway.start()
  second = await TestGateway.start({ beside: gateway })
  merchant = await gateway.addMerchant()
  plainEndpoint = await createEndpoint(merchant.client)
  signer = signerOf(await gateway.addSigningKey(merchant, pair.publicKey), pair.privateKey)
})
after(async () => {
  await second.close()
  await gateway.close()
})

function signerOf(keyId: string, privateKey: KeyObject): SigningOptions {
  const createdS = Math.floor(systemClock.nowMs() / 1_000)
  return { keyId, createdS, sign: privateKey.asymmetricKeyType === 'rsa' ? signPss(privateKey) : (base) => sign(null, base, privateKey) }
}

let made = 0
function unsigned(change: Partial<SignedRequest> = {}): SignedRequest {
  const body = change.body ?? JSON.stringify(order)
  const headers = { 'content-digest': digestOf(body), 'idempotency-key': `order-${++made}`, 'content-type': 'application/json' }
  return { method: 'POST', target: '/v1/payments', host: `localhost:${gateway.port}`, body, headers, ...change }
}

/** Sends exactly this, over any gateway; its host is the one that was signed. */
function send(request: SignedRequest, client: MerchantClient = merchant.client): Promise<Answer> {
  const { method, target, host, body, headers } = request
  return client.call({ method: method as 'POST', path: target, headers: { host, ...headers }, ...(body === '' ? {} : { text: body }) })
}

async function createEndpoint(client: MerchantClient): Promise<string> {
  const answer = await client.call({ method: 'POST', path: '/v1/webhook_endpoints', body: { url: 'https://shop.example/hook' }, idempotencyKey: `e-${++made}` })
  assert.equal(answer.status, 201, answer.text)
  return (JSON.parse(answer.text) as { id: string }).id
}

function assertRefused(answer: Answer, code = 'access/signature_refused'): void {
  assert.equal(answer.status, 401, answer.text)
  assert.equal(problemIn(answer).code, code)
}

test('a signed request is accepted, a body-less one too, and the same key and body again gets the same answer', async () => {
  const request = unsigned()
  const first = await send(signRaw(request, signer))
  assert.equal(first.status, 201, first.text)
  const again = await send(signRaw(request, signer))
  assert.equal(again.text, first.text)
  assert.equal(again.headers['idempotent-replayed'], 'true')
  const { id } = JSON.parse(first.text) as { id: string }
  const read = { ...unsigned(), method: 'GET', target: `/v1/payments/${id}`, body: '', headers: {} }
  assert.equal((await send(signRaw(read, signer))).status, 200)
  const list = { ...read, target: '/v1/payments?limit=2' }
  assert.equal((await send(signRaw(list, signer))).status, 200)
})

suite('one and the same answer is all that any of these gets', () => {
  // This one's query is refused before: the operation knows none. The list's is tried below.
  const { 'another query': _, ...others } = signatureAttacks
  const attacks: Record<string, SignatureAttack> = { ...others, ...rsaAttacks(pair.privateKey) }
  const answers = new Set<string>()
  for (const [name, attack] of Object.entries(attacks)) {
    test(name, async () => {
      const answer = await send(attack({ request: unsigned(), signer }))
      assertRefused(answer)
      answers.add(answer.text.replace(/req_[0-9a-z]+/g, ''))
    })
  }
  test('a key of somebody else, whoever that is', async () => {
    const stranger = await gateway.addMerchant()
    const live = await gateway.addSigningKey({ ...merchant, tenant: { ...merchant.tenant, world: 'live' } }, other.publicKey)
    const foreign = await gateway.addSigningKey(stranger, other.publicKey)
    const onlyEncrypts = await gateway.addSigningKey(merchant, pair.publicKey, ['encrypt'])
    const revoked = await gateway.addSigningKey(merchant, other.publicKey)
    await gateway.revokeSigningKey(merchant, revoked)
    const signers = [signerOf(live, other.privateKey), signerOf(foreign, other.privateKey), signerOf(onlyEncrypts, pair.privateKey),
      signerOf(revoked, other.privateKey), signerOf(signer.keyId, other.privateKey), signerOf(signer.keyId, generateKeyPairSync('rsa', { modulusLength: 3_072 }).privateKey)]
    for (const one of signers) {
      const answer = await send(signRaw(unsigned(), one))
      assertRefused(answer)
      answers.add(answer.text.replace(/req_[0-9a-z]+/g, ''))
    }
  })
  test('a row that somebody wrote or changed by himself, which is an alarm', async () => {
    const planted = await gateway.addSigningKey(merchant, other.publicKey)
    await gateway.database.asAdmin('ALTER TABLE ngome.merchant_signing_keys DISABLE TRIGGER guard')
    await gateway.database.asAdmin('UPDATE ngome.merchant_signing_keys SET proof = decode(repeat(\'00\', 64), \'hex\') WHERE id = $1', [planted])
    const answer = await send(signRaw(unsigned(), signerOf(planted, other.privateKey)))
    assertRefused(answer)
    answers.add(answer.text.replace(/req_[0-9a-z]+/g, ''))
    const rows = await gateway.database.asAdmin('SELECT 1 FROM ngome.events WHERE type = \'merchant_key.unproven\' AND data->>\'key\' = $1', [planted])
    assert.equal(rows.length, 1)
  })
  test('another query than the one that was signed', async () => {
    const signed = signRaw({ ...unsigned(), method: 'GET', target: '/v1/payments?limit=2', body: '', headers: {} }, signer)
    const answer = await send({ ...signed, target: '/v1/payments?limit=3' })
    assertRefused(answer)
    answers.add(answer.text.replace(/req_[0-9a-z]+/g, ''))
  })
  test('and it is one answer', () => assert.equal(answers.size, 1, [...answers].join('\n')))
  test('while the operator reads why', () => {
    const reasons = new Set(gateway.logLines.map((line) => JSON.parse(line) as { msg: string; reason?: string })
      .flatMap(({ msg, reason }) => msg === 'a signature was refused' ? [reason] : []))
    for (const reason of ['content-digest', 'covered components', 'created is not of now', 'nonce', 'keyid is no key of this tenant', 'tag']) assert.ok(reasons.has(reason), reason)
  })
})

test('a header that is too long is refused before anybody reads it', async () => {
  for (const name of ['signature', 'signature-input', 'content-digest']) {
    const answer = await merchant.client.call({ path: '/v1/payments', headers: { [name]: 'a'.repeat(2_000) } })
    assert.equal(problemIn(answer).code, 'request/header_refused')
  }
})

test('a signature is looked at only after its API key', async () => {
  const answer = await send(signRaw(unsigned(), signer), gateway.client('ngome_sk_test_nothing'))
  assert.equal(problemIn(answer).code, 'access/unauthenticated')
})

test('a revoked key ends on every gateway within the lease, though it was in memory', async () => {
  const key = await gateway.addSigningKey(merchant, other.publicKey)
  const own = signerOf(key, other.privateKey)
  const clients = [merchant.client, second.client(merchant.key)]
  for (const client of clients) assert.equal((await send(signRaw(unsigned(), own), client)).status, 201)
  await gateway.revokeSigningKey(merchant, key)
  const until = performance.now() + 2_000
  for (const client of clients) {
    let answer = await send(signRaw(unsigned(), own), client)
    while (answer.status === 201 && performance.now() < until) answer = await send(signRaw(unsigned(), own), client)
    assertRefused(answer)
  }
})

suite('where an API key is not enough', () => {
  const change = (): SignedRequest => unsigned({ target: '/v1/webhook_endpoints', body: JSON.stringify({ url: 'https://thief.example/hook' }) })
  const withoutDigest = (request: SignedRequest): SignedRequest => {
    const { 'content-digest': _digest, ...headers } = request.headers
    return { ...request, headers }
  }

  test('an unsigned call is refused, with a hint, and a signed one accepted', async () => {
    assertRefused(await send(withoutDigest(change())), 'access/signature_required')
    assertRefused(await merchant.client.call({ method: 'DELETE', path: `/v1/webhook_endpoints/${plainEndpoint}` }), 'access/signature_required')
    assertRefused(await send(withoutDigest(unsigned({ target: `/v1/webhook_endpoints/${plainEndpoint}/secret`, body: '{}' }))), 'access/signature_required')
    const created = await send(signRaw(change(), signer))
    assert.equal(created.status, 201, created.text)
  })
  test('a merchant who has no key, or only revoked ones, is not locked out', async () => {
    const fresh = await gateway.addMerchant()
    await createEndpoint(fresh.client)
    const key = await gateway.addSigningKey(fresh, other.publicKey)
    assertRefused(await fresh.client.call({ method: 'POST', path: '/v1/webhook_endpoints', body: { url: 'https://a.example/' }, idempotencyKey: 'x' }), 'access/signature_required')
    await gateway.revokeSigningKey(fresh, key)
    await createEndpoint(fresh.client)
  })
  test('when the merchant\u2019s key has run out: a thief of an API key does not wait for that day', async () => {
    const late = await gateway.addMerchant()
    const key = await gateway.addSigningKey(late, other.publicKey)
    await gateway.database.asAdmin(`UPDATE ngome.merchant_signing_keys SET created_at = now() - interval '2 days', expires_at = now() - interval '1 day' WHERE id = $1`, [key])
    assertRefused(await late.client.call({ method: 'POST', path: '/v1/webhook_endpoints', body: { url: 'https://a.example/' }, idempotencyKey: 'x' }), 'access/signature_required')
    assertRefused(await send(signRaw(change(), signerOf(key, other.privateKey)), late.client))
  })
  test('because the key says so, every call of it must be signed', async () => {
    const odd = await gateway.issueKey((await gateway.addMerchant()).tenant, { mustSign: true })
    assertRefused(await odd.client.call({ path: '/v1/payments' }), 'access/signature_required')
  })
  test('because its use was unusual, every call of that key must be signed', async () => {
    const odd = await gateway.addMerchant()
    await gateway.database.asAdmin(`INSERT INTO ngome.api_key_restrictions (merchant, world, api_key, restriction, set_at, ends_at)
      VALUES ($1, 'test', $2, 'demand_signed', now(), now() + interval '1 hour')`, [odd.tenant.merchant, odd.keyId])
    assertRefused(await odd.client.call({ path: '/v1/payments' }), 'access/signature_required')
    const own = signerOf(await gateway.addSigningKey(odd, other.publicKey), other.privateKey)
    assert.equal((await send(signRaw({ ...unsigned(), method: 'GET', target: '/v1/payments', body: '', headers: {} }, own), odd.client)).status, 200)
  })
  test('are the operations that change where webhooks go, and whatever will change keys', () => {
    const required = operationNames.filter((name) => signaturePolicyOf(name) === 'required')
    assert.deepEqual(required.filter((name) => name.includes('Webhook')).toSorted(), ['changeWebhookEndpoint', 'createWebhookEndpoint', 'deleteWebhookEndpoint', 'enableWebhookEndpoint', 'replaceWebhookSecret'])
    const changesKeys = operationNames.filter((name) => 'scope' in operations[name] && operations[name].method !== 'GET' && String(operations[name].scope).startsWith('keys:'))
    assert.deepEqual(changesKeys.filter((name) => signaturePolicyOf(name) === 'optional'), [])
  })
})

suite('an answer that is asked for as application/jose', () => {
  const read = { path: '/v1/payments?limit=1', headers: { accept: 'application/jose' } } as const
  test('is the same answer, and only the merchant\u2019s private key opens it', async () => {
    const owner = await gateway.addMerchant()
    assert.equal(problemIn(await owner.client.call(read)).code, 'access/encryption_key_missing')
    await gateway.addSigningKey(owner, pair.publicKey, ['encrypt'])
    const answer = await owner.client.call(read)
    assert.equal(answer.headers['content-type'], 'application/jose')
    const { plaintext, protectedHeader } = await compactDecrypt(answer.text, pair.privateKey)
    assert.deepEqual([protectedHeader.alg, protectedHeader.enc], ['RSA-OAEP-256', 'A256GCM'])
    assert.equal(Buffer.from(plaintext).toString(), (await owner.client.call({ path: '/v1/payments?limit=1' })).text)
    await assert.rejects(compactDecrypt(answer.text, generateKeyPairSync('rsa', { modulusLength: 3_072 }).privateKey))
  })
  test('is refused before anything is done, where no key is there, or only one that the custodian did not state', async () => {
    const owner = await gateway.addMerchant()
    const planted = await gateway.addSigningKey(owner, pair.publicKey, ['encrypt'])
    await gateway.database.asAdmin('UPDATE ngome.merchant_signing_keys SET proof = decode(repeat(\'00\', 64), \'hex\') WHERE id = $1', [planted])
    const { headers, ...request } = unsigned()
    const { 'content-digest': _digest, ...rest } = headers
    const answer = await send({ ...request, headers: { ...rest, accept: 'application/jose' } }, owner.client)
    assert.equal(answer.status, 406, answer.text)
    const rows = await gateway.database.asAdmin('SELECT 1 FROM ngome.payments WHERE merchant = $1', [owner.tenant.merchant])
    assert.equal(rows.length, 0)
  })
})

suite('a signed request that is sent again', () => {
  test('a thousand times at once over two gateways is accepted once', async () => {
    const signed = signRaw(unsigned(), signer)
    const clients = [merchant.client, second.client(merchant.key)]
    const answers = await Promise.all(Array.from({ length: 1_000 }, (_, n) => send(signed, clients[n % 2])))
    const statuses = Map.groupBy(answers, ({ status }) => status)
    assert.equal(statuses.get(201)?.length, 1, JSON.stringify([...statuses].map(([status, all]) => [status, all.length])))
    assert.equal(statuses.get(401)?.length, 999, JSON.stringify([...statuses].map(([status, all]) => [status, all.length, all[0]?.text])))
    const { id } = JSON.parse(statuses.get(201)?.[0]?.text ?? '{}') as { id: string }
    const rows = await gateway.database.asAdmin('SELECT count(*)::int AS n FROM ngome.payments WHERE id >= $1 AND merchant = $2', [id, merchant.tenant.merchant])
    assert.deepEqual(rows, [{ n: 1 }])
  })
  test('to a gateway that was started meanwhile is refused', async () => {
    const signed = signRaw(unsigned(), signer)
    assert.equal((await send(signed)).status, 201)
    const third = await TestGateway.start({ beside: gateway })
    try {
      assertRefused(await send(signed, third.client(merchant.key)))
    } finally {
      await third.close()
    }
  })
  test('is refused also where it only reads, states anew or deletes', async () => {
    const read = signRaw({ ...unsigned(), method: 'GET', target: '/v1/payments', body: '', headers: {} }, signer)
    assert.equal((await send(read)).status, 200)
    assertRefused(await send(read))
    const { id } = JSON.parse((await send(signRaw(unsigned({ target: '/v1/webhook_endpoints', body: '{"url":"https://b.example/"}' }), signer))).text) as { id: string }
    const put = unsigned({ method: 'PUT', target: `/v1/webhook_endpoints/${id}`, body: '{"url":"https://c.example/","encryption":"none"}' })
    const { 'idempotency-key': _key, ...headers } = put.headers
    const anew = signRaw({ ...put, headers }, signer)
    assert.equal((await send(anew)).status, 200)
    assertRefused(await send(anew))
    const remove = signRaw({ ...unsigned(), method: 'DELETE', target: `/v1/webhook_endpoints/${id}`, body: '', headers: {} }, signer)
    assert.equal((await send(remove)).status, 204)
    assertRefused(await send(remove))
  })
  test('is refused by every operation that acts', async () => {
    const bodies: Readonly<Record<string, unknown>> = {
      createVaultToken: { type: 'text', value: 'a' },
      createVaultTokens: { tokens: [{ type: 'text', value: 'a' }] },
      replaceWebhookSecret: { expires_in: 0 },
      replayWebhookEndpoint: { since: '2026-11-20T00:00:00Z' },
    }
    for (const [name, body] of Object.entries(bodies)) {
      const operation = operations[name as keyof typeof operations]
      const signed = signRaw(unsigned({ target: operation.path.replace(':id', plainEndpoint), body: JSON.stringify(body) }), signer)
      const first = await send(signed)
      assert.ok(first.status < 300, `${name} ${first.text}`)
      assertRefused(await send(signed))
    }
  })
  test('was spent with its effect: one that failed leaves its nonce, and with it no way to act twice', async () => {
    const key = signer.keyId as MerchantSigningKeyId
    const count = async (): Promise<unknown> => (await gateway.database.asAdmin('SELECT count(*)::int AS n FROM ngome.signed_request_nonces WHERE signing_key = $1', [key]))[0]?.['n']
    const before = await count()
    const refused = await send(signRaw(unsigned({ body: JSON.stringify({ ...order, network: 'nowhere' }) }), signer))
    assert.equal(refused.status, 422)
    assert.equal(await count(), before)
    assert.equal((await send(signRaw(unsigned(), signer))).status, 201)
    assert.equal(await count(), Number(before) + 1)
  })
})
