import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { answerAttacks, answerKeyAttacks, answerKeyId, signAnswerRaw, stateAnswerKeyRaw, type AnswerParts, type SentAnswer } from '@ngome/testkit'
import { utf8 } from './bytes.ts'
import { Client } from './client.ts'
import { SigningKey, type NgomeOptions } from './mod.ts'
import { keyOf } from './testing/key.ts'
import { answerOf, problemOf, VirtualRuntime } from './testing/virtual-runtime.ts'
import type { TransportAnswer, TransportRequest } from './transport.ts'
import { AnswerVerifier, askForSignature } from './verify-answer.ts'

const custodian = generateKeyPairSync('ed25519')
const gateway = generateKeyPairSync('ed25519')
const statementKey = answerKeyId(custodian.privateKey)
const startMs = new VirtualRuntime().nowMs()
const stated = { key: answerKeyId(gateway.privateKey), fromMs: startMs - 60_000, untilMs: startMs + 7_200_000, signer: custodian.privateKey }
const statement = stateAnswerKeyRaw(stated)
const value = { type: 'phone', value: '+256771234567' } as const

/** What a gateway of the platform's would answer. */
function partsOf({ method, url, headers }: TransportRequest, change: Partial<AnswerParts> = {}): AnswerParts {
  const { host, pathname, search } = new URL(url)
  return {
    request: { method, target: pathname + search, host, headers }, status: 200, contentType: 'application/json', body: '{"id":"tok_01k9x0b6e1f7t8mz3v2c4d5g6h"}',
    nonce: /;nonce="([^"]+)"/.exec(headers['accept-signature'] ?? '')?.[1] ?? '', createdS: startMs / 1_000, privateKey: gateway.privateKey, statement, ...change,
  }
}

function arrived({ status, headers, body }: SentAnswer): TransportAnswer {
  return { status, header: (name) => headers[name], body: utf8(body) }
}

function client(runtime: VirtualRuntime, options: NgomeOptions = {}): Client {
  return new Client({ apiKey: keyOf(), baseUrl: 'https://api.ngome.example', statementKey, retriesMax: 0, ...options }, runtime)
}

/** One call, whose answer is what a test makes of the request. */
async function call(answer: (request: TransportRequest) => TransportAnswer, options: NgomeOptions = {}): Promise<unknown> {
  const runtime = new VirtualRuntime()
  runtime.answer = answer
  return client(runtime, options).vault.tokens.create(value, { idempotencyKey: 'order-1' })
}

suite('with a statement key', () => {
  test('each request asks for a signature in the page\'s words, and says which body it has', async () => {
    const runtime = new VirtualRuntime()
    runtime.answer = (request) => arrived(signAnswerRaw(partsOf(request)))
    const own = client(runtime)
    await own.vault.tokens.create(value)
    await own.vault.tokens.get('tok_01k9x0b6e1f7t8mz3v2c4d5g6h')
    const [created, read] = runtime.requests.map(({ headers }) => headers)
    const common = '"@status" "content-type" "content-digest" "answer-key" "@method";req "@authority";req "@path";req "@query";req'
    assert.match(created?.['accept-signature'] ?? '', new RegExp(`^ngome=\\(${common} "content-digest";req "idempotency-key";req\\);created;nonce="uuid-[0-9]+";tag="ngome-answer-v1"$`))
    assert.match(created?.['content-digest'] ?? '', /^sha-256=:.{44}:$/)
    assert.match(read?.['accept-signature'] ?? '', new RegExp(`^ngome=\\(${common}\\);created;nonce="uuid-[0-9]+";tag="ngome-answer-v1"$`))
  })
  test('what a stated gateway signed for this request is taken, refusals too', async () => {
    assert.deepEqual(await call((request) => arrived(signAnswerRaw(partsOf(request)))), { id: 'tok_01k9x0b6e1f7t8mz3v2c4d5g6h' })
    const problem = JSON.stringify({ type: 'about:blank', title: 'No.', status: 422, code: 'request/invalid', request_id: 'req_1' })
    const refusal = call((request) => arrived(signAnswerRaw(partsOf(request, { status: 422, contentType: 'application/problem+json', body: problem }))))
    await assert.rejects(refusal, { code: 'request/invalid', name: 'ValidationError' })
  })
  test('an answer to a signed request covers that signature', async () => {
    const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    const signingKey = new SigningKey({ keyId: 'msk_1', privateKey: pem })
    assert.deepEqual(await call((request) => {
      assert.match(request.headers['accept-signature'] ?? '', /"signature";req\)/)
      return arrived(signAnswerRaw(partsOf(request)))
    }, { signingKey }), { id: 'tok_01k9x0b6e1f7t8mz3v2c4d5g6h' })
  })
  test('either of two statement keys will do, and gateways beside each other', async () => {
    const others = generateKeyPairSync('ed25519')
    const runtime = new VirtualRuntime()
    const states = [gateway, others].map(({ privateKey }) => ({ privateKey, statement: stateAnswerKeyRaw({ ...stated, key: answerKeyId(privateKey) }) }))
    runtime.answer = (request, count) => arrived(signAnswerRaw(partsOf(request, states[count % 2])))
    const own = client(runtime, { statementKey: [answerKeyId(others.privateKey), statementKey] })
    for (let count = 0; count < 20; count++) assert.deepEqual(await own.vault.tokens.get('tok_01k9x0b6e1f7t8mz3v2c4d5g6h'), { id: 'tok_01k9x0b6e1f7t8mz3v2c4d5g6h' })
  })
  test('a statement that was taken once is refused when its time is over', async () => {
    const runtime = new VirtualRuntime()
    runtime.answer = (request) => arrived(signAnswerRaw(partsOf(request, { createdS: Math.floor(runtime.nowMs() / 1_000) })))
    const own = client(runtime)
    await own.vault.tokens.get('tok_01k9x0b6e1f7t8mz3v2c4d5g6h')
    await runtime.pass(7_200_000)
    await assert.rejects(own.vault.tokens.get('tok_01k9x0b6e1f7t8mz3v2c4d5g6h'), { code: 'sdk/answer_unproven' })
  })
})

suite('refuses, with one error', () => {
  const refused = { code: 'sdk/answer_unproven', name: 'SignatureError', idempotencyKey: 'order-1' }
  for (const [what, attack] of Object.entries(answerAttacks)) {
    test(what, async () => assert.rejects(call((request) => arrived(attack(partsOf(request)))), refused))
  }
  for (const [what, attack] of Object.entries(answerKeyAttacks)) {
    test(what, async () => assert.rejects(call((request) => arrived(signAnswerRaw(partsOf(request, { statement: attack(stated, startMs) })))), refused))
  }
  test('the answer before to the same request', async () => {
    const runtime = new VirtualRuntime()
    const said: TransportAnswer[] = []
    runtime.answer = (request) => {
      said.push(arrived(signAnswerRaw(partsOf(request))))
      return said[0] ?? assert.fail()
    }
    const own = client(runtime)
    await own.vault.tokens.get('tok_01k9x0b6e1f7t8mz3v2c4d5g6h')
    await assert.rejects(own.vault.tokens.get('tok_01k9x0b6e1f7t8mz3v2c4d5g6h'), { code: 'sdk/answer_unproven' })
  })
  test('a refusal that nobody signed, without believing what it says', async () => {
    await assert.rejects(call(() => problemOf(401, 'access/unauthenticated')), { ...refused, status: 401 })
  })
})

test('a status that asks to come again is obeyed unsigned, as a broken connection is, and the answer after it counts', async () => {
  const runtime = new VirtualRuntime()
  runtime.answer = (request, count) => count === 1
    ? problemOf(429, 'access/limit_exceeded', { 'retry-after': '3' }) : arrived(signAnswerRaw(partsOf(request, { createdS: Math.floor(runtime.nowMs() / 1_000) })))
  let isOver = false
  const made = client(runtime, { retriesMax: 1 }).vault.tokens.create(value).finally(() => { isOver = true })
  for (; !isOver; await sleep(1)) await runtime.pass(100)
  assert.deepEqual(await made, { id: 'tok_01k9x0b6e1f7t8mz3v2c4d5g6h' })
  const [first, second] = runtime.requests
  assert.ok((second?.atMs ?? 0) - (first?.atMs ?? 0) >= 3_000)
  assert.notEqual(first?.headers['accept-signature'], second?.headers['accept-signature'])
  assert.equal(first?.headers['idempotency-key'], second?.headers['idempotency-key'])
})

test('a deletion whose first answer nobody vouches for is over where it is gone', async () => {
  const runtime = new VirtualRuntime()
  const problem = JSON.stringify({ type: 'about:blank', title: 'No.', status: 404, code: 'vault/token_unknown', request_id: 'req_1' })
  runtime.answer = (request, count) => count === 1 ? answerOf(503, {}) : arrived(signAnswerRaw(partsOf(request, {
    status: 404, contentType: 'application/problem+json', body: problem, createdS: Math.floor(runtime.nowMs() / 1_000),
  })))
  let isOver = false
  const gone = client(runtime, { retriesMax: 1 }).vault.tokens.delete('tok_01k9x0b6e1f7t8mz3v2c4d5g6h').finally(() => { isOver = true })
  for (; !isOver; await sleep(1)) await runtime.pass(100)
  assert.equal(await gone, undefined)
})

suite('a statement key', () => {
  const wrong: readonly (readonly [string, string | readonly string[]])[] = [
    ['of nothing', ''], ['that is too short', statementKey.slice(1)], ['in a second spelling', `${'A'.repeat(42)}B`],
    ['that is no text of ours', 'not a key'], ['that is none', []], ['five times', Array.from({ length: 5 }, () => statementKey)],
  ]
  for (const [what, text] of wrong) {
    test(`${what} is refused`, () => { assert.throws(() => client(new VirtualRuntime(), { statementKey: text }), { code: 'sdk/configuration' }) })
  }
})

// The page that a client can be written from: its example is ours to believe.
const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'signed-answers.md'), 'utf8')

test('the page\'s example is asked for in its words, and taken', async () => {
  const [, head = '', body = ''] = /```http\nHTTP\/1.1 201 Created\n([\s\S]+?)\n\n([\s\S]+?)\n```/.exec(page) ?? []
  const fields = new Map(head.split('\n').map((line) => [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)]))
  const digest = /^Content-Digest: (.+)$/m.exec(page)?.[1] ?? ''
  const request = { method: 'POST', url: 'https://api.ngome.example/v1/payments', headers: { 'content-digest': digest, 'idempotency-key': 'order-42' } }
  const nonce = 'q83vASNFZ4mrze8BI0VniavN'
  assert.equal(askForSignature(request, nonce), /^Accept-Signature: (.+)$/m.exec(page)?.[1])
  const verifier = new AnswerVerifier(/`(JrQ[^`]+)`/.exec(page)?.[1] ?? '')
  const answer: TransportAnswer = { status: 201, header: (name) => fields.get(name), body: utf8(body) }
  await verifier.verify(answer, request, nonce, 1_798_761_600_000)
  await assert.rejects(verifier.verify({ ...answer, status: 200 }, request, nonce, 1_798_761_600_000), { code: 'sdk/answer_unproven' })
})
