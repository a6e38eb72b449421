import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { chromiumPath, freePorts, runInChromium } from '@ngome/testkit'
import { keyOfGateway } from '../testing/key-of-gateway.ts'
import { TestGateway, type TestMerchant } from '../testing/test-gateway.ts'

const chromium = chromiumPath()
const options = { skip: chromium === undefined ? 'Chromium is not here (package chromium)' : false, timeout: 120_000 }
/** How long a change of a merchant's origins may take to be seen, and a while more. */
const seenMs = 400

let running: TestGateway
let merchant: TestMerchant
let publishable: TestMerchant
let port = 0
let trustedKeys: readonly string[] = []
before(async () => {
  running = await TestGateway.start()
  merchant = await running.addMerchant()
  publishable = await running.issueKey(merchant.tenant, { kind: 'publishable' })
  ;[port = 0] = await freePorts(1)
  await running.setOrigin(merchant.tenant, `http://localhost:${port}`)
  trustedKeys = [await keyOfGateway(running)]
  await sleep(seenMs)
})
after(() => running.close())

/** What a page tries, each by its name; it answers what came of all. */
const script = (): string => `
  import { VaultKey } from '/packages/sealer/mod.ts'
  import { Ngome } from '/packages/sdk/browser/mod.ts'
  const api = 'https://localhost:${running.port}'
  const seen = {}
  const attempt = async (name, work) => { seen[name] = await work().catch((error) => error.name) }
  const as = (key, more) => ({ authorization: 'Bearer ' + key, ...more })
  const [pk, sk] = ${JSON.stringify([publishable.key, merchant.key])}
  const loaded = (element, parent = document.body) => new Promise((resolve) => {
    element.onload = () => resolve('loaded')
    element.onerror = () => resolve('failed')
    parent.append(element)
  })
  const make = (name, properties) => Object.assign(document.createElement(name), properties)
  let sealed = 'nothing'
  await attempt('keys', async () => {
    const answer = await fetch(api + '/v1/vault/keys', { headers: as(pk) })
    const { data: [key] } = await answer.json()
    const expected = ${JSON.stringify({ ...merchant.tenant, statementKey: running.identity.statementKey.export({ format: 'jwk' }).x })}
    sealed = await (await VaultKey.verify(key.statement, { ...expected, nowMs: Date.now() })).seal('card_number', '4242 4242 4242 4242')
    return [answer.status, answer.headers.get('request-id') !== null, answer.headers.get('strict-transport-security')]
  })
  const write = (key) => async () => {
    const headers = as(key, { 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() })
    const answer = await fetch(api + '/v1/vault/tokens', { method: 'POST', headers, body: JSON.stringify({ type: 'card_number', sealed }) })
    return [answer.status, (await answer.json()).status]
  }
  await attempt('token', write(pk))
  await attempt('refusal', async () => {
    const headers = as(pk, { 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() })
    const answer = await fetch(api + '/v1/vault/tokens', { method: 'POST', headers, body: '{' })
    return [answer.status, (await answer.json()).code]
  })
  const proven = (statementKey) => new Ngome({ apiKey: pk, baseUrl: api, statementKey, retriesMax: 0, onWarning: () => undefined })
  await attempt('proven answers', async () => {
    const ngome = proven(${JSON.stringify(running.identity.statementKey.export({ format: 'jwk' }).x)})
    return [(await ngome.vault.keys()).object, (await ngome.vault.tokens.create({ type: 'card_number', sealed })).status]
  })
  await attempt('answers of another platform', async () => (await proven('${'A'.repeat(43)}').vault.keys().catch(({ code }) => code)))
  await attempt('a secret key', write(sk))
  await attempt('an operation for servers', async () => (await fetch(api + '/v1/payments', { headers: as(pk) })).status)
  await attempt('cookies', async () => (await fetch(api + '/v1/vault/keys', { headers: as(pk), credentials: 'include' })).status)
  await attempt('another header', async () => (await fetch(api + '/v1/vault/keys', { headers: as(pk, { 'x-anything': '1' }) })).status)
  await attempt('another method', async () => (await fetch(api + '/v1/vault/keys', { method: 'DELETE', headers: as(pk) })).status)
  await attempt('without asking', async () => {
    const answer = await fetch(api + '/v1/vault/tokens', { method: 'POST', mode: 'no-cors', body: JSON.stringify({ type: 'text', value: 'x' }) })
    return [answer.type, answer.status, await answer.text()]
  })
  await attempt('an image', () => loaded(make('img', { src: api + '/v1/payments' })))
  await attempt('a script', () => loaded(make('script', { src: api + '/v1/openapi.json' }), document.head))
  await attempt('a frame of a page', async () => {
    const frame = make('iframe', { src: api + '/reference' })
    return [await loaded(frame), frame.contentDocument === null]
  })
  await attempt('a form', async () => {
    const frame = make('iframe', { name: 'target' })
    await loaded(frame)
    const form = make('form', { action: api + '/v1/vault/tokens', method: 'post', target: 'target', enctype: 'text/plain' })
    form.append(make('input', { name: '{"type":"text","value":"', value: '"}' }))
    document.body.append(form)
    const answered = new Promise((resolve) => { frame.onload = resolve })
    form.submit()
    await answered
    return frame.contentDocument === null
  })
  answer(JSON.stringify(seen))`

const browse = async (host: 'localhost' | '127.0.0.1'): Promise<Record<string, unknown>> => {
  const answer = await runInChromium(chromium ?? '', script(), ['@noble/hashes', '@noble/post-quantum', '@noble/curves'], { host, port, trustedKeys })
  assert.ok(!answer.startsWith('failed'), answer)
  return JSON.parse(answer) as Record<string, unknown>
}
const tokens = async (): Promise<number> => Number((await running.database.asAdmin('SELECT count(*) AS n FROM ngome.vault_tokens'))[0]?.['n'])

/** What no page may do, wherever it comes from. */
const nobodyMay = {
  'a secret key': 'TypeError', 'an operation for servers': 'TypeError', 'another header': 'TypeError', 'another method': 'TypeError',
  cookies: 'TypeError', 'without asking': 'TypeError', 'an image': 'failed', 'a script': 'failed',
  'a frame of a page': ['loaded', true], 'a form': true,
}

test('a page of an allowed origin calls what pages may call, reads its answers, and nothing else', options, async () => {
  const { keys, token, refusal, 'proven answers': proven, 'answers of another platform': foreign, ...rest } = await browse('localhost')
  // What is not named to it, a page does not read.
  assert.deepEqual(keys, [200, true, null])
  assert.deepEqual(token, [201, 'pending'])
  assert.deepEqual(refusal, [400, 'request/json_refused'])
  assert.deepEqual(proven, ['list', 'pending'])
  assert.equal(foreign, 'sdk/answer_unproven')
  assert.deepEqual(rest, nobodyMay)
  assert.equal(await tokens(), 2)
})

test('a page of any other origin reads nothing, and nothing comes of what it asks', options, async () => {
  const present = await tokens()
  const seen = await browse('127.0.0.1')
  assert.deepEqual(seen, {
    keys: 'TypeError', token: 'TypeError', refusal: 'TypeError', 'proven answers': 'ConnectionError', 'answers of another platform': 'sdk/connection_failed', ...nobodyMay,
  })
  assert.equal(await tokens(), present)
})
