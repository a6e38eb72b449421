import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { newApiKey, scopes } from '@ngome/access'
import { payoutBatchSchema, problemSchema } from '@ngome/contracts'
import { newId, systemClock, systemRandom, type IdKind } from '@ngome/kernel'
import { closeLedgerDays, settleDay } from '@ngome/store'
import { ageLedger, signRaw, type Answer } from '@ngome/testkit'
import { operationNames, operations } from '../api/operations.ts'
import { collectMoney } from '../testing/collect-money.ts'
import { callServed, seeBatch, servedOperations, type ServedOperation, type Signer } from '../testing/served-operations.ts'
import { SigningMerchant } from '../testing/signing-merchant.ts'
import { TestGateway, type TestMerchant } from '../testing/test-gateway.ts'

/** How long a revocation may take to be seen, and a while more. */
const seenMs = 400
const from = { clock: systemClock, random: systemRandom }

const running = await TestGateway.start({ config: (config) => ({ ...config, egress: { allowPrivate: ['127.0.0.1:9999'] }, payouts: { ...config.payouts, approvalOver: { EUR: '1000.00' } } }) })
after(() => running.close())
// A day that is over on any clock, so that there is a statement as the examples ask for it.
await ageLedger(running.database, Math.floor((systemClock.nowMs() - Date.UTC(2025, 10, 21)) / 86_400_000))
const owner = await running.addMerchant()
const stranger = await running.addMerchant()
const served = await servedOperations(owner.client)

/** Makes one of what an operation's path names; an operation with an id has to be here. */
const makers: Readonly<Record<string, { readonly kind: IdKind; readonly make: () => Promise<string> }>> = {
  getPayment: { kind: 'payment', make: () => idFrom('createPayment') },
  getPayout: { kind: 'payout', make: () => idFrom('createPayout') },
  getRefund: { kind: 'refund', make: refund },
  cancelPayment: { kind: 'payment', make: () => idFrom('createPayment') },
  approvePayout: { kind: 'payout', make: waitingPayout },
  refusePayout: { kind: 'payout', make: waitingPayout },
  cancelPayout: { kind: 'payout', make: () => idFrom('createPayout') },
  cancelRefund: { kind: 'refund', make: refund },
  addPayouts: { kind: 'payoutBatch', make: () => idFrom('createPayoutBatch') },
  getPayoutBatch: { kind: 'payoutBatch', make: () => idFrom('createPayoutBatch') },
  cancelPayoutBatch: { kind: 'payoutBatch', make: () => idFrom('createPayoutBatch') },
  approvePayoutBatch: { kind: 'payoutBatch', make: waitingBatch },
  refusePayoutBatch: { kind: 'payoutBatch', make: waitingBatch },
  createRefund: { kind: 'payment', make: async () => (await collectMoney(running, owner, { amount: '5.00' })).id },
  getVaultToken: { kind: 'vaultToken', make: () => idFrom('createVaultToken') },
  deleteVaultToken: { kind: 'vaultToken', make: () => idFrom('createVaultToken') },
  changeWebhookEndpoint: { kind: 'webhookEndpoint', make: () => idFrom('createWebhookEndpoint') },
  replaceWebhookSecret: { kind: 'webhookEndpoint', make: () => idFrom('createWebhookEndpoint') },
  listWebhookDeliveries: { kind: 'webhookEndpoint', make: () => idFrom('createWebhookEndpoint') },
  enableWebhookEndpoint: { kind: 'webhookEndpoint', make: () => idFrom('createWebhookEndpoint') },
  replayWebhookEndpoint: { kind: 'webhookEndpoint', make: () => idFrom('createWebhookEndpoint') },
  replayWebhookDelivery: { kind: 'webhookDelivery', make: delivery },
  getEvent: { kind: 'event', make: listedEvent },
  deleteWebhookEndpoint: { kind: 'webhookEndpoint', make: () => idFrom('createWebhookEndpoint') },
  getForward: { kind: 'forward', make: () => forward() },
  getSettlement: { kind: 'settlement', make: settlement },
  getCheckoutSession: { kind: 'checkoutSession', make: () => idFrom('createCheckoutSession') },
  cancelCheckoutSession: { kind: 'checkoutSession', make: () => idFrom('createCheckoutSession') },
  getApiKey: { kind: 'apiKey', make: anotherKey },
  rollApiKey: { kind: 'apiKey', make: anotherKey },
  revokeApiKey: { kind: 'apiKey', make: anotherKey },
}

async function refund(): Promise<string> {
  const { id } = await collectMoney(running, owner, { amount: '5.00' })
  const answer = await callServed(owner.client, operationOf('createRefund'), id, { signer: signers.get(nameOf(owner)) })
  assert.equal(answer.status, 201, answer.text)
  return (JSON.parse(answer.text) as { id: string }).id
}

/** One that another person ordered, as the example of its approval saw it. */
async function waitingPayout(): Promise<string> {
  const clerk = await SigningMerchant.of(running, await running.issueKey(owner.tenant))
  const answer = await clerk.post('/v1/payouts', { amount: '5000.00', currency: 'EUR', network: 'mtn-sandbox', payee: { phone: '+46733123499' }, reference: 'wages-47' })
  assert.equal(answer.status, 201, answer.text)
  return (JSON.parse(answer.text) as { id: string }).id
}

let waitingBatches = 0
/** A whole one that another person ordered. */
async function waitingBatch(): Promise<string> {
  const clerk = await SigningMerchant.of(running, await running.issueKey(owner.tenant))
  const reference = `waiting-${++waitingBatches}`
  const opened = await clerk.post('/v1/payout_batches', { reference, currency: 'EUR', count: 1, total: '1000.01' })
  assert.equal(opened.status, 201, opened.text)
  const { id } = JSON.parse(opened.text) as { id: string }
  const payouts = [{ reference: 'w-1', amount: '1000.01', payee: { phone: '+46733123499' } }]
  const part = await clerk.post(`/v1/payout_batches/${id}/payouts`, { part: 1, batch_reference: reference, currency: 'EUR', network: 'mtn-sandbox', payouts })
  assert.equal(part.status, 201, part.text)
  const { count, total, approval } = payoutBatchSchema.parse(JSON.parse((await clerk.get(`/v1/payout_batches/${id}`)).text))
  seeBatch(id, { reference, currency: 'EUR', count, total, parts_digest: approval?.parts_digest })
  return id
}

/** Takes all that came until now; what others here spend comes anew. */
async function settlement(): Promise<string> {
  await closeLedgerDays({ db: running.database.open('ngome_dispatcher', { poolMax: 1 }), ...from }, 'UTC')
  const operator = running.database.open('ngome_operator', { poolMax: 1 })
  const settled = await settleDay(operator, { ...from, process: 'operator' }, owner.tenant, { currency: 'EUR', minimumMinor: 0n }, () => null)
  assert.ok(settled.kind === 'settled', settled.kind)
  await collectMoney(running, owner, { amount: '20000.00' })
  return settled.settlement
}

async function anotherKey(): Promise<string> {
  return (await running.issueKey(owner.tenant)).keyId
}

async function listedEvent(): Promise<string> {
  const payment = await idFrom('createPayment')
  for (;;) {
    const { data: [event] } = JSON.parse((await owner.client.call({ path: `/v1/events?object=${payment}` })).text) as { data: { id: string }[] }
    if (event !== undefined) return event.id
    await sleep(20)
  }
}

/** One that was given up. */
async function delivery(): Promise<string> {
  const asked = { ...operationOf('createWebhookEndpoint'), body: { url: 'https://shop.example.com/d', event_types: ['payment.accepted'] } }
  const made = await callServed(owner.client, asked, undefined, { signer: signers.get(nameOf(owner)) })
  assert.equal(made.status, 201, made.text)
  const { id: endpoint } = JSON.parse(made.text) as { id: string }
  await idFrom('createPayment')
  const [row] = await running.database.asAdmin(
    'UPDATE ngome.webhook_deliveries SET state = \'given_up\', settled_at = now() WHERE endpoint = $1 RETURNING id', [endpoint])
  return String(row?.['id'])
}

/** Each merchant and world with the key that it signs by. */
const signers = new Map<string, Signer>()
async function addSigner(merchant: TestMerchant): Promise<void> {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const keyId = await running.addSigningKey(merchant, publicKey)
  signers.set(nameOf(merchant), (request) => signRaw(request, {
    keyId, createdS: Math.floor(systemClock.nowMs() / 1_000), sign: (base) => sign(null, base, privateKey),
  }))
}
const nameOf = ({ tenant }: Pick<TestMerchant, 'tenant'>): string => `${tenant.merchant}/${tenant.world}`

async function idFrom(name: string): Promise<string> {
  const answer = await callServed(owner.client, operationOf(name), undefined, { signer: signers.get(nameOf(owner)) })
  assert.equal(answer.status, 201, answer.text)
  return (JSON.parse(answer.text) as { id: string }).id
}

let forwards = 0
async function forward(): Promise<string> {
  const answer = await owner.client.call({
    method: 'POST', path: '/v1/forward', idempotencyKey: `forward-${++forwards}`,
    body: { method: 'POST', url: 'https://acquirer.example.com/v2/charges', json: [`{{${await idFrom('createVaultToken')}}}`] },
  })
  assert.equal(answer.status, 202, answer.text)
  return (JSON.parse(answer.text) as { id: string }).id
}

function operationOf(name: string): ServedOperation {
  const found = served.find((one) => one.name === name)
  assert.ok(found !== undefined, name)
  return found
}

await running.allow(owner, 'https://acquirer.example.com/v2/')
// What goes out is signed, and has to be there.
await addSigner(owner)
await collectMoney(running, owner, { amount: '20000.00' })
const ids = new Map<string, string>()
for (const { name } of served.filter(({ path }) => path.includes('{'))) {
  const maker = makers[name]
  if (maker !== undefined) ids.set(name, await maker.make())
}

const call = (as: Pick<TestMerchant, 'client' | 'tenant'>, operation: ServedOperation, headers: Record<string, string> = {}, id = ids.get(operation.name)) =>
  callServed(as.client, operation, id, { headers, signer: signers.get(nameOf(as)) })

/** All that a refusal says, in body and headers, without what is its own each time. */
function saidBy(answer: Answer): string {
  const { request_id: requestId, ...said } = problemSchema.parse(JSON.parse(answer.text))
  assert.equal(answer.headers['request-id'], requestId)
  const { date: _date, 'request-id': _id, ratelimit: _left, ...headers } = answer.headers
  return JSON.stringify({ ...said, headers, bytes: answer.text.length })
}

function assertCode(answer: Answer, status: number, code: string, what = ''): void {
  assert.equal(answer.status, status, `${what}: ${answer.text}`)
  assert.equal(problemSchema.parse(JSON.parse(answer.text)).code, code, what)
}

/** Where an operation that was done leaves something. */
const effects = ['payments', 'transfers', 'idempotency', 'vault_tokens', 'webhook_endpoints', 'webhook_secrets', 'forwards', 'checkout_sessions', 'data_keys'] as const
async function rowCounts({ tenant: { merchant, world } }: TestMerchant): Promise<Record<string, unknown>> {
  const counts = effects.map((table) => `(SELECT count(*)::int FROM ngome.${table} WHERE merchant = $1 AND world = $2) AS ${table}`)
  const [row] = await running.database.asAdmin(`SELECT ${counts.join(', ')}`, [merchant, world])
  return row ?? {}
}

const live = await running.issueKey({ merchant: owner.tenant.merchant, world: 'live' })
running.custody.addTenant(live.tenant)
const expired = await running.issueKey(owner.tenant, { expiresAtMs: systemClock.nowMs() - 1 })
const elsewhere = await running.issueKey(owner.tenant, { allowedAddresses: ['192.0.2.0/24', '2001:db8::/32'] })
const publishable = await running.issueKey(owner.tenant, { kind: 'publishable' })
const revoked = await running.issueKey(owner.tenant)
const frozen = await running.addMerchant()
// The example of an endpoint is told encrypted.
await running.addSigningKey(owner, generateKeyPairSync('rsa', { modulusLength: 3_072 }).publicKey, ['encrypt'])
const byScope = new Map(await Promise.all(scopes.map(async (scope) =>
  [scope, await running.issueKey(owner.tenant, { scopes: new Set([scope]) })] as const)))
/** Ends itself when it does what it may. */
const ephemeral = await running.issueKey(owner.tenant)
await running.revoke(revoked)
await running.freeze(frozen)
await sleep(seenMs)
const before = await rowCounts(owner)
// What an operation demands of a merchant with such a key is tried elsewhere; here they are there where nothing goes without.
for (const merchant of [stranger, live]) await addSigner(merchant)

const made = (kind: 'secret' | 'publishable' = 'secret'): string => newApiKey({ world: 'test', kind, ...from }).text.expose((text) => text)
/** Whatever is wrong with a credential, the answer must be the same. */
const credentials: readonly (readonly [string, string])[] = [
  ['no scheme', owner.key],
  ['another scheme', `Basic ${Buffer.from(`${owner.key}:`).toString('base64')}`],
  ['a scheme in lower case', `bearer ${owner.key}`],
  ['garbage', 'Bearer garbage'],
  ['nothing behind the scheme', 'Bearer '],
  ['a key that is cut off', `Bearer ${owner.key.slice(0, -1)}`],
  ['a key with one character changed', `Bearer ${owner.key.slice(0, 50)}${owner.key[50] === 'a' ? 'b' : 'a'}${owner.key.slice(51)}`],
  ['a key with a wrong checksum', `Bearer ${owner.key.slice(0, -1)}${owner.key.endsWith('a') ? 'b' : 'a'}`],
  ['a key that was never issued', `Bearer ${made()}`],
  ['a publishable key that was never issued', `Bearer ${made('publishable')}`],
  ['a live key of the same id', `Bearer ${owner.key.replace('_test_', '_live_')}`],
  ['a publishable key of the same id', `Bearer ${owner.key.replace('_sk_', '_pk_')}`],
  ['a key that was revoked', `Bearer ${revoked.key}`],
  ['a key that has ended', `Bearer ${expired.key}`],
  ['two keys', `Bearer ${owner.key} ${owner.key}`],
  ['a key in another alphabet\u2019s letters', `Bearer ${owner.key.replace('ngome', 'NGOME')}`],
]

test('what is served is the whole table, and each id in a path has its maker', () => {
  const withKey = operationNames.filter((name) => operations[name].credentials === 'api-key')
  assert.deepEqual(served.map(({ name }) => name).sort(), [...withKey].sort())
  for (const { name, path } of served) assert.equal(path.includes('{'), ids.has(name), `${name} has a maker where its path names something`)
  assert.ok(served.length >= 15)
})

for (const operation of served) {
  const { name, path, scope } = operation

  test(`${name} refuses every bad credential, and none, alike`, async () => {
    const said = new Set<string>()
    for (const [what, authorization] of credentials) {
      const answer = await call(owner, operation, { authorization })
      assertCode(answer, 401, 'access/unauthenticated', what)
      assert.equal(answer.headers['www-authenticate'], 'Bearer realm="ngome"', what)
      said.add(saidBy(answer))
    }
    const none = await callServed(owner.client, operation, ids.get(name), { isBare: true })
    assertCode(none, 401, 'access/unauthenticated', 'none')
    assert.equal(said.add(saidBy(none)).size, 1, [...said].join('\n'))
  })

  test(`${name} refuses a key of any other scope, of another address, for pages, and of a frozen merchant`, async () => {
    const said = new Set<string>()
    for (const [other, key] of byScope) {
      if (other === scope || scope === undefined) continue
      const answer = await call(key, operation)
      assertCode(answer, 403, 'access/scope_missing', other)
      // What only seals hands in what was sealed: that the example is in clear is seen when it was read, and the connection stays.
      if (!(operation.isForPages && other === 'vault:seal')) said.add(saidBy(answer))
    }
    assert.equal(said.size, scope === undefined ? 0 : 1, [...said].join('\n'))
    assertCode(await call(elsewhere, operation), 403, 'access/address_refused')
    assertCode(await call(frozen, operation), 403, 'access/merchant_frozen')
    if (scope !== 'vault:seal') assertCode(await call(publishable, operation), 403, 'access/scope_missing')
  })

  test(`${name} shows nothing of another merchant or world, nor that there is anything`, async () => {
    // It names nothing, and would end who asks.
    if (scope === undefined) return
    for (const other of [stranger, live]) {
      const answer = await call(other, operation)
      for (const id of ids.values()) assert.ok(!answer.text.includes(id), answer.text)
      const kind = makers[name]?.kind
      if (kind === undefined) continue
      const absent = await call(other, operation, {}, newId(kind, from))
      assert.equal(answer.status, 404, answer.text)
      assert.equal(saidBy(answer), saidBy(absent), 'not yours and not there are the same, to the byte')
      assert.equal(saidBy(answer), saidBy(await call(other, operation, {}, path.includes('vault') ? 'tok_x' : 'x')), 'and so is what no id could be')
    }
  })
}

/** Ours and theirs take turns, so that a busy moment is both's. */
test('what is somebody else\u2019s takes no longer to refuse than what is not there', { timeout: 60_000 }, async () => {
  const operation = operationOf('getPayment')
  const tookMs: { readonly theirs: number[]; readonly absent: number[] } = { theirs: [], absent: [] }
  for (let round = 0; round < 60; round++) {
    for (const [which, id] of [['theirs', ids.get('getPayment')], ['absent', newId('payment', from)]] as const) {
      const startedAtMs = performance.now()
      assert.equal((await call(stranger, operation, {}, id)).status, 404)
      tookMs[which].push(performance.now() - startedAtMs)
    }
  }
  const [theirs = 0, absent = 0] = [tookMs.theirs, tookMs.absent].map((all) => all.toSorted((a, b) => a - b)[10])
  assert.ok(Math.abs(theirs - absent) < 2 + Math.min(theirs, absent), `${theirs} ms for theirs, ${absent} ms for what is absent`)
})

test('nothing of all that wrote anything for those who were attacked, and what is looked at is where it would have', async () => {
  assert.deepEqual(await rowCounts(owner), before)
  assert.deepEqual(Object.values(await rowCounts(frozen)), effects.map(() => 0))
  for (const table of effects) assert.ok(Number(before[table]) > 0, `${table} holds what was made before`)
})

test('each operation does for its owner what it refused the others: the refusals mean something', async () => {
  // What deletes comes last, and what is deleted is another one for each.
  for (const operation of served.toSorted((a, b) => Number(a.method === 'DELETE') - Number(b.method === 'DELETE'))) {
    // The tokens of the example are nobody's: one that is the owner's stands for it.
    if (operation.name === 'createForward') {
      await forward()
      continue
    }
    const key = operation.scope === undefined ? ephemeral : byScope.get(operation.scope) ?? owner
    const answer = await call(key, operation)
    assert.ok(operation.successes.includes(answer.status), `${operation.name}: ${answer.status} ${answer.text}`)
  }
})

test('a frozen merchant is served again when it thaws', async () => {
  await running.freeze(frozen, false)
  await sleep(seenMs)
  assert.equal((await call(frozen, operationOf('listPayments'))).status, 200)
})

test('a key\u2019s verifier that was copied to another merchant\u2019s row opens nothing', async () => {
  const thief = await running.addMerchant()
  await running.database.asAdmin(
    'UPDATE ngome.api_keys SET verifier = (SELECT verifier FROM ngome.api_keys WHERE id = $1) WHERE id = $2',
    [owner.keyId, thief.keyId],
  )
  assertCode(await call(thief, operationOf('listPayments')), 401, 'access/unauthenticated')
})

test('operations without an API key take none', async () => {
  for (const path of ['/v1/openapi.json', '/reference']) {
    assert.equal((await owner.client.call({ path })).status, 400, 'a credential where none is taken')
  }
})
