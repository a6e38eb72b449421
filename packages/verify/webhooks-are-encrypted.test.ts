import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { createServer as createPlainServer, request } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { ManualClock, newId, Secret, systemClock, systemRandom, type MerchantSigningKeyId } from '@ngome/kernel'
import { encryptToMerchant, newWebhookSecret, parseWebhookSecret, proveMerchantKey, signMerchantKey, signWebhook, type ProvenMerchantKey } from '@ngome/signatures'
import { TestAuthority } from '@ngome/testkit'
import { webhooksAreEncrypted } from './probes/webhooks-are-encrypted.ts'
import { runProbes } from './run-probes.ts'

const from = { clock: systemClock, random: systemRandom }
const tenant = { merchant: newId('merchant', from), world: 'test' } as const
const custodian = generateKeyPairSync('ed25519')
const foreign = generateKeyPairSync('rsa', { modulusLength: 3_072 })
const secret = newWebhookSecret(systemRandom)

/** What a saboteur left out of a platform. */
type Sabotage = 'none' | 'refuses endpoints' | 'sends nothing' | 'sends in clear' | 'sends both' | 'calls it JSON' | 'encrypts to another key'
  | 'names another key' | 'signs what is inside' | 'encodes only'
let sabotage: Sabotage = 'none'
let url = ''
let key: ProvenMerchantKey
let removed = 0
let server: Server
let authority: TestAuthority
before(async () => {
  authority = await TestAuthority.create()
  server = createServer({ ...await authority.issueWithKey('gateway'), minVersion: 'TLSv1.3' }, (call, response) => {
    const chunks: Buffer[] = []
    call.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
      const [status, text] = answer(call.method ?? '', Buffer.concat(chunks).toString())
      response.writeHead(status, { connection: 'close' }).end(text)
    })
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
})
after(() => { server.close() })

function answer(method: string, body: string): readonly [number, string] {
  if (method === 'DELETE') removed += 1
  if (method !== 'POST') return [204, '']
  if (sabotage === 'refuses endpoints') return [409, '{}']
  ;({ url } = JSON.parse(body) as { url: string })
  const now = new Date(systemClock.nowMs()).toISOString()
  return [201, JSON.stringify({
    id: newId('webhookEndpoint', from), object: 'webhook_endpoint', world: 'test', url, encryption: 'required', event_types: null, held_since: null, held_because: null,
    failing_since: null, disabled_at: null, disabled_because: null,
    created_at: now, secret_created_at: now, previous_secret_ends_at: null, secret: secret.expose((text) => text),
  })]
}

/** A payment's end, as a dispatcher tells it. */
async function pay(): Promise<{ id: ReturnType<typeof newPayment> }> {
  const id = newPayment()
  const event = Buffer.from(JSON.stringify({ type: 'payment.succeeded', data: { id } }))
  const proven = (publicKey: KeyObject, kid = key.id): ProvenMerchantKey => provenKey(publicKey, kid)
  const to = sabotage === 'encrypts to another key' ? proven(foreign.publicKey)
    : sabotage === 'names another key' ? proven(key.publicKey, newId('merchantSigningKey', from)) : key
  const jwe = Buffer.from(await encryptToMerchant(to, event))
  const encoded = Buffer.from(`${jwe.toString().split('.').slice(0, 3).join('.')}.${event.toString('base64url')}.`)
  const body = sabotage === 'sends in clear' ? event : sabotage === 'encodes only' ? encoded : jwe
  if (sabotage === 'sends both') await send(event, event)
  if (sabotage !== 'sends nothing') await send(body, sabotage === 'signs what is inside' ? event : body)
  return { id }
}

const newPayment = () => newId('payment', from)

async function send(body: Uint8Array, toSign: Uint8Array): Promise<void> {
  const opened = parseWebhookSecret(secret) ?? assert.fail()
  const signature = signWebhook([opened], { id: newId('webhookDelivery', from), timestampS: Math.floor(systemClock.nowMs() / 1_000), body: toSign })
  const headers = { 'content-type': sabotage === 'calls it JSON' ? 'application/json' : 'application/jose', ...signature }
  await new Promise<void>((resolve, reject) => {
    request(url, { method: 'POST', headers }, (response) => { response.resume().on('end', resolve) }).on('error', reject).end(body)
  })
}

function provenKey(publicKey: KeyObject, id: MerchantSigningKeyId): ProvenMerchantKey {
  const row = {
    id, tenant, algorithm: 'rsa-pss-sha512', uses: ['sign', 'encrypt'], expiresAtMs: systemClock.nowMs() + 60_000,
    spki: publicKey.export({ format: 'der', type: 'spki' }),
  } as const
  return proveMerchantKey(row, signMerchantKey(row, custodian.privateKey), createPublicKey(custodian.privateKey), systemClock.nowMs()) ?? assert.fail()
}

const targetOf = (webhookAddress: { host: string; port: number } | undefined) => ({
  gateway: { name: 'gateway', host: '127.0.0.1', port: (server.address() as AddressInfo).port }, authority: authority.pem,
  addToldMerchantKey: async (publicKey: KeyObject) => {
    key = provenKey(publicKey, newId('merchantSigningKey', from))
    return { tenant, apiKey: new Secret('key'), keyId: key.id }
  },
  webhookAddress, pay, webhookMsMax: 300, ...from,
})

const found: readonly (readonly [Sabotage, string])[] = [
  ['none', 'holds'], ['refuses endpoints', 'fails: an endpoint that is to be told encrypted was answered 409'],
  ['sends nothing', 'fails: no webhook came'], ['sends in clear', 'fails: a webhook that is to be encrypted says its payment in clear'],
  ['sends both', 'fails: a webhook that is to be encrypted says its payment in clear'], ['calls it JSON', 'fails: an encrypted webhook is called'],
  ['encrypts to another key', 'fails: what came does not open'], ['names another key', 'fails: an encrypted webhook does not say'],
  ['signs what is inside', 'fails: an encrypted webhook is not signed'], ['encodes only', 'fails: what came does not open'],
]
for (const [what, verdict] of found) {
  test(`a platform that a saboteur changed (${what}): ${verdict}`, async () => {
    sabotage = what
    removed = 0
    const [result] = await runProbes([webhooksAreEncrypted], targetOf({ host: '127.0.0.1', port: 0 }), new ManualClock(0))
    const seen = `${result?.status}: ${result?.evidence}`
    assert.ok(seen.startsWith(verdict), seen)
    assert.equal(removed, what === 'refuses endpoints' ? 0 : 1, 'the endpoint of the probe is gone')
  })
}

test('where the operator allows no address here, the look is partial; where somebody else listens there, nothing was seen', async () => {
  sabotage = 'none'
  const [nowhere] = await runProbes([webhooksAreEncrypted], targetOf(undefined), new ManualClock(0))
  assert.equal(nowhere?.status, 'partial', nowhere?.evidence ?? '')
  const other = createPlainServer()
  await new Promise<void>((resolve) => { other.listen(0, '127.0.0.1', resolve) })
  const { port } = other.address() as AddressInfo
  const [taken] = await runProbes([webhooksAreEncrypted], targetOf({ host: '127.0.0.1', port }), new ManualClock(0))
  assert.equal(taken?.status, 'unchecked', taken?.evidence ?? '')
  other.close()
})
