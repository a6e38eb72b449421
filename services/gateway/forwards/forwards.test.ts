import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { emit, forwardSchema, sealedForwardSchema, type ForwardAnswer, type ForwardView } from '@ngome/contracts'
import { deriveRecordKey, encodeRecordContext, openRecord, openSealedDataKey, parseBlob, parseSealedDataKey } from '@ngome/envelope'
import { Secret, systemClock, systemRandom, toBase64Url, type ForwardId } from '@ngome/kernel'
import { encryptForwardAnswer, forwardAnswerKey } from '@ngome/signatures'
import { endForward, markForwardSent, type Database } from '@ngome/store'
import type { Answer } from '@ngome/testkit'
import { problemIn } from '../testing/problem-in.ts'
import { TestGateway, type TestMerchant } from '../testing/test-gateway.ts'

const from = { clock: systemClock, random: systemRandom }
const prefix = 'https://bank.example/v2/'
const planted = '7385-PLANTED-9041'

let running: TestGateway
let merchant: TestMerchant
let other: TestMerchant
let dispatcher: Database
let token: string
before(async () => {
  running = await TestGateway.start()
  ;[merchant, other] = [await running.addMerchant(), await running.addMerchant()]
  dispatcher = running.database.open('ngome_dispatcher', { poolMax: 2 })
  await running.allow(merchant, prefix)
  token = await keep(merchant)
})
after(() => running.close())

let serial = 0
async function keep(as: TestMerchant, body: object = {}): Promise<string> {
  const answer = await as.client.call({ method: 'POST', path: '/v1/vault/tokens', body: { type: 'text', value: 'v', ...body }, idempotencyKey: `t-${++serial}` })
  return (JSON.parse(answer.text) as { id: string }).id
}
const post = (body: object, idempotencyKey = `f-${++serial}`, as = merchant): Promise<Answer> =>
  as.client.call({ method: 'POST', path: '/v1/forward', body, idempotencyKey })
const get = (id: string, as = merchant): Promise<Answer> => as.client.call({ path: `/v1/forwards/${id}` })
const order = (changes: object = {}): object => ({ method: 'POST', url: `${prefix}charges`, json: { card: `{{${token}}}` }, ...changes })

async function rows(): Promise<readonly Record<string, unknown>[]> {
  return running.database.asAdmin('SELECT * FROM ngome.forwards ORDER BY id DESC')
}
async function refusals(): Promise<number> {
  return (await running.database.asAdmin(`SELECT FROM ngome.events WHERE type = 'forward.refused'`)).length
}

/** What the dispatcher does with the newest forward that is accepted. */
async function answerNext(answer: ForwardAnswer): Promise<ForwardId> {
  for (;;) {
    const row = (await rows()).find(({ status }) => status === 'accepted')
    if (row !== undefined) {
      const id = row['id'] as ForwardId
      const { tenant } = merchant
      const key = forwardAnswerKey(running.custody.secret('idempotency'), tenant, id)
      const blob = encryptForwardAnswer(key, tenant, id, Buffer.from(JSON.stringify(answer)), systemRandom)
      assert.ok(blob)
      await markForwardSent(dispatcher, tenant, id, Date.now())
      await endForward(dispatcher, tenant, id, { status: 'answered', answer: blob }, Date.now(),
        [emit({ ...from, process: 'dispatcher' }, 'forward.ended', tenant, { forward: id, status: 'answered', failure: null })])
      return id
    }
    await sleep(10)
  }
}
const said: ForwardAnswer = { status: 201, headers: { 'content-type': 'application/json' }, body: '{"charge":"ch_1"}', body_withheld: null }

suite('a forward', () => {
  test('is answered when it ends in time, read again, and the same for who repeats it', async () => {
    const [answer, id] = await Promise.all([post(order(), 'first'), answerNext(said)])
    const view: ForwardView = forwardSchema.parse(JSON.parse(answer.text))
    assert.deepEqual([answer.status, answer.headers['location'], view.id, view.status, view.answer], [201, `/v1/forwards/${id}`, id, 'answered', said])
    assert.deepEqual(JSON.parse((await get(id)).text), view)
    const again = await post(order(), 'first')
    assert.deepEqual([again.status, again.text, again.headers['idempotent-replayed']], [201, answer.text, 'true'])
    assert.equal((await rows()).length, 1)
  })

  test('that takes longer is told to come back, and its key with another body is refused', async () => {
    const answer = await post(order(), 'slow')
    const { id, status } = forwardSchema.parse(JSON.parse(answer.text))
    assert.deepEqual([answer.status, status, answer.headers['location']], [202, 'accepted', `/v1/forwards/${id}`])
    const reused = await post(order({ json: ['x', `{{${token}}}`] }), 'slow')
    assert.deepEqual([reused.status, problemIn(reused).code], [422, 'idempotency/key_reused'])
    await answerNext(said)
    assert.equal((await post(order(), 'slow')).status, 201)
  })

  test('is sealed for itself alone, with the key of its answer', async () => {
    const [, id] = await Promise.all([post(order({ headers: { a: planted } })), answerNextKeepingSealed()])
    const template = sealedForwardSchema.parse(JSON.parse(Buffer.from(id.plaintext).toString()))
    assert.equal(template.url, `${prefix}charges`)
    assert.equal(template.headers['a'], planted)
    assert.equal(template.answer_key, forwardAnswerKey(running.custody.secret('idempotency'), merchant.tenant, id.id).expose(toBase64Url))
    const dump = JSON.stringify(await running.database.asAdmin('SELECT f.*, j.data FROM ngome.forwards f, pgboss.job j'))
    assert.equal(dump.includes(planted) || dump.includes('bank.example'), false)
    assert.equal(running.logLines.some((line) => line.includes(planted)), false)
  })

  test('whose answer was swapped for another\'s shows none', async () => {
    const [answer] = await Promise.all([post(order()), answerNext(said)])
    const [second] = await Promise.all([post(order()), answerNext({ ...said, body: 'second' })])
    const [one, two] = [answer, second].map(({ text }) => (JSON.parse(text) as { id: string }).id)
    await running.database.asAdmin('ALTER TABLE ngome.forwards DISABLE TRIGGER guard')
    await running.database.asAdmin('UPDATE ngome.forwards SET answer = (SELECT answer FROM ngome.forwards WHERE id = $1) WHERE id = $2', [two, one])
    const swapped = await get(one ?? '')
    assert.deepEqual([swapped.status, problemIn(swapped).code], [503, 'forwards/answer_unreadable'])
    await running.database.asAdmin(`UPDATE ngome.forwards SET answer = decode('00', 'hex') || answer WHERE id = $1`, [two])
    assert.equal((await get(two ?? '')).status, 503)
    await running.database.asAdmin('ALTER TABLE ngome.forwards ENABLE TRIGGER guard')
  })

  test('of another merchant is as if it were not there', async () => {
    const theirs = await get(String((await rows())[0]?.['id']), other)
    const absent = await get('fwd_01k8z3f7q2e9d8m4n6p0r5s7tv', other)
    assert.deepEqual([theirs.status, problemIn(theirs).code, problemIn(theirs).title], [404, 'forwards/unknown', problemIn(absent).title])
  })
})

async function answerNextKeepingSealed(): Promise<{ id: ForwardId; plaintext: Uint8Array }> {
  for (;;) {
    const [row] = await running.database.asAdmin(`SELECT f.id, f.sealed, d.sealed AS key FROM ngome.forwards f JOIN ngome.data_keys d ON d.id = f.data_key
      WHERE f.status = 'accepted'`)
    if (row !== undefined) {
      const [id, blob, sealed] = [row['id'] as ForwardId, row['sealed'] as Uint8Array, row['key'] as Uint8Array]
      const privateKey = running.custody.privateKeys.get(parseSealedDataKey(sealed)?.merchantKeyId ?? '')
      assert.ok(privateKey)
      const dataKey = await openSealedDataKey({ sealed, suite: 'hybrid', privateKey, signerPublicKey: running.signerPublicKey })
      const context = encodeRecordContext({ tenant: merchant.tenant, table: 'forwards', recordId: id, dataClass: 'restricted', version: 1 }, 'hybrid')
      const plaintext = openRecord(new Secret(deriveRecordKey(dataKey, context, parseBlob(blob)?.salt ?? new Uint8Array())), blob)
      await answerNext(said)
      return { id, plaintext }
    }
    await sleep(10)
  }
}

suite('a place that is not allowed is refused with 403, recorded, and nothing is written', () => {
  const urls: readonly (readonly [string, string])[] = [
    ['another host', 'https://evil.example/v2/charges'], ['another prefix', 'https://bank.example/v1/charges'], ['a way out', `${prefix}../v1/charges`],
    ['an encoded way out', `${prefix}..%2f..%2fv1`], ['user information', 'https://bank.example@127.0.0.1/v2/'], ['decimal loopback', 'https://2130706433/v2/'],
    ['hexadecimal loopback', 'https://0x7f.1/v2/'], ['mapped loopback', 'https://[::ffff:7f00:1]/v2/'], ['plain HTTP', 'http://bank.example/v2/charges'],
    ['cloud metadata', 'https://169.254.169.254/'], ['the host in capitals', 'https://BANK.example/v2/charges'], ['no address', 'charges'],
  ]
  for (const [what, url] of urls) {
    test(what, async () => {
      const [count, known] = [await refusals(), (await rows()).length]
      const answer = await post(order({ url }))
      assert.deepEqual([answer.status, problemIn(answer).code], [403, 'forwards/destination_refused'], answer.text)
      assert.deepEqual([await refusals(), (await rows()).length], [count + 1, known])
    })
  }
  test('by another method, or of another merchant', async () => {
    assert.equal((await post(order({ method: 'PUT' }))).status, 403)
    assert.equal((await post(order({ json: [`{{${await keep(other)}}}`] }), undefined, other)).status, 403)
  })
  test('whose row the tables\' owner wrote or changed', async () => {
    const owner = await running.addMerchant()
    const id = await running.allow(owner, prefix)
    await running.database.asAdmin(`UPDATE ngome.forward_destinations SET url = 'https://evil.example/' WHERE id = $1`, [id])
    const own = await keep(owner)
    const answer = await post({ method: 'POST', url: 'https://evil.example/x', json: [`{{${own}}}`] }, undefined, owner)
    assert.equal(answer.status, 403)
    const [event] = await running.database.asAdmin(`SELECT data FROM ngome.events WHERE type = 'forward.refused' AND merchant = $1`, [owner.tenant.merchant])
    assert.deepEqual(event?.['data'], { reason: 'destination_unproven' })
  })
})

test('unknown, not yours and deleted tokens are the same 404, and nothing is written', async () => {
  const deleted = await keep(merchant)
  await merchant.client.call({ method: 'DELETE', path: `/v1/vault/tokens/${deleted}` })
  const known = (await rows()).length
  for (const one of ['tok_01k8z3f7q2e9d8m4n6p0r5s7tv', await keep(other), deleted]) {
    const answer = await post(order({ json: [`{{${token}}}`, `{{${one}}}`] }))
    assert.deepEqual([answer.status, problemIn(answer).code], [404, 'vault/token_unknown'])
  }
  assert.equal((await rows()).length, known)
})

suite('bad input is named, never repeated', () => {
  const cases: readonly (readonly [string, () => object, string])[] = [
    ['a token that is misspelt', () => ({ json: [`{{${planted}}}`] }), '/json'],
    ['a token in a name', () => ({ json: { [`{{${token}}}`]: planted } }), '/json'],
    ['no token at all', () => ({ json: [planted] }), ''],
    ['json and form', () => ({ form: { a: planted } }), '/form'],
    ['a body of a GET', () => ({ method: 'GET' }), '/method'],
    ['a header of ours', () => ({ headers: { host: planted } }), '/headers'],
    ['a header of two lines', () => ({ headers: { a: `x\r\n${planted}` } }), '/headers'],
    ['a form that nests', () => ({ form: { a: { b: planted } }, json: undefined }), '/form'],
    ['json that is a text', () => ({ json: planted }), '/json'],
    ['a method that is none', () => ({ method: planted }), '/method'],
    ['a field that is not known', () => ({ [`x${planted}`]: 1 }), ''],
  ]
  for (const [what, change, pointer] of cases) {
    test(what, async () => {
      const answer = await post(order(change()))
      assert.deepEqual([answer.status, problemIn(answer).code, problemIn(answer).errors?.[0]?.pointer], [422, 'request/invalid', pointer], answer.text)
      assert.equal(answer.text.includes('PLANTED'), false)
    })
  }
})
