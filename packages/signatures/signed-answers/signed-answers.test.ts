import assert from 'node:assert/strict'
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { suite, test } from 'node:test'
import { ManualClock, systemRandom, type MerchantSigningKeyId } from '@ngome/kernel'
import fc from 'fast-check'
import type { HttpMessage } from '../http-messages/message.ts'
import { signRequest } from '../signed-requests/sign-request.ts'
import { askForSignature, readAcceptSignature } from './answer-profile.ts'
import { signAnswer } from './sign-answer.ts'
import { isAnswerSigned, type AnswerToVerify, type ExpectedAnswer } from './verify-answer.ts'

const clock = new ManualClock(1_800_000_000_000)
const nowMs = clock.nowMs()
const gateway = generateKeyPairSync('ed25519')
const stranger = generateKeyPairSync('ed25519')
const merchant = generateKeyPairSync('ed25519')
const nonce = 'q83vASNFZ4mrze8BI0VniavN'
const idOf = ({ publicKey }: { readonly publicKey: KeyObject }): string => publicKey.export({ format: 'jwk' }).x ?? ''

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

type Answer = { readonly status: number; readonly headers: Fields; readonly body: string }
type Made = { readonly request?: HttpMessage; readonly key?: typeof gateway; readonly id?: string; readonly nonce?: string; readonly createdS?: number; readonly statement?: string }

function answerOf(change: Made = {}): Answer {
  const list = signAnswer({
    status: 201, contentType: 'application/json', body: Buffer.from(body), request: change.request ?? request, nonce: change.nonce ?? nonce,
    createdS: change.createdS ?? nowMs / 1_000,
  }, { id: change.id ?? idOf(gateway), privateKey: (change.key ?? gateway).privateKey, statement: change.statement ?? 'stated' })
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  for (let at = 0; at < list.length; at += 2) headers[list[at] ?? ''] = list[at + 1] ?? ''
  return { status: 201, headers, body }
}

const expected: ExpectedAnswer = { nonce, nowMs, proveKey: (statement) => statement === 'stated' ? idOf(gateway) : undefined }
const isTaken = (answer: Answer, to: HttpMessage = request, change: Partial<ExpectedAnswer> = {}): Promise<boolean> => {
  const read: AnswerToVerify = { status: answer.status, body: Buffer.from(answer.body), request: to, field: (name) => answer.headers[name] }
  return isAnswerSigned(read, { ...expected, ...change })
}
const withHeader = (answer: Answer, name: string, change: (value: string) => string): Answer =>
  ({ ...answer, headers: { ...answer.headers, [name]: change(answer.headers[name] ?? '') } })
const without = (answer: Answer, name: string): Answer => ({ ...answer, headers: Object.fromEntries(Object.entries(answer.headers).filter(([one]) => one !== name)) })
/** An answer whose input was changed, signed over the changed one by the right key: what only the gateway itself could make. */
function resigned(answer: Answer, change: (input: string) => string): Answer {
  const input = change(answer.headers['signature-input'] ?? '')
  const values: Fields = {
    '"@status"': '201', '"content-type"': 'application/json', '"content-digest"': answer.headers['content-digest'] ?? '', '"answer-key"': 'stated',
    '"@method";req': 'POST', '"@authority";req': 'api.example', '"@path";req': '/v1/payments', '"@query";req': '?x=1',
    '"content-digest";req': sent['content-digest'] ?? '', '"idempotency-key";req': 'order-1',
  }
  const covered = [...input.slice(0, input.indexOf(')')).matchAll(/"[^"]+"(?:;req)?/g)].map(([name]) => `${name}: ${values[name]}\n`).join('')
  const signature = sign(null, Buffer.from(`${covered}"@signature-params": ${input.slice(input.indexOf('=') + 1)}`), gateway.privateKey).toString('base64')
  return { ...answer, headers: { ...answer.headers, 'signature-input': input, signature: `ngome=:${signature}:` } }
}

suite('a signed answer', () => {
  test('is taken for the request that it answers, signed or not, to the edges of the clock', async () => {
    assert.ok(await isTaken(answerOf()))
    assert.ok(await isTaken(answerOf({ request: signedRequest }), signedRequest))
    assert.ok(await isTaken(answerOf(), request, { nowMs: nowMs + 300_999 }))
    assert.ok(await isTaken(answerOf(), request, { nowMs: nowMs - 300_000 }))
  })
  test('re-signed without a change is taken: the attacks below are of what they change', async () => {
    assert.ok(await isTaken(resigned(answerOf(), (input) => input)))
  })
  test('to a request without body, key or query is taken, and covers what there is', async () => {
    const plain = message({}, { ...line, method: 'GET', target: '/v1/payments' })
    const answer = answerOf({ request: plain })
    assert.ok(await isTaken(answer, plain))
    assert.match(answer.headers['signature-input'] ?? '', /^ngome=\("@status" "content-type" "content-digest" "answer-key" "@method";req "@authority";req "@path";req "@query";req\);created=/)
  })
})

/** Each row is one way to have another answer believed. */
const attacks: Readonly<Record<string, () => Promise<boolean>>> = {
  'an answer to another request, with its nonce': () => isTaken(answerOf({ nonce: 'A'.repeat(24) })),
  'an answer to the same request at another path': () => isTaken(answerOf({ request: message(sent, { ...line, target: '/v1/payments/p?x=1' }) })),
  'an answer to another query': () => isTaken(answerOf({ request: message(sent, { ...line, target: '/v1/payments' }) })),
  'an answer to another method': () => isTaken(answerOf({ request: message(sent, { ...line, method: 'GET' }) })),
  'an answer of another host': () => isTaken(answerOf({ request: message(sent, { ...line, host: 'other.example' }) })),
  'an answer to another body': () => isTaken(answerOf({ request: message({ ...sent, 'content-digest': 'sha-256=:AAAA:' }, line) })),
  'an answer to another idempotency key': () => isTaken(answerOf({ request: message({ ...sent, 'idempotency-key': 'order-2' }, line) })),
  'an answer to the request without its signature': () => isTaken(answerOf(), signedRequest),
  'an answer to the request with another signature': () => isTaken(answerOf({ request: signedRequest }), message({ ...sent, signature: 'ngome=:AAAA:' }, line)),
  'another status': () => isTaken({ ...answerOf(), status: 200 }),
  'another body': () => isTaken({ ...answerOf(), body: '{"id":"pay_2"}' }),
  'another body with its digest': () => isTaken(withHeader({ ...answerOf(), body: '' }, 'content-digest', () => 'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:')),
  'another content type': () => isTaken(withHeader(answerOf(), 'content-type', () => 'text/html')),
  'no content type': () => isTaken(without(answerOf(), 'content-type')),
  'no digest': () => isTaken(without(answerOf(), 'content-digest')),
  'no statement': () => isTaken(without(answerOf(), 'answer-key')),
  'no input': () => isTaken(without(answerOf(), 'signature-input')),
  'no signature': () => isTaken(without(answerOf(), 'signature')),
  'a statement that does not count': () => isTaken(answerOf({ statement: 'another' })),
  'the key of another gateway, under this statement': () => isTaken(answerOf({ key: stranger })),
  'the key of another gateway by its own name': () => isTaken(answerOf({ key: stranger, id: idOf(stranger) })),
  'a time that is over': () => isTaken(answerOf(), request, { nowMs: nowMs + 301_000 }),
  'a time to come': () => isTaken(answerOf({ createdS: nowMs / 1_000 + 301 })),
  'an algorithm beside it': () => isTaken(resigned(answerOf(), (input) => `${input};alg="ed25519"`)),
  'another algorithm': () => isTaken(resigned(answerOf(), (input) => `${input};alg="hmac-sha256"`)),
  'another tag': () => isTaken(resigned(answerOf(), (input) => input.replace('ngome-answer-v1', 'ngome-v1'))),
  'an end of its own': () => isTaken(resigned(answerOf(), (input) => `${input};expires=1900000000`)),
  'a status that is not covered': () => isTaken(resigned(answerOf(), (input) => input.replace('"@status" ', ''))),
  'a digest that is not covered': () => isTaken(resigned(answerOf(), (input) => input.replace('"content-digest" ', ''))),
  'a statement that is not covered': () => isTaken(resigned(answerOf(), (input) => input.replace('"answer-key" ', ''))),
  'a path that is not covered': () => isTaken(resigned(answerOf(), (input) => input.replace('"@path";req ', ''))),
  'components in another order': () => isTaken(resigned(answerOf(), (input) => input.replace('"@status" "content-type"', '"content-type" "@status"'))),
  'a request\'s component taken of the answer': () => isTaken(resigned(answerOf(), (input) => input.replace('"content-digest";req', '"content-digest"'))),
  'an answer\'s component taken of the request': () => isTaken(resigned(answerOf(), (input) => input.replace('"content-digest" ', '"content-digest";req '))),
  'a label twice': () => isTaken(withHeader(answerOf(), 'signature-input', (value) => `${value}, ${value}`)),
  'a second label': () => isTaken(withHeader(answerOf(), 'signature', (value) => `${value}, other=:AAAA:`)),
  'another label': () => isTaken(withHeader(withHeader(answerOf(), 'signature', (value) => value.replace('ngome', 'sig1')), 'signature-input', (value) => value.replace('ngome=', 'sig1='))),
  'a signature with a parameter': () => isTaken(withHeader(answerOf(), 'signature', (value) => `${value};x`)),
  'a signature that is cut short': () => isTaken(withHeader(answerOf(), 'signature', () => 'ngome=:AAAA:')),
  'the signature of its request': () => isTaken(withHeader(answerOf({ request: signedRequest }), 'signature', () => signedRequest.field('signature') ?? ''), signedRequest),
}
suite('refuses', () => {
  for (const [what, attack] of Object.entries(attacks)) test(what, async () => assert.equal(await attack(), false))
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
