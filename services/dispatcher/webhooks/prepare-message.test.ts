import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { after, before, suite, test } from 'node:test'
import { compactDecrypt } from 'jose'
import { emit, type ObjectEventType, type WebhookEncryption } from '@ngome/contracts'
import { Fault, newId, Secret, systemClock, systemRandom, type Tenant } from '@ngome/kernel'
import { proveWebhookTerms, signMerchantKey, type MerchantKey } from '@ngome/signatures'
import { insertSigningKey, postgresEvents, revokeSigningKey, type Database, type EventStore } from '@ngome/store'
import { addTestMerchant, testDatabase, type TestDatabase } from '@ngome/testkit'
import type { MerchantKeyStateOf } from '../custodian/standing-keys.ts'
import { prepareMessage, type WebhookMessage } from './prepare-message.ts'

const from = { clock: systemClock, random: systemRandom }
const asOperator = { ...from, process: 'operator' } as const
const hourMs = 3_600_000
const event = Buffer.from('{"type":"payment.succeeded","data":{"reference":"order-42"}}')
const secret = new Secret(systemRandom.bytes(32))
const custodian = generateKeyPairSync('ed25519')
const own = generateKeyPairSync('rsa', { modulusLength: 3_072 })
const attackers = generateKeyPairSync('rsa', { modulusLength: 3_072 })

let database: TestDatabase
let events: EventStore
let operator: Database
before(async () => {
  database = await testDatabase()
  events = postgresEvents(database.open('ngome_dispatcher'))
  operator = database.open('ngome_operator')
})
after(() => database.close())

const newTenant = async (): Promise<Tenant> => (await addTestMerchant(database)).tenant

type KeyOptions = { readonly publicKey?: KeyObject; readonly statedBy?: KeyObject; readonly key?: Partial<MerchantKey>; readonly row?: Partial<MerchantKey> }

/** Adds a public key as the operator does; `row` is what its row says other than what was stated. */
async function addKey(tenant: Tenant, { publicKey = own.publicKey, statedBy = custodian.privateKey, key: stated, row }: KeyOptions = {}): Promise<MerchantKey> {
  const createdAtMs = systemClock.nowMs() - hourMs
  const key: MerchantKey = {
    id: newId('merchantSigningKey', from), tenant, algorithm: 'rsa-pss-sha512', spki: publicKey.export({ format: 'der', type: 'spki' }),
    uses: ['encrypt'], expiresAtMs: createdAtMs + 2 * hourMs, ...stated,
  }
  const written = { ...key, ...row, proof: signMerchantKey(key, statedBy), createdAtMs }
  await insertSigningKey(operator, written, emit(asOperator, 'merchant_key.added', written.tenant, { key: key.id }))
  return key
}

const endpointOf = (tenant: Tenant, encryption: WebhookEncryption = 'required') => {
  const terms = { id: newId('webhookEndpoint', from), tenant, url: 'https://shop.example/hooks', encryption, eventTypes: null as readonly ObjectEventType[] | null }
  return { ...terms, termsProof: proveWebhookTerms(secret, terms), isHeld: false, isDisabled: false, secrets: [] }
}
type Endpoint = ReturnType<typeof endpointOf>

/** What the custodian says of keys. */
let stateOf: MerchantKeyStateOf = async () => 'stands'
const prepare = (tenant: Tenant, endpoint: Pick<Endpoint, 'id' | 'url' | 'encryption' | 'eventTypes' | 'isHeld' | 'isDisabled' | 'secrets'> & { termsProof: Uint8Array | null }): Promise<WebhookMessage> =>
  prepareMessage({ events, callbacks: { baseUrl: '', secret }, statementKey: custodian.publicKey, merchantKeyState: (of, key) => stateOf(of, key), ...from }, tenant, endpoint, event)

/** Opens with `jose`, which shares nothing with what the SDK opens by. */
async function opened(message: WebhookMessage, key: KeyObject): Promise<unknown> {
  assert(message.kind === 'ready', JSON.stringify(message))
  assert.equal(message.contentType, 'application/jose')
  assert(!Buffer.from(message.body).includes('order-42') && !Buffer.from(message.body).includes(event.toString('base64url').slice(0, 20)))
  const { plaintext, protectedHeader } = await compactDecrypt(Buffer.from(message.body).toString(), key)
  return { ...protectedHeader, event: Buffer.from(plaintext).toString() }
}
const expected = ({ id }: MerchantKey): unknown => ({ alg: 'RSA-OAEP-256', enc: 'A256GCM', kid: id, cty: 'application/json', event: event.toString() })

test('an endpoint that asked for nothing gets the event as it is', async () => {
  const tenant = await newTenant()
  assert.deepEqual(await prepare(tenant, endpointOf(tenant, 'none')), { kind: 'ready', contentType: 'application/json', body: event })
})

suite('an endpoint that is to be told encrypted', () => {
  test('gets what the merchant\'s key opens and no other, anew each time', async () => {
    const tenant = await newTenant()
    const key = await addKey(tenant)
    const [one, two] = [await prepare(tenant, endpointOf(tenant)), await prepare(tenant, endpointOf(tenant))]
    assert.deepEqual(await opened(one, own.privateKey), expected(key))
    await assert.rejects(opened(one, attackers.privateKey))
    assert.notDeepEqual(one, two)
  })
  test('follows its merchant\'s keys: the newest that counts', async () => {
    const tenant = await newTenant()
    const old = await addKey(tenant, { publicKey: attackers.publicKey })
    const next = await addKey(tenant)
    assert.deepEqual(await opened(await prepare(tenant, endpointOf(tenant)), own.privateKey), expected(next))
    await revokeSigningKey(operator, tenant, next.id, systemClock.nowMs(), emit(asOperator, 'merchant_key.revoked', tenant, { key: next.id }))
    assert.deepEqual(await opened(await prepare(tenant, endpointOf(tenant)), attackers.privateKey), expected(old))
  })
})

suite('nothing is sent, in clear or otherwise', () => {
  const held = (because: string): unknown => ({ kind: 'held', because })
  const rows: readonly (readonly [string, (endpoint: Endpoint, other: Endpoint) => Partial<Endpoint> | { termsProof: null }])[] = [
    ['its encryption was dropped', () => ({ encryption: 'none' })],
    ['its address was changed', () => ({ url: 'https://thief.example/hooks' })],
    ['it is to be told of less', () => ({ eventTypes: ['payment.failed'] })],
    ['its proof was removed', () => ({ termsProof: null })],
    ['its proof is another endpoint\'s, that is told in clear', (_, other) => ({ encryption: 'none', termsProof: other.termsProof })],
    ['its proof was made by who has not the secret', (endpoint) => ({ termsProof: proveWebhookTerms(new Secret(systemRandom.bytes(32)), { ...endpoint }) })],
  ]
  for (const [what, change] of rows) {
    test(`where the endpoint's row was edited: ${what}`, async () => {
      const tenant = await newTenant()
      await addKey(tenant)
      const endpoint = endpointOf(tenant)
      assert.deepEqual(await prepare(tenant, { ...endpoint, ...change(endpoint, endpointOf(tenant, 'none')) }), held('terms_unproven'))
      assert.equal((await prepare(tenant, endpoint)).kind, 'ready')
    })
  }
  test('where the endpoint is another merchant\'s', async () => {
    const [tenant, other] = [await newTenant(), await newTenant()]
    await addKey(tenant)
    assert.deepEqual(await prepare(tenant, endpointOf(other)), held('terms_unproven'))
  })

  const small = generateKeyPairSync('rsa', { modulusLength: 2_048 })
  const keys: readonly (readonly [string, (tenant: Tenant, other: Tenant) => Promise<unknown>])[] = [
    ['there is none', async () => undefined],
    ['its bytes were swapped for an attacker\'s', (tenant) => addKey(tenant, { row: { spki: attackers.publicKey.export({ format: 'der', type: 'spki' }) } })],
    ['somebody else than the custodian stated it', (tenant) => addKey(tenant, { publicKey: attackers.publicKey, statedBy: generateKeyPairSync('ed25519').privateKey })],
    ['it is another merchant\'s', (tenant, other) => addKey(tenant, { publicKey: attackers.publicKey, key: { tenant: other }, row: { tenant } })],
    ['it is of the other world', (tenant) => addKey(tenant, { key: { tenant: { ...tenant, world: 'live' } }, row: { tenant } })],
    ['it was stated to sign, and its row says encrypt', (tenant) => addKey(tenant, { key: { uses: ['sign'] }, row: { uses: ['encrypt'] } })],
    ['it only signs', (tenant) => addKey(tenant, { key: { uses: ['sign'] } })],
    ['its time is over', (tenant) => addKey(tenant, { key: { expiresAtMs: systemClock.nowMs() - 1 } })],
    ['its end was moved', (tenant) => addKey(tenant, { key: { expiresAtMs: systemClock.nowMs() - 1 }, row: { expiresAtMs: systemClock.nowMs() + hourMs } })],
    ['it has 2048 bits, whoever stated it', (tenant) => addKey(tenant, { publicKey: small.publicKey })],
    ['it is no RSA key', (tenant) => addKey(tenant, { publicKey: generateKeyPairSync('ed25519').publicKey, key: { algorithm: 'ed25519' } })],
    ['it was given another\'s id', (tenant) => addKey(tenant, { row: { id: newId('merchantSigningKey', from) } })],
    ['it was revoked', async (tenant) => {
      const { id } = await addKey(tenant)
      await revokeSigningKey(operator, tenant, id, systemClock.nowMs(), emit(asOperator, 'merchant_key.revoked', tenant, { key: id }))
    }],
  ]
  for (const [what, add] of keys) {
    test(`where no key counts: ${what}`, async () => {
      const tenant = await newTenant()
      await add(tenant, await newTenant())
      assert.deepEqual(await prepare(tenant, endpointOf(tenant)), held('encryption_key_missing'))
    })
  }
})

suite('a key that the custodian revoked', () => {
  after(() => { stateOf = async () => 'stands' })
  const alarms = async ({ merchant }: Tenant) => database.asAdmin(
    `SELECT severity, data->>'key' AS key FROM ngome.events WHERE type = 'merchant_key.unproven' AND merchant = $1`, [merchant])

  test('is not encrypted to although its row was edited to say nothing of it, and that is an alarm, once', async () => {
    const tenant = await newTenant()
    const old = await addKey(tenant)
    const stolen = await addKey(tenant, { publicKey: attackers.publicKey })
    const revoked = new Set([stolen.id])
    await revokeSigningKey(operator, tenant, stolen.id, systemClock.nowMs(), emit(asOperator, 'merchant_key.revoked', tenant, { key: stolen.id }))
    await database.asAdmin(`SET session_replication_role = replica; UPDATE ngome.merchant_signing_keys SET revoked_at = NULL WHERE id = '${stolen.id}'`)
    stateOf = async (_, key) => (revoked.has(key) ? 'revoked' : 'stands')
    for (let times = 0; times < 2; times++) assert.deepEqual(await opened(await prepare(tenant, endpointOf(tenant)), own.privateKey), expected(old))
    assert.deepEqual(await alarms(tenant), [{ severity: 'alarm', key: stolen.id }])
    revoked.add(old.id)
    assert.deepEqual(await prepare(tenant, endpointOf(tenant)), { kind: 'held', because: 'encryption_key_missing' })
  })

  test('while its row was read is no alarm', async () => {
    const tenant = await newTenant()
    const { id } = await addKey(tenant)
    stateOf = async () => {
      await revokeSigningKey(operator, tenant, id, systemClock.nowMs(), emit(asOperator, 'merchant_key.revoked', tenant, { key: id }))
      return 'revoked'
    }
    assert.deepEqual(await prepare(tenant, endpointOf(tenant)), { kind: 'held', because: 'encryption_key_missing' })
    assert.deepEqual(await alarms(tenant), [])
  })

  test('or never stated is not encrypted to, and while the custodian is away the delivery waits', async () => {
    const tenant = await newTenant()
    await addKey(tenant)
    stateOf = async () => 'unknown'
    assert.deepEqual(await prepare(tenant, endpointOf(tenant)), { kind: 'held', because: 'encryption_key_missing' })
    stateOf = async () => { throw new Fault('custodian/unavailable', 'away') }
    await assert.rejects(prepare(tenant, endpointOf(tenant)), { code: 'custodian/unavailable' })
    assert.equal((await prepare(tenant, endpointOf(tenant, 'none'))).kind, 'ready', 'nobody is asked where nothing is encrypted')
  })
})
