import assert from 'node:assert/strict'
import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { ManualClock, systemRandom, type MerchantSigningKeyId } from '@ngome/kernel'
import { answerAttacks, answerKeyId, signAnswerRaw, type AnswerParts, type SentAnswer } from '@ngome/testkit'
import fc from 'fast-check'
import type { HttpMessage } from '../http-messages/message.ts'
import { signRequest } from '../signed-requests/sign-request.ts'
import { askForSignature, readAcceptSignature } from './answer-profile.ts'
import { signAnswer } from './sign-answer.ts'
import { isAnswerSigned, type AnswerToVerify, type ExpectedAnswer } from './verify-answer.ts'

const clock = new ManualClock(1_800_000_000_000)
const nowMs = clock.nowMs()
const gateway = generateKeyPairSync('ed25519')
const merchant = generateKeyPairSync('ed25519')
const nonce = 'q83vASNFZ4mrze8BI0VniavN'

type Fields = Readonly<Record<string, string>>
const message = (fields: Fields, rest: Omit<HttpMessage, 'field'>): HttpMessage => ({ ...rest, field: (name) => fields[name] })
const line = { method: 'POST', target: '/v1/payments?x=1', host: 'api.example' }
const sent: Fields = { 'content-digest': 'sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:', 'idempotency-key': 'order-1' }
const request = message(sent, line)
const signedRequest = message({
  ...sent, ...signRequest({ ...line, body: Buffer.from('{"hello": "world"}'), idempotencyKey: 'order-1' }, {
    keyId: 'msk_01k9x0b6e1f7t8mz3v2c4d5g6h' as MerchantSigningKeyId, privateKey: merchant.privateKey, clock, random: systemRandom,
  }),
}, line)
const body = '{"id":"pay_1"}'

type Made = { readonly request?: HttpMessage; readonly statement?: string }
const usual: AnswerParts = {
  request: { ...line, headers: sent }, status: 201, contentType: 'application/json', body, nonce, createdS: nowMs / 1_000,
  privateKey: gateway.privateKey, statement: 'stated',
}

function answerOf(change: Made = {}): SentAnswer {
  const list = signAnswer(
    { status: 201, contentType: 'application/json', body: Buffer.from(body), request: change.request ?? request, nonce, createdS: nowMs / 1_000 },
    { id: answerKeyId(gateway.privateKey), privateKey: gateway.privateKey, statement: change.statement ?? 'stated' },
  )
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  for (let at = 0; at < list.length; at += 2) headers[list[at] ?? ''] = list[at + 1] ?? ''
  return { status: 201, headers, body }
}

const expected: ExpectedAnswer = { nonce, nowMs, proveKey: (statement) => statement === 'stated' ? answerKeyId(gateway.privateKey) : undefined }
const isTaken = (answer: SentAnswer, to: HttpMessage = request, change: Partial<ExpectedAnswer> = {}): Promise<boolean> => {
  const read: AnswerToVerify = { status: answer.status, body: Buffer.from(answer.body), request: to, field: (name) => answer.headers[name] }
  return isAnswerSigned(read, { ...expected, ...change })
}
suite('a signed answer', () => {
  test('is taken for the request that it answers, signed or not, to the edges of the clock', async () => {
    assert.ok(await isTaken(answerOf()))
    assert.ok(await isTaken(answerOf({ request: signedRequest }), signedRequest))
    assert.ok(await isTaken(answerOf(), request, { nowMs: nowMs + 300_999 }))
    assert.ok(await isTaken(answerOf(), request, { nowMs: nowMs - 300_000 }))
  })
  test('by our own signer is what the page\'s independent one makes', async () => {
    for (const sentRequest of [request, signedRequest]) {
      const headers = Object.fromEntries(['content-digest', 'idempotency-key', 'signature'].flatMap((name) => sentRequest.field(name) === undefined ? [] : [[name, sentRequest.field(name)]]))
      assert.deepEqual(answerOf({ request: sentRequest }), signAnswerRaw({ ...usual, request: { ...usual.request, headers: headers as Fields } }))
    }
    assert.ok(await isTaken(signAnswerRaw(usual)))
  })
  test('of the page\'s example has the page\'s bytes', () => {
    const page = readFileSync(join(import.meta.dirname, '..', '..', '..', 'docs', 'signed-answers.md'), 'utf8')
    const lineOf = (name: string): string => new RegExp(`^${name}: (.+)$`, 'm').exec(page)?.[1] ?? ''
    const [, answer = ''] = /HTTP\/1.1 201 Created\n[\s\S]+?\n\n([\s\S]+?)\n```/.exec(page) ?? []
    const asked = message({ 'content-digest': lineOf('Content-Digest'), 'idempotency-key': 'order-42' }, { method: 'POST', target: '/v1/payments', host: 'API.ngome.example:443' })
    const privateKey = createPrivateKey({ key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, 1)]), format: 'der', type: 'pkcs8' })
    const names = ['content-digest', 'answer-key', 'signature-input', 'signature']
    assert.deepEqual(signAnswer(
      { status: 201, contentType: 'application/json', body: Buffer.from(answer), request: asked, nonce, createdS: 1_798_761_600 },
      { id: answerKeyId(privateKey), privateKey, statement: lineOf('answer-key') },
    ), names.flatMap((name) => [name, lineOf(name)]))
    assert.equal(readAcceptSignature(lineOf('Accept-Signature'), asked.field), nonce)
  })
  test('to a request without body, key or query is taken, and covers what there is', async () => {
    const plain = message({}, { ...line, method: 'GET', target: '/v1/payments' })
    const answer = answerOf({ request: plain })
    assert.ok(await isTaken(answer, plain))
    assert.match(answer.headers['signature-input'] ?? '', /^ngome=\("@status" "content-type" "content-digest" "answer-key" "@method";req "@authority";req "@path";req "@query";req\);created=/)
  })
})

suite('refuses', () => {
  for (const [what, attack] of Object.entries(answerAttacks)) test(what, async () => assert.equal(await isTaken(attack(usual)), false))
  test('an answer to a request that was signed, of one that was not', async () => assert.equal(await isTaken(answerOf(), signedRequest), false))
  test('a statement that does not count', async () => assert.equal(await isTaken(answerOf({ statement: 'another' })), false))
  test('whatever one character makes of a header', async () => {
    const answer = answerOf()
    const names = ['content-digest', 'answer-key', 'signature-input', 'signature', 'content-type'] as const
    await fc.assert(fc.asyncProperty(fc.constantFrom(...names), fc.nat(400), fc.constantFrom('A', '0', ';', '=', '"', ' ', ','), async (name, place, character) => {
      const value = answer.headers[name] ?? ''
      const at = place % value.length
      const changed = value.slice(0, at) + character + value.slice(at + 1)
      assert.equal(await isTaken({ ...answer, headers: { ...answer.headers, [name]: changed } }), changed === value)
    }), { numRuns: 400 })
  })
})

suite('what asks for a signature', () => {
  const asked = askForSignature(request.field, nonce)
  test('is read as it is written, and says which parts the answer will cover', () => {
    assert.equal(readAcceptSignature(asked, request.field), nonce)
    assert.equal(readAcceptSignature(`${asked};alg="ed25519"`, request.field), nonce)
    assert.equal(readAcceptSignature(askForSignature(signedRequest.field, nonce), signedRequest.field), nonce)
    const { 'signature-input': input = '' } = answerOf().headers
    assert.equal(input.slice(0, input.indexOf(')')), asked.slice(0, asked.indexOf(')')))
  })
  const refused: Readonly<Record<string, string>> = {
    'nothing': '', 'no list': 'ngome', 'another label': asked.replace('ngome', 'sig'), 'two labels': `${asked}, ${asked}`,
    'a label beside ours': `${asked}, other=()`, 'no components': asked.replace(/\(.*\)/, '()'), 'fewer components': asked.replace('"@status" ', ''),
    'more components': asked.replace('"@status" ', '"@status" "date" '), 'components of another request': askForSignature(() => undefined, nonce),
    'a component of the answer that is the request\'s': asked.replace('"@path";req', '"@path"'), 'another order': asked.replace('"@status" "content-type"', '"content-type" "@status"'),
    'no nonce': asked.replace(/;nonce="[^"]*"/, ''), 'a short nonce': asked.replace(nonce, 'short'), 'a nonce that is a token': asked.replace(`"${nonce}"`, nonce),
    'a long nonce': asked.replace(nonce, 'A'.repeat(65)), 'no time': asked.replace(';created', ''), 'a time that the client chose': asked.replace(';created', ';created=1800000000'),
    'no tag': asked.replace(/;tag="[^"]*"/, ''), 'another tag': asked.replace('ngome-answer-v1', 'ngome-v1'), 'another algorithm': `${asked};alg="rsa-pss-sha512"`,
    'a key that the client chose': `${asked};keyid="x"`, 'an end': `${asked};expires`, 'a second spelling': asked.replace(';nonce', '; nonce'),
    'parameters of a component': asked.replace('"@status"', '"@status";sf'), 'req and more': asked.replace('"@path";req', '"@path";req;sf'), 'req that is false': asked.replace('"@path";req', '"@path";req=?0'),
  }
  for (const [what, value] of Object.entries(refused)) test(`is refused: ${what}`, () => assert.equal(readAcceptSignature(value, request.field), undefined))
})

test('an answer to what is no request is not signed', () => {
  assert.throws(() => answerOf({ request: message({}, {}) }), TypeError)
})
