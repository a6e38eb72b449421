import assert from 'node:assert/strict'
import { createHmac, generateKeyPairSync } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, describe, test } from 'node:test'
import { inspect } from 'node:util'
import { newId, Secret, systemClock, systemRandom, type Money } from '@ngome/kernel'
import fc from 'fast-check'
import { createEgressGuard, type EgressGuard } from '../../egress/egress-guard.ts'
import type { PaymentNetwork, PaymentRequest } from '../payment-network.ts'
import { provenTransaction, rawMember } from './callback-hash.ts'
import { connectAirtelMoney } from './connect-airtel-money.ts'
import type { AirtelMoneyCredentials, AirtelMoneySettings } from './settings.ts'
import { transactionIdOf } from './transaction-id.ts'

const from = { clock: systemClock, random: systemRandom }
const money: Money = { amountMinor: 500n, currency: 'UGX' }
const keyText = 'the portal\'s key'
const key = new Secret(keyText)

function hashOf(transaction: string, by = keyText): string {
  return createHmac('sha256', by).update(transaction).digest('base64')
}
const said = '{"id":"4f1c0a","message":"Paid UGX 500","status_code":"TS","airtel_money_id":"CI00000000000001"}'
const genuine = `{"transaction":${said},"hash":"${hashOf(said)}"}`

describe('a callback\'s hash', () => {
  const proven: readonly [string, string][] = [
    ['as documented', genuine],
    ['with the hash first', `{"hash":"${hashOf(said)}","transaction":${said}}`],
    ['with spaces and lines around', ` {\n "transaction" :\n ${said} , "hash" : "${hashOf(said)}" }\n`],
    ['with spaces inside that were hashed', ((text) => `{"transaction":${text},"hash":"${hashOf(text)}"}`)(said.replaceAll(',', ' , '))],
    ['with braces, brackets and quotes in a text', ((text) => `{"transaction":${text},"hash":"${hashOf(text)}"}`)(said.replace('Paid UGX 500', '}],\\"{:\\\\'))],
    ['with lists and objects inside', ((text) => `{"transaction":${text},"hash":"${hashOf(text)}"}`)('{"id":"x1","status_code":"TS","more":[{"a":[1]},{}]}')],
    ['beside what we do not know', `{"a":[{"transaction":1}],"b":{"hash":"x"},"transaction":${said},"hash":"${hashOf(said)}"}`],
  ]
  for (const [name, body] of proven) {
    test(`is right ${name}`, () => { assert.ok(provenTransaction(Buffer.from(body), key) !== undefined) })
  }

  const forged: readonly [string, string][] = [
    ['no hash', `{"transaction":${said}}`],
    ['an empty hash', `{"transaction":${said},"hash":""}`],
    ['a hash of another key', `{"transaction":${said},"hash":"${hashOf(said, 'guessed')}"}`],
    ['a hash of another transaction', `{"transaction":${said.replace('4f1c0a', '4f1c0b')},"hash":"${hashOf(said)}"}`],
    ['another end under the same hash', genuine.replace('"TS"', '"TF"')],
    ['a hash cut short', genuine.replace(/.{5}"}$/, '"}')],
    ['a hash in hexadecimal', `{"transaction":${said},"hash":"${createHmac('sha256', keyText).update(said).digest('hex')}"}`],
    ['a hash in base64url without padding', `{"transaction":${said},"hash":"${createHmac('sha256', keyText).update(said).digest('base64url')}"}`],
    ['a hash without a key', `{"transaction":${said},"hash":"${hashOf(said, '')}"}`],
    ['a list of hashes', `{"transaction":${said},"hash":["${hashOf(said)}"]}`],
    ['a second transaction after the hashed one', `{"transaction":${said},"hash":"${hashOf(said)}","transaction":${said.replace('TS', 'TF')}}`],
    ['a second transaction before the hashed one', `{"transaction":${said.replace('TS', 'TF')},"transaction":${said},"hash":"${hashOf(said)}"}`],
    ['the hashed transaction one level deeper', `{"transaction":${said.replace('TS', 'TF')},"x":{"transaction":${said}},"hash":"${hashOf(said)}"}`],
    ['the hashed transaction inside a text', `{"x":"\\"transaction\\":${said.replaceAll('"', '\\"')}","transaction":{},"hash":"${hashOf(said)}"}`],
    ['a name that is written otherwise', `{"transacti\\u006fn":${said},"hash":"${hashOf(said)}"}`],
    ['a hash over nothing', `{"transaction":null,"hash":"${hashOf('')}"}`],
    ['two documents', `${genuine}${genuine}`],
    ['a list', `[${genuine}]`],
    ['deep lists', `{"transaction":${'['.repeat(5_000)}${']'.repeat(5_000)},"hash":"${hashOf(said)}"}`],
  ]
  for (const [name, body] of forged) {
    test(`is not right: ${name}`, () => { assert.equal(provenTransaction(Buffer.from(body), key), undefined) })
  }
  test('whatever is changed in a genuine one, it is no longer', () => {
    fc.assert(fc.property(fc.nat(said.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const bytes = Buffer.from(genuine)
      const place = at + '{"transaction":'.length
      bytes[place] = (bytes[place] ?? 0) ^ flip
      assert.equal(provenTransaction(bytes, key), undefined)
    }))
  })
  test('the bytes of a member are those of its value, for any JSON', () => {
    fc.assert(fc.property(fc.jsonValue(), fc.jsonValue(), (value, other) => {
      const text = JSON.stringify(value)
      const document = Buffer.from(`{"other":${JSON.stringify(other)} , "transaction" : ${text} ,"last":1}`)
      assert.equal(Buffer.from(rawMember(document, 'transaction') ?? []).toString('utf8'), text)
    }))
  })
})

describe('with a network that is an attacker', () => {
  const messageKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'der', type: 'spki' }).toString('base64')
  const secrets = { clientId: 'planted-client', clientSecret: 'planted-client-secret', pin: '7391', callbackKey: keyText }
  let server: Server
  let thief: Server
  let stolen: string[] = []
  let heard: { readonly path: string; readonly authorization: string | undefined; readonly body: string }[] = []
  let egress: EgressGuard
  let answers: Record<'token' | 'keys' | 'other', (request: IncomingMessage, response: ServerResponse) => void>
  let network: PaymentNetwork

  const json = (status: number, body: unknown) => (_: IncomingMessage, response: ServerResponse): void => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(typeof body === 'string' ? body : JSON.stringify(body))
  }
  const shownKey = (shown: string, validUpTo = '2099-01-01T00:00:00Z'): unknown => ({ data: { key_id: 'k', key: shown, valid_upto: validUpTo } })
  const listen = async (made: Server): Promise<number> => {
    await new Promise<void>((resolve) => { made.listen(0, '127.0.0.1', resolve) })
    return (made.address() as AddressInfo).port
  }
  const connect = (changes: Partial<AirtelMoneySettings> = {}): PaymentNetwork => connectAirtelMoney({
    network: 'airtel', country: 'UG', currency: 'UGX', callingCode: '256', signsMessages: true, messageKeySha256: undefined,
    pinScheme: 'rsa-oaep-sha256', namesCallback: true, requestTimeoutMs: 400, enquiriesPerSecondMax: 1_000, ...changes,
  }, credentials, { egress, clock: systemClock, random: systemRandom })
  const credentials: AirtelMoneyCredentials = {
    clientId: new Secret(secrets.clientId), clientSecret: new Secret(secrets.clientSecret), callbackKey: key,
    pin: new Secret(secrets.pin), pinKey: new Secret(messageKey),
  }
  const requestFor = (changes: Partial<PaymentRequest> = {}): PaymentRequest => ({
    direction: 'collection', reference: crypto.randomUUID(), payment: newId('payment', from), money, phone: new Secret('+256752123456'),
    description: null, callbackUrl: 'https://localhost/cb', original: null, beforeFirstByte: async () => true, ...changes,
  })

  before(async () => {
    server = createServer((request, response) => {
      let body = ''
      request.setEncoding('utf8').on('data', (chunk: string) => { body += chunk })
      request.on('end', () => {
        heard.push({ path: request.url ?? '', authorization: request.headers.authorization, body })
        const kind = request.url === '/auth/oauth2/token' ? 'token' : request.url === '/v1/rsa/encryption-keys' ? 'keys' : 'other'
        answers[kind](request, response)
      })
    })
    thief = createServer((request, response) => {
      stolen.push(request.url ?? '')
      response.end('{"access_token":"stolen","expires_in":180}')
    })
    const port = await listen(server)
    await listen(thief)
    egress = createEgressGuard({
      providers: { airtel: { baseUrl: `http://127.0.0.1:${port}` } }, allowPrivate: [`127.0.0.1:${port}`],
      resolve: async () => { throw new Error('nothing has a name here') },
    })
  })
  beforeEach(() => {
    stolen = []
    heard = []
    answers = { token: json(200, { access_token: 'token', expires_in: '180' }), keys: json(200, shownKey(messageKey)), other: json(500, '') }
    network = connect()
  })
  after(() => {
    egress.close()
    for (const one of [server, thief]) {
      one.closeAllConnections()
      one.close()
    }
  })

  test('a redirect takes nothing along: neither secret, token, key nor payment', async () => {
    const redirect = (status: number) => (_: IncomingMessage, response: ServerResponse): void => {
      response.writeHead(status, { location: `http://127.0.0.1:${(thief.address() as AddressInfo).port}/` }).end()
    }
    for (const status of [301, 302, 303, 307, 308]) {
      answers.other = redirect(status)
      assert.equal((await network.request(requestFor())).kind, 'unknown')
      assert.equal((await network.enquire(requestFor())).kind, 'unknown')
      answers.keys = redirect(status)
      assert.equal(await connect().prepare('collection'), 'unavailable')
      answers.token = redirect(status)
      assert.equal(await connect().prepare('collection'), 'unavailable')
      answers.token = json(200, { access_token: 'token', expires_in: 180 })
      answers.keys = json(200, shownKey(messageKey))
    }
    assert.deepEqual(stolen, [])
  })

  const keys: readonly [string, unknown][] = [
    ['of 1024 bits', shownKey(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'der', type: 'spki' }).toString('base64'))],
    ['of a curve', shownKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'der', type: 'spki' }).toString('base64'))],
    ['that is private', shownKey(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64'))],
    ['that is no longer valid', shownKey(messageKey, '2020-01-01T00:00:00Z')],
    ['without an end', shownKey(messageKey, 'never')],
    ['in PEM', shownKey(`-----BEGIN PUBLIC KEY-----\n${messageKey}\n-----END PUBLIC KEY-----`)],
    ['that is none', shownKey('A'.repeat(128))],
    ['of a megabyte', shownKey('A'.repeat(1_048_576))],
  ]
  for (const [name, body] of keys) {
    test(`a key for messages ${name} is not used, and nothing is sent`, async () => {
      answers.keys = json(200, body)
      assert.equal((await network.request(requestFor())).kind, 'not_sent')
      assert.deepEqual(heard.filter(({ path }) => path.includes('payments')), [])
    })
  }
  test('a pinned key that is swapped is not used', async () => {
    const pinned = connect({ messageKeySha256: '00'.repeat(32) })
    assert.equal((await pinned.request(requestFor())).kind, 'not_sent')
  })

  const request = requestFor()
  const id = transactionIdOf(request.reference)
  const about = (changes: object): unknown => ({ data: { transaction: { id, status: 'TS', airtel_money_id: 'CI00000000000001', ...changes } }, status: { success: true } })
  const enquiries: readonly [string, unknown, string][] = [
    ['the truth', about({}), 'succeeded'],
    ['another id', about({ id: `${id.slice(0, -1)}0`.replace(id, 'x') }), 'differs'],
    ['no id', about({ id: undefined }), 'differs'],
    ['true as its id', about({ id: true }), 'differs'],
    ['a list as its id', about({ id: [id] }), 'unknown'],
    ['another amount', about({ amount: 501 }), 'differs'],
    ['the amount with other digits', about({ amount: '500.00' }), 'succeeded'],
    ['a part of a unit more', about({ amount: '500.01' }), 'differs'],
    ['a hundredth of the amount', about({ amount: 5 }), 'differs'],
    ['the amount as a power', about({ amount: '5e2' }), 'differs'],
    ['another currency', about({ currency: 'KES' }), 'differs'],
    ['another country', about({ country: 'KE' }), 'differs'],
    ['a state that nobody knows', about({ status: 'TX' }), 'unknown'],
    ['a state in small letters', about({ status: 'ts' }), 'unknown'],
    ['success in the envelope alone', { status: { success: true, response_code: 'DP00800001001' } }, 'unknown'],
    ['success in the envelope of what failed', { data: { transaction: { id, status: 'TF' } }, status: { success: true, response_code: 'DP00800001001' } }, 'failed'],
    ['a push that was sent', { data: { transaction: { id, status: 'SUCCESS' } }, status: { success: true } }, 'unknown'],
    ['not found, and a transaction', { data: { transaction: { id, status: 'TIP' } }, status: { response_code: 'DP00800001025' } }, 'pending'],
  ]
  for (const [name, body, kind] of enquiries) {
    test(`an answer to an enquiry with ${name}: ${kind}`, async () => {
      answers.other = json(200, body)
      assert.equal((await network.enquire(request)).kind, kind)
    })
  }
  for (const status of [201, 202, 400, 401, 403, 404, 500, 502]) {
    test(`the truth under ${status} is not believed`, async () => {
      answers.other = json(status, about({}))
      assert.equal((await network.enquire(request)).kind, 'unknown')
    })
  }
  test('a router that has lost its way does not say that there is no payment', async () => {
    for (const body of ['', '{}', '{"status_code":"ROUTER001"}', '{"message":"no Route matched"}']) {
      answers.other = json(404, body)
      assert.equal((await network.enquire(request)).kind, 'unknown')
    }
  })
  test('an answer about another transaction takes nothing', async () => {
    answers.other = json(200, { data: { transaction: { id: 'a'.repeat(32), status: 'TS' } }, status: { success: true } })
    assert.equal((await network.request(requestFor())).kind, 'unknown')
  })
  test('an Airtel number that is none of theirs is not passed on', async () => {
    for (const airtelMoneyId of ['+256752123456', '256752123456', 'x'.repeat(65), '<script>', 'CI 1', ['CI1']]) {
      answers.other = json(200, about({ airtel_money_id: airtelMoneyId }))
      const outcome = await network.enquire(request)
      assert.ok(outcome.kind === 'unknown' || (outcome.kind === 'succeeded' && outcome.networkReference === null), inspect(outcome))
    }
  })
  for (const token of ['to\r\nken', 'to ken', '', 'tökén', '"']) {
    test(`a token that would change a header is none: ${JSON.stringify(token)}`, async () => {
      answers.token = json(200, { access_token: token, expires_in: 180 })
      assert.equal(await connect().prepare('collection'), 'unavailable')
    })
  }

  test('the PIN leaves encrypted alone, otherwise each time, and no secret is in what the connector says or is', async () => {
    const said_: unknown[] = []
    for (let turn = 0; turn < 2; turn++) {
      answers.other = json(400, { status_code: 'ROUTER115', status_message: secrets.pin })
      said_.push(await network.request(requestFor({ direction: 'payout' })), await network.enquire(requestFor({ direction: 'payout' })))
    }
    const pins = heard.filter(({ path }) => path.includes('disbursements') && path.endsWith('/')).map(({ body }) => (JSON.parse(body) as { pin: string }).pin)
    assert.equal(new Set(pins).size, 2)
    const shown = inspect([said_, network, credentials], { depth: 10, showHidden: true })
    for (const secret of Object.values(secrets)) {
      assert.ok(!shown.includes(secret), secret)
      if (secret !== secrets.clientId && secret !== secrets.clientSecret) for (const { body } of heard) assert.ok(!body.includes(`"${secret}"`))
    }
    assert.deepEqual([...new Set(heard.filter(({ body }) => body.includes(secrets.clientSecret)).map(({ path }) => path))], ['/auth/oauth2/token'])
  })

  test('a callback without our key claims nothing, whatever it says', () => {
    const keyless = connectAirtelMoney({
      network: 'airtel', country: 'UG', currency: 'UGX', callingCode: '256', signsMessages: true, messageKeySha256: undefined,
      pinScheme: 'rsa-oaep-sha256', namesCallback: true, requestTimeoutMs: 400, enquiriesPerSecondMax: 1_000,
    }, { ...credentials, callbackKey: undefined }, { egress, clock: systemClock, random: systemRandom })
    assert.equal(network.readCallback(Buffer.from(genuine)), 'succeeded')
    assert.equal(keyless.readCallback(Buffer.from(genuine)), undefined)
  })
})
