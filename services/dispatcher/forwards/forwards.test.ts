import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, X509Certificate } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ForwardAnswer, Purpose, SealedForward } from '@ngome/contracts'
import { Fault, ManualClock, newId, Secret, systemClock, systemRandom, type ForwardDestinationId, type ForwardId } from '@ngome/kernel'
import { createLogger } from '@ngome/runtime'
import { endVaultToken, markForwardSent, postgresPayments, type Database } from '@ngome/store'
import { emit } from '@ngome/contracts'
import { SealingMerchant, TestAuthority, testDatabase, type TestDatabase } from '@ngome/testkit'
import { opener, type OpenSealed } from '../custodian/open-sealed.ts'
import { eventSource, type Dispatcher } from '../dispatcher.ts'
import { createEgressGuard, type EgressGuard, type EgressSettings } from '../egress/egress-guard.ts'
import { lookAfterForwards } from './look-after-forwards.ts'
import { answerWithinMs, runForward, sendWithinMs } from './run-forward.ts'
import { processTime } from '../testing/process-time.ts'

const signal = new AbortController().signal
const statementKeys = generateKeyPairSync('ed25519')
const card = '4929737290417382'
const logLines: string[] = []
const purposes: Purpose[] = []

type Received = { readonly method: string; readonly url: string; readonly headers: IncomingHttpHeaders; readonly body: string }
let received: Received[] = []
type Reply = { status?: number; headers?: Record<string, string>; body?: string | ((request: Received) => string); hang?: 'never' | 'endless' | 'cut' }
let reply: Reply = {}

let database: TestDatabase
let operator: Database
let db: Database
let authority: TestAuthority
let certificate: string
let server: Server
let base = ''
let merchant: SealingMerchant
let other: SealingMerchant
const guards: EgressGuard[] = []

before(async () => {
  database = await testDatabase()
  db = database.open('ngome_dispatcher')
  operator = database.open('ngome_operator', { poolMax: 2 })
  ;[merchant, other] = await Promise.all([SealingMerchant.create(database), SealingMerchant.create(database)])
  authority = await TestAuthority.create()
  const { key, cert } = await authority.issueWithKey('gateway')
  certificate = cert
  server = createServer({ key, cert }, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const one = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString('utf8') }
      received.push(one)
      if (reply.hang === 'never') return
      response.writeHead(reply.status ?? 200, { 'content-type': 'application/json', ...reply.headers })
      if (reply.hang === 'cut') response.write('{"a":', () => request.socket.destroy())
      else if (reply.hang === 'endless') endless(response)
      else response.end(typeof reply.body === 'function' ? reply.body(one) : reply.body ?? '{"ok":true}')
    })
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  base = `https://localhost:${(server.address() as AddressInfo).port}/v2/`
})
after(async () => {
  for (const guard of guards) guard.close()
  server.closeAllConnections()
  server.close()
  await database.close()
})
beforeEach(() => {
  received = []
  reply = {}
  purposes.length = 0
})

function endless(response: { write(chunk: string, done: (error?: Error | null) => void): unknown }): void {
  response.write('x'.repeat(16_384), (error) => { if (error === undefined || error === null) endless(response) })
}

function dispatcher(changes: Partial<Dispatcher> = {}, settings: Partial<EgressSettings> = {}, owner = merchant): Dispatcher {
  const egress = createEgressGuard({
    providers: {}, allowPrivate: [new URL(base).host], resolve: async () => ['127.0.0.1'], authorities: [authority.pem], ...settings,
  })
  guards.push(egress)
  const open = opener({ call: async (_, body) => owner.open(body as Parameters<SealingMerchant['open']>[0]) as never }, statementKeys.publicKey, systemRandom)
  const openSealed: OpenSealed = (purpose, record, stop) => {
    purposes.push(purpose)
    return open(purpose, record, stop)
  }
  return {
    clock: systemClock, random: systemRandom, db, payments: postgresPayments(db), ...processTime(), sleep, egress, networks: new Map(), openSealed,
    computeFingerprint: async () => { throw new Error('no test here asks for an index') },
    statementKey: statementKeys.publicKey,
    merchantKeyState: async () => 'stands', approvals: { over: new Map(), expiresAfterMs: 3_600_000 },
    isOperatorsWord: () => false,
    callbacks: { baseUrl: 'https://localhost', secret: new Secret(systemRandom.bytes(32)) },
    webhooks: { attemptsMax: 1, firstRetryMs: 1, retryMaxMs: 1, retryForMs: 60_000, timeoutMs: 1, warnAfterMs: 3_600_000, disableAfterMs: 7_200_000, disableAfterTries: 1_000 },
    logger: createLogger({ process: 'dispatcher', level: 'trace', destination: { write: (line: string) => void logLines.push(line) } }),
    ...changes,
  }
}

const allow = (url = base, options = {}, owner = merchant): Promise<ForwardDestinationId> => owner.allow(operator, statementKeys.privateKey, url, options)
const at = (token: string): string => `{{${token}}}`

type End = { status: string; failure: string | null; answer: ForwardAnswer | null; events: readonly string[]; row: Record<string, unknown> }
async function endOf(id: ForwardId): Promise<End> {
  const [row = {}] = await database.asAdmin('SELECT * FROM ngome.forwards WHERE id = $1', [id])
  const events = await database.asAdmin(`SELECT type FROM ngome.events WHERE data->>'forward' = $1 AND type <> 'forward.accepted' ORDER BY type`, [id])
  const blob = row['answer'] as Uint8Array | null
  return {
    status: String(row['status']), failure: row['failure'] as string | null, row,
    answer: blob === null ? null : merchant.forwardAnswer(id, blob), events: events.map(({ type }) => String(type)),
  }
}

async function run(template: Partial<SealedForward> & { url: string }, from = dispatcher(), destination?: ForwardDestinationId): Promise<End> {
  const id = await merchant.forward(destination ?? await allow(), template)
  await runForward(from, { ...merchant.tenant, forward: id }, signal)
  return endOf(id)
}

suite('a forward puts values', () => {
  test('into JSON, headers, path and query, each as its place demands, and ends with the answer', async () => {
    const [number, holder] = [await merchant.keep('card_number', card), await merchant.keep('text', 'O"Neil\\", "admin": true, "x": "ñ')]
    const end = await run({
      url: `${base}cards/${at(number)}/charge?holder=${at(holder)}&a=b%20c`, headers: { authorization: `Card ${at(number)}`, 'user-agent': 'shop' },
      json: { card: { number: at(number), holder: `Mr ${at(holder)}` }, amount: 500 },
    })
    assert.deepEqual([end.status, end.failure, end.events], ['answered', null, ['forward.ended']])
    assert.deepEqual(end.answer, { status: 200, headers: { 'content-type': 'application/json', date: end.answer?.headers['date'] }, body: '{"ok":true}', body_withheld: null })
    const [request] = received
    assert.equal(request?.url, `/v2/cards/${card}/charge?holder=${encodeURIComponent('O"Neil\\", "admin": true, "x": "ñ')}&a=b%20c`)
    assert.deepEqual(JSON.parse(request?.body ?? ''), { card: { number: card, holder: 'Mr O"Neil\\", "admin": true, "x": "ñ' }, amount: 500 })
    assert.deepEqual([request?.headers.authorization, request?.headers['content-type'], request?.headers.host], [`Card ${card}`, 'application/json', new URL(base).host])
    assert.deepEqual(purposes, ['forward-template', 'forward', 'forward'])
    assert.deepEqual([end.row['sealed'], end.row['sent_at'] instanceof Date], [null, true], 'the template is gone')
  })

  test('into a form, where none adds a field', async () => {
    const evil = await merchant.keep('text', 'x&admin=true#%26\r\n')
    await run({ url: `${base}form`, form: { note: `n ${at(evil)}`, 'a&b': '=' } })
    assert.deepEqual([...new URLSearchParams(received[0]?.body)], [['note', 'n x&admin=true#%26\r\n'], ['a&b', '=']])
    assert.equal(received[0]?.headers['content-type'], 'application/x-www-form-urlencoded')
  })
})

const unfit: readonly (readonly [string, string, (token: string) => Partial<SealedForward> & { url?: string }])[] = [
  ['a line break in a header', 'a\r\nhost: evil.example', (token) => ({ headers: { x: at(token) } })],
  ['a line feed in a header', 'a\nb', (token) => ({ headers: { x: at(token) } })],
  ['a zero in a header', 'a\0b', (token) => ({ headers: { x: at(token) } })],
  ['what is not ASCII in a header', 'ñ', (token) => ({ headers: { x: at(token) } })],
  ['dots in a path', '..', (token) => ({ url: `${at(token)}/admin` })],
  ['a dot that another completes', '.', (token) => ({ url: `.${at(token)}/admin` })],
  ['a slash in a path', '../../admin', (token) => ({ url: at(token) })],
  ['a back slash in a path', '..\\admin', (token) => ({ url: at(token) })],
  ['an encoded slash in a path', '..%2fadmin', (token) => ({ url: at(token) })],
]
for (const [what, value, template] of unfit) {
  test(`${what} is refused before anything leaves`, async () => {
    const token = await merchant.keep('text', value)
    const { url = '', ...rest } = template(token)
    const end = await run({ url: base + url, ...rest })
    assert.deepEqual([end.status, end.failure, received.length], ['failed', 'value_refused', 0])
  })
}

suite('nothing is opened', () => {
  const forged: readonly (readonly [string, string])[] = [
    ['address', `url = 'https://evil.example/v2/'`], ['methods', `methods = '{POST,DELETE}'`], ['authority', `authority = 'x'`],
    ['pin', `certificate_sha256 = decode(repeat('00', 32), 'hex')`], ['end', `expires_at = now() + interval '9 days'`], ['proof', `proof = decode(repeat('00', 64), 'hex')`],
  ]
  for (const [what, change] of forged) {
    test(`for an address whose ${what} the tables' owner changed: an alarm`, async () => {
      const destination = await allow()
      await database.asAdmin(`UPDATE ngome.forward_destinations SET ${change} WHERE id = $1`, [destination])
      const end = await run({ url: `${base}x`, json: [at(await merchant.keep('text', 'x'))] }, dispatcher(), destination)
      assert.deepEqual([end.status, end.failure, end.events], ['failed', 'destination_refused', ['forward.ended', 'forward.suspect']])
      assert.deepEqual([purposes, received], [[], []])
    })
  }

  test('for another merchant\'s address, one that is gone, and one whose time is over', async () => {
    const token = await merchant.keep('text', 'x')
    const over = await allow(base, { expiresAtMs: Date.now() + 600 })
    await sleep(650)
    for (const destination of [await allow(base, {}, other), newId('forwardDestination', { clock: systemClock, random: systemRandom }), over]) {
      const end = await run({ url: `${base}x`, json: [at(token)] }, dispatcher(), destination)
      assert.deepEqual([end.status, end.failure, purposes, received], ['failed', 'destination_refused', [], []])
    }
  })

  test('of the tokens, where the template is not below its address, of another method or of another destination', async () => {
    const token = await merchant.keep('text', 'x')
    const elsewhere = await allow(`${base}elsewhere/`)
    for (const template of [
      { url: `${base}../admin/${at(token)}` }, { url: `https://evil.example/v2/${at(token)}` }, { url: `${base}x`, json: [at(token)], method: 'DELETE' as const },
      { url: `${base}x`, json: [at(token)], destination: elsewhere }, { url: `${base}x`, json: ['{{tok_x}}'] }, { url: `${base}x` },
    ]) {
      const end = await run(template)
      assert.deepEqual([end.status, end.failure, purposes, received], ['failed', 'template_refused', ['forward-template'], []], JSON.stringify(template))
      assert.ok(end.events.includes('forward.suspect'))
      purposes.length = 0
    }
  })

  test('of the tokens, where one is another merchant\'s, deleted or expired', async () => {
    const mine = await merchant.keep('text', 'mine')
    const deleted = await merchant.keep('text', 'deleted')
    const event = emit({ ...eventSource({ clock: systemClock, random: systemRandom }) }, 'vault.token_deleted', merchant.tenant, { token: deleted })
    await endVaultToken(db, merchant.tenant, deleted, { as: 'deleted', atMs: Date.now(), event })
    const expired = await merchant.keep('text', 'expired', { expiresAtMs: Date.now() + 5 })
    for (const token of [await other.keep('text', 'theirs'), deleted, expired]) {
      const end = await run({ url: `${base}x`, json: [at(mine), at(token)] })
      assert.deepEqual([end.status, end.failure, purposes, received], ['failed', 'token_unknown', ['forward-template'], []])
      purposes.length = 0
    }
  })

  const names: readonly (readonly [string, readonly string[]])[] = [
    ['loopback', ['127.0.0.1']], ['a private address', ['10.0.0.1']], ['cloud metadata', ['169.254.169.254']], ['one private among public ones', ['93.184.215.14', '127.0.0.1']],
    ['a mapped address', ['::ffff:127.0.0.1']], ['NAT64', ['64:ff9b::7f00:1']],
  ]
  for (const [what, addresses] of names) {
    test(`of the tokens, where the name resolves to ${what} and the operator did not allow that by name`, async () => {
      const from = dispatcher({}, { allowPrivate: [], resolve: async () => addresses })
      const end = await run({ url: 'https://bank.example/x', json: [at(await merchant.keep('text', 'x'))] }, from, await allow('https://bank.example/'))
      assert.deepEqual([end.status, end.failure, end.events, purposes], ['failed', 'destination_refused', ['forward.ended', 'forward.suspect'], ['forward-template']])
    })
  }
})

test('a name is looked up once: what a second look would say is never asked', async () => {
  let looks = 0
  const from = dispatcher({}, { resolve: async () => [++looks === 1 ? '127.0.0.1' : '10.0.0.1'] })
  const end = await run({ url: `${base}x`, json: [at(await merchant.keep('text', 'x'))] }, from)
  assert.deepEqual([end.status, looks], ['answered', 1])
})

suite('the certificate', () => {
  const pinOf = (pem: string): Uint8Array => createHash('sha256').update(new X509Certificate(pem).publicKey.export({ format: 'der', type: 'spki' })).digest()
  const token = (): Promise<string> => merchant.keep('text', 'x')
  test('is the pinned one', async () => {
    const end = await run({ url: `${base}x`, json: [at(await token())] }, dispatcher(), await allow(base, { certificateSha256: pinOf(certificate) }))
    assert.equal(end.status, 'answered')
  })
  test('or nothing leaves: an alarm, although its authority is good', async () => {
    const { cert } = await authority.issueWithKey('gateway')
    const destination = await allow(base, { certificateSha256: pinOf(cert) })
    for (let turn = 0; turn < 2; turn++) {
      const end = await run({ url: `${base}x`, json: [at(await token())] }, dispatcher(), destination)
      assert.deepEqual([end.status, end.failure, end.events, received], ['failed', 'destination_refused', ['forward.ended', 'forward.suspect'], []])
    }
  })
  test('is of the authority that the operator named, and of no other', async () => {
    const from = (): Dispatcher => dispatcher({}, { authorities: [] })
    const good = await run({ url: `${base}x`, json: [at(await token())] }, from(), await allow(base, { authority: authority.pem }))
    assert.equal(good.status, 'answered')
    const bad = await run({ url: `${base}x`, json: [at(await token())] }, from(), await allow(base, { authority: (await TestAuthority.create()).pem }))
    assert.deepEqual([bad.status, bad.failure, received.length], ['failed', 'unreachable', 1])
  })
  test('names the host, or nothing leaves', async () => {
    const url = base.replace('localhost', 'other.test')
    const end = await run({ url: `${url}x`, json: [at(await token())] }, dispatcher({}, { allowPrivate: [new URL(url).host] }), await allow(url))
    assert.deepEqual([end.status, end.failure, received], ['failed', 'unreachable', []])
  })
})

suite('an answer', () => {
  const send = async (): Promise<End> => run({ url: `${base}x`, headers: { 'x-card': at(await merchant.keep('card_number', card)) }, json: ['x'] })
  test('that echoes the card in every encoding tells its merchant nothing of it', async () => {
    const bytes = Buffer.from(card)
    const forms = [card, bytes.toString('base64'), bytes.toString('base64url'), bytes.toString('hex'), '4929 7372 9041 7382', '4929-7372-9041-7382', Buffer.from(`xx${card}`).toString('base64'), [...bytes].map((one) => `%${one.toString(16)}`).join('')]
    reply = { body: (request) => JSON.stringify({ seen: request.headers['x-card'], forms, charge: 'ch_1' }), headers: { etag: card, 'set-cookie': card, location: `https://evil.example/${card}` } }
    const { answer } = await send()
    assert.match(answer?.body ?? '', /"charge":"ch_1"/)
    for (const form of [...forms.slice(0, 6), card.slice(0, 12)]) assert.equal(JSON.stringify(answer).includes(form), false, form)
    assert.deepEqual([answer?.headers['etag'], answer?.headers['location'], answer?.headers['set-cookie']], ['[redacted]', undefined, undefined])
  })
  test('in a form that nobody can take out is withheld, an alarm', async () => {
    reply = { body: `{"card":"${card.slice(0, 12)}\\u0037${card.slice(13)}"}` }
    const { answer, events } = await send()
    assert.deepEqual([answer?.body, answer?.body_withheld, events], [null, 'values_in_it', ['forward.ended', 'forward.suspect']])
  })
  test('that redirects is not followed', async () => {
    reply = { status: 302, headers: { location: `${base}elsewhere` }, body: '' }
    const { answer } = await send()
    assert.deepEqual([answer?.status, answer?.headers['location'], received.length], [302, undefined, 1])
  })
  for (const hang of ['endless', 'cut'] as const) {
    test(`that is ${hang} ends as unknown, and the request is made once`, async () => {
      reply = { hang }
      const end = await send()
      assert.deepEqual([end.status, end.failure, end.answer, end.events, received.length], ['unknown', null, null, ['forward.unknown'], 1])
    })
  }
  test('lies encrypted in the database, under a key that is not there', async () => {
    reply = { body: '{"balance":"plain-words-of-the-answer"}' }
    const { row, answer } = await send()
    assert.match(answer?.body ?? '', /plain-words/)
    assert.equal(Buffer.from(row['answer'] as Uint8Array).includes('plain-words'), false)
  })
})

suite('once', () => {
  const prepared = async (): Promise<ForwardId> => merchant.forward(await allow(), { url: `${base}x`, json: [at(await merchant.keep('text', 'x'))] })
  const job = (id: ForwardId) => ({ ...merchant.tenant, forward: id })

  test('two workers at the same time send one request', async () => {
    const id = await prepared()
    await Promise.allSettled([runForward(dispatcher(), job(id), signal), runForward(dispatcher(), job(id), signal), runForward(dispatcher(), job(id), signal)])
    assert.deepEqual([(await endOf(id)).status, received.length], ['answered', 1])
    await runForward(dispatcher(), job(id), signal)
    assert.equal(received.length, 1)
  })

  test('a process that died between attempt and answer leaves an unknown end, and nothing is sent again', async () => {
    const id = await prepared()
    await markForwardSent(db, merchant.tenant, id, Date.now())
    await assert.rejects(runForward(dispatcher(), job(id), signal), { code: 'provider/unavailable' })
    await lookAfterForwards(dispatcher({ clock: new ManualClock(Date.now() + sendWithinMs + answerWithinMs + 1_000) }), signal)
    const end = await endOf(id)
    assert.deepEqual([end.status, end.events, received, purposes], ['unknown', ['forward.unknown'], [], []])
    await assert.rejects(database.asAdmin(`UPDATE ngome.forwards SET status = 'accepted' WHERE id = $1`, [id]))
    await assert.rejects(database.asAdmin(`UPDATE ngome.forwards SET sent_at = NULL WHERE id = $1`, [id]))
  })

  test('a forward that waited too long is not sent any more', async () => {
    const id = await prepared()
    await runForward(dispatcher({ clock: new ManualClock(Date.now() + sendWithinMs + 1_000) }), job(id), signal)
    const end = await endOf(id)
    assert.deepEqual([end.status, end.failure, received, purposes], ['failed', 'too_late', [], []])
  })

  test('a custodian that says later, or is away, fails the job before anything leaves, and it runs again', async () => {
    const id = await prepared()
    const later = dispatcher({ openSealed: async () => ({ kind: 'later', reason: 'budget_spent' }) })
    await assert.rejects(runForward(later, job(id), signal), { code: 'custodian/unavailable' })
    const open = dispatcher().openSealed
    const away = dispatcher({ openSealed: async (purpose, ...rest) => {
      if (purpose === 'forward') throw new Fault('custodian/unavailable', 'away')
      return open(purpose, ...rest)
    } })
    await assert.rejects(runForward(away, job(id), signal), { code: 'custodian/unavailable' })
    assert.deepEqual([(await endOf(id)).status, received], ['accepted', []])
    await runForward(dispatcher(), job(id), signal)
    assert.deepEqual([(await endOf(id)).status, received.length], ['answered', 1])
  })

  test('a token whose row was forged does not open: nothing leaves, an alarm', async () => {
    const token = await merchant.keep('text', 'x', { sealed: { type: 'phone' } })
    const end = await run({ url: `${base}x`, json: [at(token)] })
    assert.deepEqual([end.status, end.failure, end.events, received], ['failed', 'token_unopenable', ['forward.ended', 'forward.suspect'], []])
  })
})

test('an answer is gone after an hour, and its forward stays', async () => {
  const { row } = await run({ url: `${base}x`, json: [at(await merchant.keep('text', 'x'))] })
  const id = row['id'] as ForwardId
  await lookAfterForwards(dispatcher({ clock: new ManualClock(Date.now() + 3_500_000) }), signal)
  assert.notEqual((await endOf(id)).answer, null)
  await lookAfterForwards(dispatcher({ clock: new ManualClock(Date.now() + 3_600_001) }), signal)
  const end = await endOf(id)
  assert.deepEqual([end.status, end.answer], ['answered', null])
})

test('a path that left its address would not leave the guard', async () => {
  const guard = dispatcher().egress
  for (const path of ['/v2/../admin', '/admin', '/v2/%2e%2e/admin', '/v2/x#y', '/v2/x y', '/v2/..%2fadmin', '//evil.example/v2/']) {
    const outgoing = { path, method: 'GET', headers: {}, body: new Uint8Array(), timeoutMs: 1_000 } as const
    await assert.rejects(guard.toForward({ url: base, trust: {} }, async () => outgoing), { code: 'egress/refused' }, path)
  }
  assert.deepEqual(received, [])
})

test('no value that was forwarded is in the log', () => {
  assert.ok(logLines.length > 0)
  for (const value of [card, 'O"Neil', 'admin']) assert.equal(logLines.some((line) => line.includes(value)), false)
})
