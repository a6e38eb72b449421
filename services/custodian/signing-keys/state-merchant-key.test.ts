import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { test } from 'node:test'
import type { CustodianRequest } from '@ngome/contracts'
import { newId, parseBase64Url, systemRandom, toBase64Url, type Tenant } from '@ngome/kernel'
import { x509 } from '@ngome/runtime'
import { proveMerchantKey } from '@ngome/signatures'
import { TestCustodian } from '../testing/test-custodian.ts'

type Request = CustodianRequest<'/v1/merchant-signing-key'>

const rsa = generateKeyPairSync('rsa', { modulusLength: 3_072 })
const spkiOf = (key: KeyObject): string => toBase64Url(key.export({ format: 'der', type: 'spki' }))

async function world(t: { after(fn: () => void): void }): Promise<{ custodian: TestCustodian; tenant: Tenant; request: Request }> {
  const custodian = await TestCustodian.open()
  t.after(() => custodian.remove())
  const tenant = await custodian.tenant()
  const request: Request = {
    ...tenant, key: newId('merchantSigningKey', { clock: custodian.clock, random: systemRandom }),
    from: { spki: spkiOf(rsa.publicKey) }, uses: ['encrypt', 'sign'], expires: new Date(custodian.clock.nowMs() + 86_400_000).toISOString(),
  }
  return { custodian, tenant, request }
}

type KeyAlgorithm = Readonly<Record<string, unknown>> & { readonly name: string }

async function requestFor(algorithm: KeyAlgorithm, signingAlgorithm: KeyAlgorithm = algorithm): Promise<string> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const made = await x509.Pkcs10CertificateRequestGenerator.create({ name: 'CN=whoever', keys: keys as never, signingAlgorithm: signingAlgorithm as never })
  return made.toString('pem')
}

const rsaParameters = { modulusLength: 3_072, publicExponent: Uint8Array.of(1, 0, 1) }
const requests: Readonly<Record<string, () => Promise<string>>> = {
  'RSA and PKCS #1 v1.5': () => requestFor({ name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', ...rsaParameters }),
  'RSA and PSS': () => requestFor({ name: 'RSA-PSS', hash: 'SHA-512', ...rsaParameters }, { name: 'RSA-PSS', hash: 'SHA-512', saltLength: 64 }),
  Ed25519: () => requestFor({ name: 'Ed25519' }),
}

test('a public key is stated as a merchant\'s, its uses in their order, and recorded with its digest', async (t) => {
  const { custodian, tenant, request } = await world(t)
  const { algorithm, spki, proof } = await custodian.call(await custodian.peer('operator'), '/v1/merchant-signing-key', request)
  const row = {
    id: request.key as never, tenant, algorithm, spki: parseBase64Url(spki) ?? new Uint8Array(), uses: ['sign', 'encrypt'] as const,
    expiresAtMs: Date.parse(request.expires),
  }
  const key = custodian.custodian.statementKey.publicKey
  assert.notEqual(proveMerchantKey(row, parseBase64Url(proof) ?? new Uint8Array(), key, custodian.clock.nowMs()), undefined)
  const [logged] = custodian.lastLog(1)
  assert.match(String(logged?.['subject']), new RegExp(`^${tenant.merchant}/test/${request.key} sign,encrypt sha256:[0-9a-f]{64}$`))
})

for (const [name, make] of Object.entries(requests)) {
  test(`a certificate request of ${name} gives its key`, async (t) => {
    const { custodian, request } = await world(t)
    const pem = await make()
    const { spki } = await custodian.call(await custodian.peer('operator'), '/v1/merchant-signing-key', { ...request, uses: ['sign'], from: { request: pem } })
    assert.equal(spki, toBase64Url(new Uint8Array(new x509.Pkcs10CertificateRequest(pem).publicKey.rawData)))
    assert.ok(createPublicKey({ key: Buffer.from(spki, 'base64url'), format: 'der', type: 'spki' }))
  })
}

type Change = (request: Request, nowMs: number) => Partial<Request> | Promise<Partial<Request>>
const attacks: readonly (readonly [string, Change, string])[] = [
  ['a merchant that is not registered', () => ({ merchant: 'mer_01k8z3f7q2e9d8m4n6p0r5s7tv' }), 'tenant_unknown'],
  ['RSA with 2048 bits', () => ({ from: { spki: spkiOf(generateKeyPairSync('rsa', { modulusLength: 2_048 }).publicKey) } }), 'request_invalid'],
  ['RSA with the exponent 3', () => ({ from: { spki: spkiOf(generateKeyPairSync('rsa', { modulusLength: 3_072, publicExponent: 3 }).publicKey) } }), 'request_invalid'],
  ['a curve that is not ours', () => ({ uses: ['sign'], from: { spki: spkiOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey) } }), 'request_invalid'],
  ['Ed25519 to encrypt to', () => ({ from: { spki: spkiOf(generateKeyPairSync('ed25519').publicKey) } }), 'request_invalid'],
  ['bytes that are no key', () => ({ from: { spki: 'AAAA' } }), 'request_invalid'],
  ['bytes behind a key', () => ({ from: { spki: toBase64Url(Buffer.concat([rsa.publicKey.export({ format: 'der', type: 'spki' }), Buffer.of(0)])) } }), 'request_invalid'],
  ['a key that is not canonical base64url', () => ({ from: { spki: 'AB' } }), 'request_invalid'],
  ['one use twice', () => ({ uses: ['sign', 'sign'] }), 'request_invalid'],
  ['an end that is over', (_, nowMs) => ({ expires: new Date(nowMs).toISOString() }), 'request_invalid'],
  ['an end too far ahead', (_, nowMs) => ({ expires: new Date(nowMs + 801 * 86_400_000).toISOString() }), 'request_invalid'],
  ['a request that is none', () => ({ from: { request: 'x' } }), 'request_invalid'],
  ['a request whose bytes are none', () => ({ from: { request: '-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n' } }), 'request_invalid'],
  ['a request of a weak key', async () => ({ from: { request: await requestFor({ name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', ...rsaParameters, modulusLength: 2_048 }) } }), 'request_invalid'],
  ['a request signed with SHA-1', async () => ({ from: { request: await requestFor({ name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-1', ...rsaParameters }) } }), 'request_invalid'],
  ['a request that another key signed', async () => ({ from: { request: await forged() } }), 'request_invalid'],
]
for (const [what, change, reason] of attacks) {
  test(`${what} is refused and recorded`, async (t) => {
    const { custodian, request } = await world(t)
    const operator = await custodian.peer('operator')
    const changed = { ...request, ...await change(request, custodian.clock.nowMs()) }
    await assert.rejects(custodian.call(operator, '/v1/merchant-signing-key', changed), { code: 'custodian/refused' })
    assert.equal(custodian.lastLog(1)[0]?.['reason'], reason)
  })
}

/** A good request of Ed25519 with the last byte of its signature changed. */
async function forged(): Promise<string> {
  const bytes = Buffer.from(new x509.Pkcs10CertificateRequest(await requestFor({ name: 'Ed25519' })).rawData)
  bytes[bytes.length - 40] = (bytes[bytes.length - 40] ?? 0) ^ 1
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE REQUEST-----\n${lines.join('\n')}\n-----END CERTIFICATE REQUEST-----\n`
}

test('whether a key stands is said of its own tenant, whatever the database says, and to the dispatcher', async (t) => {
  const { custodian, tenant, request } = await world(t)
  const dispatcher = await custodian.peer('dispatcher')
  const stateOf = async (of: Tenant = tenant, key = request.key) => (await custodian.call(dispatcher, '/v1/merchant-signing-key-state', { ...of, key })).state
  assert.equal(await stateOf(), 'unknown')
  await custodian.call(await custodian.peer('operator'), '/v1/merchant-signing-key', request)
  assert.equal(await stateOf(), 'stands')
  assert.deepEqual([await stateOf(await custodian.tenant()), await stateOf({ ...tenant, world: 'live' })], ['unknown', 'unknown'])
  await custodian.call(await custodian.peer('operator'), '/v1/revoke-merchant-signing-key', { ...tenant, key: request.key })
  assert.equal(await stateOf(), 'revoked')
})
