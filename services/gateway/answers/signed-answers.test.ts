import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { after, before, suite, test } from 'node:test'
import { answerKeyLifeMs } from '@ngome/contracts'
import { Secret, systemClock, systemRandom } from '@ngome/kernel'
import { provenAnswerKey } from '@ngome/runtime'
import { Ngome, SigningKey, type NgomeOptions } from '@ngome/sdk'
import { askForSignature, isAnswerSigned, type HttpMessage } from '@ngome/signatures'
import { answerKeyId, digestOf, newNonce, signRaw, type Answer, type MerchantCall } from '@ngome/testkit'
import { answersAreSigned, runProbes } from '@ngome/verify'
import { operationNames, operations, type Operation } from '../api/operations.ts'
import { problemIn } from '../testing/problem-in.ts'
import { TestGateway, type TestMerchant } from '../testing/test-gateway.ts'

let first: TestGateway
let second: TestGateway
let merchant: TestMerchant
/** Of the second gateway's clock. */
let aheadMs = 0
const clients: Ngome[] = []
const order = { amount: '5.00', currency: 'EUR', network: 'mtn-sandbox', payer: { phone: '+46733123499' }, reference: 'order-1' } as const
before(async () => {
  first = await TestGateway.start()
  second = await TestGateway.start({ beside: first, clock: { nowMs: () => systemClock.nowMs() + aheadMs } })
  merchant = await first.addMerchant()
})
after(async () => {
  for (const client of clients) client.close()
  await second.close()
  await first.close()
})

function sdk(options: NgomeOptions = {}, gateway = first): Ngome {
  const made = new Ngome({
    apiKey: merchant.key, baseUrl: `https://localhost:${gateway.port}`, ca: first.custody.authority.pem, retriesMax: 0,
    statementKey: answerKeyId(first.custody.authority.statementKeys.privateKey), ...options,
  })
  clients.push(made)
  return made
}

type Asked = Pick<MerchantCall, 'method' | 'path' | 'text' | 'headers' | 'idempotencyKey' | 'isBare'> & { readonly asks?: string; readonly client?: TestMerchant['client'] }

/** Asks for a signature by hand. @returns the answer, and whether it is one that the platform signed for this */
async function ask({ asks, client = merchant.client, ...call }: Asked): Promise<{ readonly answer: Answer; readonly isSigned: boolean }> {
  const host = `localhost:${first.port}`
  const headers: Readonly<Record<string, string>> = {
    host, ...(call.text === undefined ? {} : { 'content-digest': digestOf(call.text) }), ...call.headers,
    ...(call.idempotencyKey === undefined ? {} : { 'idempotency-key': call.idempotencyKey }),
  }
  const request: HttpMessage = { method: call.method ?? 'GET', target: call.path, host, field: (name) => headers[name] }
  const nonce = newNonce()
  const answer = await client.call({ ...call, headers: { ...headers, 'accept-signature': asks ?? askForSignature(request.field, nonce) } })
  const isSigned = await isAnswerSigned({
    status: answer.status, request, body: Buffer.from(answer.text), field: (name) => answer.headers[name]?.toString(),
  }, {
    nonce, nowMs: systemClock.nowMs(),
    proveKey: (statement) => provenAnswerKey(statement, first.custody.authority.statementKeys.publicKey, systemClock.nowMs()),
  })
  return { answer, isSigned }
}

const signatureHeaders = ['content-digest', 'answer-key', 'signature-input', 'signature']
const isBare = ({ headers }: Answer): boolean => signatureHeaders.every((name) => headers[name] === undefined)

suite('with the SDK', () => {
  test('a payment is made, read and listed by answers that were proven, on either gateway', async () => {
    for (const gateway of [first, second]) {
      const ngome = sdk({}, gateway)
      const payment = await ngome.payments.create(order)
      assert.deepEqual(await ngome.payments.get(payment.id), payment)
      assert.equal((await ngome.payments.list({ limit: 1 }).first()).data[0]?.id, payment.id)
    }
  })
  test('a refusal is proven, and an answer without a body', async () => {
    const ngome = sdk()
    await assert.rejects(ngome.payments.create({ ...order, network: 'no such network' }), { code: 'request/invalid' })
    await assert.rejects(ngome.vault.tokens.get('tok_01k9x0b6e1f7t8mz3v2c4d5g6h'), { code: 'vault/token_unknown' })
    const { id } = await ngome.vault.tokens.create({ type: 'phone', value: '+256771234567' })
    await ngome.vault.tokens.delete(id)
  })
  test('signed requests and encrypted answers are proven as well', async () => {
    const other = await first.addMerchant()
    const [pair, own] = [generateKeyPairSync('ed25519'), generateKeyPairSync('rsa', { modulusLength: 3_072 })]
    const keyId = await first.addSigningKey(other, pair.publicKey)
    await first.addSigningKey(other, own.publicKey, ['encrypt'])
    const pem = (key: typeof own.privateKey): string => key.export({ type: 'pkcs8', format: 'pem' }).toString()
    const ngome = sdk({ apiKey: other.key, signingKey: new SigningKey({ keyId, privateKey: pem(pair.privateKey) }), decryptionKey: pem(own.privateKey) })
    assert.equal((await ngome.payments.create(order)).status, 'accepted')
    assert.match(JSON.stringify(await ngome.apiKeys.create({ name: 'till', scopes: ['payments:read'] })), /ngome_sk_test_/)
  })
  test('the answers of a platform with another custodian are refused', async () => {
    const statementKey = answerKeyId(generateKeyPairSync('ed25519').privateKey)
    await assert.rejects(sdk({ statementKey }).limits(), { code: 'sdk/answer_unproven' })
  })
  test('a key that is unknown gets an answer that nobody signed', async () => {
    const stranger = await first.issueKey(merchant.tenant)
    await first.revoke(stranger)
    await assert.rejects(sdk({ apiKey: stranger.key }).limits(), { code: 'sdk/answer_unproven', status: 401 })
  })
})

suite('who asks', () => {
  test('has every answer signed that comes after its key was known', async () => {
    const text = JSON.stringify(order)
    const body = { method: 'POST', path: '/v1/payments', headers: { 'content-type': 'application/json' } } as const
    const cases: readonly (readonly [Asked, number])[] = [
      [{ path: '/v1/limits' }, 200],
      [{ path: '/v1/payments?limit=1' }, 200],
      [{ path: '/v1/payments?limit=no' }, 422],
      [{ path: '/v1/payments/pay_01k9x0b6e1f7t8mz3v2c4d5g6h' }, 404],
      [{ ...body, text, idempotencyKey: 'a-1' }, 201],
      [{ ...body, text, idempotencyKey: 'a-1' }, 201],
      [{ ...body, text: `${text} `, idempotencyKey: 'a-2', headers: { 'content-type': 'text/plain' } }, 415],
      [{ ...body, text }, 400],
      [{ ...body, text: '{', idempotencyKey: 'a-3' }, 400],
      [{ path: '/v1/payments', headers: { accept: 'application/jose' } }, 406],
      [{ path: '/v1/payments', client: (await first.issueKey(merchant.tenant, { scopes: new Set(['vault:read']) })).client }, 403],
    ]
    for (const [asked, status] of cases) {
      const { answer, isSigned } = await ask(asked)
      assert.equal(answer.status, status, answer.text)
      assert.ok(isSigned, `${status} of ${asked.path}`)
    }
  })
  test('and signs with a signature that is not right is told so in a signed answer', async () => {
    const pair = generateKeyPairSync('ed25519')
    const host = `localhost:${first.port}`
    const raw = signRaw({ method: 'GET', target: '/v1/limits', host, body: '', headers: {} }, {
      keyId: 'msk_01k9x0b6e1f7t8mz3v2c4d5g6h', createdS: Math.floor(systemClock.nowMs() / 1_000), sign: (base) => sign(null, base, pair.privateKey),
    })
    const { answer, isSigned } = await ask({ path: '/v1/limits', headers: raw.headers })
    assert.deepEqual([answer.status, problemIn(answer).code, isSigned], [401, 'access/signature_refused', true])
  })
})

test('the probe of K9 holds, from outside', async () => {
  const [result] = await runProbes([answersAreSigned], {
    gateway: { name: 'localhost', host: '127.0.0.1', port: second.port }, authority: first.custody.authority.pem, clock: systemClock, random: systemRandom,
    merchant: () => Promise.resolve({ tenant: merchant.tenant, apiKey: new Secret(merchant.key) }),
    custodian: { statementKey: () => Promise.resolve(first.custody.authority.statementKeys.publicKey) },
  }, systemClock)
  assert.equal(`${result?.status}`, 'holds', result?.evidence ?? '')
})

suite('nothing is signed', () => {
  test('for who does not ask', async () => {
    assert.ok(isBare(await merchant.client.call({ path: '/v1/limits' })))
    assert.ok(isBare(await merchant.client.call({ path: '/v1/payments/none' })))
  })
  test('before it is known who calls: without a key, or with one that is none', async () => {
    const bare = await ask({ path: '/v1/limits', isBare: true })
    assert.deepEqual([bare.answer.status, isBare(bare.answer)], [401, true])
    const wrong = await ask({ path: '/v1/limits', client: first.client(`${merchant.key.slice(0, -1)}x`) })
    assert.deepEqual([wrong.answer.status, isBare(wrong.answer)], [401, true])
  })
  test('of what needs no key: there the header is refused', async () => {
    for (const name of operationNames) {
      const { credentials, headerGroups, path }: Operation = operations[name]
      assert.equal((headerGroups as readonly string[]).includes('signature'), credentials === 'api-key', name)
      if (credentials === 'api-key' || path.includes(':') || operations[name].method !== 'GET') continue
      const { answer } = await ask({ path, isBare: true })
      assert.deepEqual([answer.status, isBare(answer)], [400, true], name)
    }
  })
  test('of what is too much: such a refusal stays as cheap as it is', async () => {
    const greedy = await first.addMerchant()
    await first.setLimits(greedy, { ratePerS: 1, burst: 1 })
    const answers = await Promise.all(Array.from({ length: 12 }, () => ask({ path: '/v1/limits', client: greedy.client })))
    const limited = answers.filter(({ answer }) => answer.status === 429)
    assert.ok(limited.length > 0)
    for (const { answer } of limited) assert.ok(isBare(answer))
  })
})

suite('before anything is done, is refused', () => {
  const made = async (): Promise<number> => (JSON.parse((await merchant.client.call({ path: '/v1/payments?limit=100' })).text) as { data: unknown[] }).data.length
  const body = { method: 'POST', path: '/v1/payments', text: JSON.stringify(order), headers: { 'content-type': 'application/json' } } as const
  const cases: Readonly<Record<string, Partial<Asked>>> = {
    'another signature': { asks: 'sig1=();created;nonce="q83vASNFZ4mrze8BI0VniavN";tag="ngome-answer-v1"' },
    'a text that asks for none': { asks: 'please' },
    'the answer to another body': { headers: { ...body.headers, 'content-digest': digestOf('{}') } },
    'a digest that is none': { headers: { ...body.headers, 'content-digest': 'sha-256=:AAAA:' } },
  }
  for (const [what, change] of Object.entries(cases)) {
    test(what, async () => {
      const count = await made()
      const { answer } = await ask({ ...body, idempotencyKey: `refused ${what}`.replaceAll(' ', '-'), ...change })
      assert.deepEqual([answer.status, problemIn(answer).code, await made()], [400, 'request/header_refused', count])
    })
  }
  test('a body without its digest', async () => {
    const count = await made()
    const { 'content-digest': _, ...headers } = { 'content-digest': '', ...body.headers }
    const nonce = newNonce()
    const asks = askForSignature((name) => name === 'idempotency-key' ? 'bare-1' : undefined, nonce)
    const answer = await merchant.client.call({ ...body, idempotencyKey: 'bare-1', headers: { ...headers, 'accept-signature': asks } })
    assert.deepEqual([answer.status, problemIn(answer).code, await made()], [400, 'request/header_refused', count])
  })
  test('what nobody can sign now, because the custodian was away for too long; who does not ask is served', async () => {
    const client = second.client(merchant.key)
    aheadMs = answerKeyLifeMs
    const { answer } = await ask({ path: '/v1/limits', client })
    const unasked = await client.call({ path: '/v1/limits' })
    aheadMs = 0
    assert.deepEqual([answer.status, problemIn(answer).code, isBare(answer), unasked.status], [503, 'custodian/unavailable', true, 200])
  })
  test('a lone digest without the wish for a signed answer, as ever', async () => {
    const answer = await merchant.client.call({ ...body, idempotencyKey: 'lone-1', headers: { ...body.headers, 'content-digest': digestOf(body.text) } })
    assert.deepEqual([answer.status, problemIn(answer).code], [401, 'access/signature_refused'])
  })
})
