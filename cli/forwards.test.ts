import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { forwardSchema, networkChecksSchema, vaultKeysSchema, vaultTokenSchema } from '@ngome/contracts'
import { VaultKey } from '@ngome/sealer'
import { Platform, TestAuthority, type Answer, type MerchantClient } from '@ngome/testkit'
import { tryKeysAndLimits, tryMerchantKeys, tryPins } from './testing/operator-commands.ts'
import { typeLine } from './testing/type-line.ts'

const card = '4929737290417382'
/** The dispatcher starts again, and looks after what its death left behind. */
const endMsMax = 150_000
let platform: Platform
let client: MerchantClient
let destination: Server
let base = ''
let authorityPath = ''
let token = ''
let received: string[] = []
let isSilent = false

before(async () => {
  platform = await Platform.start()
  client = platform.client()
  const authority = await TestAuthority.create()
  const { key, cert } = await authority.issueWithKey('gateway')
  authorityPath = join(platform.folder, 'acquirer-ca.pem')
  writeFileSync(authorityPath, authority.pem)
  destination = createServer({ key, cert }, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8')
      received.push(body)
      if (!isSilent) response.writeHead(200, { 'content-type': 'application/json' }).end(`{"seen":${body}}`)
    })
  })
  await new Promise<void>((resolve) => { destination.listen(platform.ports.receiver, '127.0.0.1', resolve) })
  base = `https://127.0.0.1:${platform.ports.receiver}/v2/`
  const kept = await post('/v1/vault/tokens', { type: 'card_number', value: card })
  assert.equal(kept.status, 201, kept.text)
  token = vaultTokenSchema.parse(JSON.parse(kept.text)).id
})
after(async () => {
  client.close()
  destination.closeAllConnections()
  destination.close()
  await platform.remove()
})

function post(path: string, body: object): Promise<Answer> {
  return client.call({ method: 'POST', path, body, idempotencyKey: randomUUID() })
}

const charge = (): object => ({ method: 'POST', url: `${base}charges`, json: { card: { number: `{{${token}}}` }, amount: 500 } })

function logs(): string {
  const folder = join(platform.dataFolder, 'launcher', 'logs')
  return readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8')).join('')
}

test('an address that nobody allowed is refused, told of, and hears nothing', async () => {
  const answer = await post('/v1/forward', charge())
  assert.equal(answer.status, 403, answer.text)
  assert.deepEqual(received, [])
  const { stdout } = await typeLine(platform, 'events', '--json')
  assert.match(stdout, /"type":"forward\.refused"/)
})

test('an allowed address hears the value, and the merchant hears all but that', async () => {
  const allowed = await typeLine(platform, 'forwards', 'allow', platform.merchant, '--url', base, '--authority', authorityPath)
  assert.equal(allowed.code, 0, allowed.stderr)
  const answer = await post('/v1/forward', charge())
  assert.equal(answer.status, 201, answer.text)
  assert.deepEqual(received.map((text): unknown => JSON.parse(text)), [{ card: { number: card }, amount: 500 }])
  assert.equal(forwardSchema.parse(JSON.parse(answer.text)).status, 'answered')
  assert.match(answer.text, /\[redacted\]/)
  assert.ok(!answer.text.includes(card) && !logs().includes(card))
})

test('a number that its client sealed arrives there too, and nobody on its way could read it', async () => {
  received = []
  const { stdout: pin } = await typeLine(platform, 'vault', 'pin')
  const { data: [published] } = vaultKeysSchema.parse(JSON.parse((await client.call({ path: '/v1/vault/keys' })).text))
  const key = await VaultKey.verify(published?.statement ?? '', { statementKey: pin.trim(), merchant: platform.merchant, world: 'test', nowMs: Date.now() })
  const kept = vaultTokenSchema.parse(JSON.parse((await post('/v1/vault/tokens', { type: 'card_number', sealed: await key.seal('card_number', card) })).text))
  assert.deepEqual([kept.status, kept.masked], ['pending', null])
  let seen = kept
  for (let waitedMs = 0; seen.status === 'pending' && waitedMs < endMsMax; waitedMs += 50) {
    await sleep(50)
    seen = vaultTokenSchema.parse(JSON.parse((await client.call({ path: `/v1/vault/tokens/${kept.id}` })).text))
  }
  const plain = vaultTokenSchema.parse(JSON.parse((await client.call({ path: `/v1/vault/tokens/${token}` })).text))
  assert.deepEqual([seen.status, seen.network, seen.masked, seen.fingerprint], ['active', 'visa', '•••• 7382', plain.fingerprint])
  const answer = await post('/v1/forward', { method: 'POST', url: `${base}charges`, json: { number: `{{${kept.id}}}` } })
  assert.equal(answer.status, 201, answer.text)
  assert.deepEqual(received.map((text): unknown => JSON.parse(text)), [{ number: card }])
  assert.ok(!answer.text.includes(card) && !logs().includes(card))
})

test('where the operator lets a merchant send no values in clear, none are taken, and others are', async () => {
  const setTo = (policy: string): ReturnType<Platform['run']> =>
    typeLine(platform, 'merchants', 'policy', platform.merchant, '--vault-plaintext', policy)
  for (const [policy, status] of [['refused', 422], ['allowed', 201]] as const) {
    const said = await setTo(policy)
    assert.equal(said.code, 0, said.stderr)
    await sleep(2_000)
    const answer = await post('/v1/vault/tokens', { type: 'card_number', value: card })
    assert.equal(answer.status, status, answer.text)
    assert.equal(answer.text.includes(card), false)
  }
  assert.equal((await setTo('perhaps')).code, 2)
})

test('the dispatcher asks its networks for the operator, who holds none of their credentials', async () => {
  const { code, stdout, stderr } = await typeLine(platform, 'providers', 'check', '--json')
  assert.equal(code, 0, stdout + stderr)
  const [sandbox] = networkChecksSchema.shape.data.parse(JSON.parse(stdout))
  assert.deepEqual(sandbox?.products.map(({ product, outcome }) => `${product} ${outcome}`), ['collection good', 'disbursement good'])
  assert.equal(sandbox.balance?.currency, 'EUR')
  assert.equal((await typeLine(platform, 'payments', 'stuck')).code, 0)
})

test('the operator keeps the list of a merchant\u2019s origins', async () => {
  const origins = (verb: string, ...more: readonly string[]) => typeLine(platform, 'merchants', 'origins', verb, platform.merchant, ...more)
  assert.equal((await origins('add', 'https://shop.example')).code, 0)
  const listed = await origins('list', '--json')
  assert.deepEqual(JSON.parse(listed.stdout), { merchant: platform.merchant, world: 'test', origins: ['https://shop.example'] })
  const removed = await origins('remove', 'https://shop.example', '--world', 'live')
  assert.deepEqual([removed.code, /is not among the origins/.test(removed.stderr)], [1, true])
})

/** The forward that was on its way as the dispatcher died. */
let leftId = ''
test('where the dispatcher dies with the request on its way, its merchant is not told that it was answered', async () => {
  received = []
  isSilent = true
  const asked = post('/v1/forward', charge())
  while (received.length === 0) await sleep(20)
  assert.ok(platform.kill('dispatcher'))
  const left = forwardSchema.parse(JSON.parse((await asked).text))
  leftId = left.id
  assert.notEqual(left.status, 'answered')
  isSilent = false
})

// While the dispatcher waits until nobody can be sending that request any more.
test('an operator makes, lists and revokes a merchant\'s keys, and is told what is wrong with others', () => tryMerchantKeys(platform))
test('an operator rolls a key of the API and sets limits, and is told what is wrong with others', () => tryKeysAndLimits(platform))
test('an operator publishes pins, and none that would lock apps out', () => tryPins(platform))

test('what was on its way as the dispatcher died ends as unknown and was never sent again', { timeout: endMsMax * 2 }, async () => {
  let status = ''
  for (let waitedMs = 0; status !== 'unknown' && waitedMs < endMsMax; waitedMs += 500) {
    await sleep(500)
    status = forwardSchema.parse(JSON.parse((await client.call({ path: `/v1/forwards/${leftId}` })).text)).status
  }
  assert.equal(status, 'unknown')
  assert.equal(received.length, 1)
})

test('an address that was removed hears nothing more', async () => {
  received = []
  const { stdout } = await typeLine(platform, 'forwards', 'list', platform.merchant, '--json')
  const [first] = JSON.parse(stdout) as readonly { destination: string }[]
  const removed = await typeLine(platform, 'forwards', 'remove', platform.merchant, first?.destination ?? '')
  assert.equal(removed.code, 0, removed.stderr)
  assert.equal((await post('/v1/forward', charge())).status, 403)
  assert.deepEqual(received, [])
})
