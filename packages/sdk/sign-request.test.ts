import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, verify, constants } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import { utf8 } from './bytes.ts'
import { Client } from './client.ts'
import { SigningKey } from './mod.ts'
import { signRequest } from './sign-request.ts'
import { keyOf } from './testing/key.ts'
import { problemOf, VirtualRuntime } from './testing/virtual-runtime.ts'

// The page that a client can be written from: its example is ours to reproduce.
const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'signed-requests.md'), 'utf8')
const example = {
  privateKey: /-----BEGIN PRIVATE KEY-----[\s\S]+?-----END PRIVATE KEY-----/.exec(page)?.[0] ?? '',
  body: /^\{"amount".+\}$/m.exec(page)?.[0] ?? '',
  base: /```\n("@method"[\s\S]+?)\n```/.exec(page)?.[1] ?? '',
  headers: Object.fromEntries([...page.matchAll(/^(Content-Digest|Signature-Input|Signature): (.+)$/gm)].map(([, name = '', value]) => [name.toLowerCase(), value])),
}
const keyId = 'msk_01k9x0b6e1f7t8mz3v2c4d5g6h'
const at = { nowMs: () => 1_798_761_600_000, uuid: () => 'q83vASNFZ4mrze8BI0VniavN' }

suite('a signed request', () => {
  test('of the page\'s example has the page\'s bytes', async () => {
    const key = new SigningKey({ keyId, privateKey: example.privateKey })
    const headers = await signRequest(key, {
      method: 'POST', url: 'https://api.ngome.example/v1/payments', body: utf8(example.body), idempotencyKey: 'order-42',
    }, at)
    assert.deepEqual(headers, example.headers)
  })

  test('by an RSA key carries RSASSA-PSS with SHA-512 and a salt of 64 bytes', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 3_072 })
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    const headers = await signRequest(new SigningKey({ keyId, privateKey: pem }), {
      method: 'POST', url: 'https://API.ngome.example:443/v1/payments', body: utf8(example.body), idempotencyKey: 'order-42',
    }, at)
    const signature = Buffer.from(/^ngome=:(.+):$/.exec(headers['signature'] ?? '')?.[1] ?? '', 'base64')
    const rsa = { key: publicKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 64 }
    assert.ok(verify('sha512', Buffer.from(example.base), rsa, signature))
  })

  test('without body or key, with a query, covers what is there', async () => {
    const key = new SigningKey({ keyId, privateKey: example.privateKey })
    const headers = await signRequest(key, {
      method: 'GET', url: 'https://localhost:8443/v1/payments?limit=2', body: undefined, idempotencyKey: undefined,
    }, at)
    assert.deepEqual(Object.keys(headers), ['signature-input', 'signature'])
    assert.match(headers['signature-input'] ?? '', /^ngome=\("@method" "@authority" "@path" "@query"\);created=1798761600;/)
    const base = `"@method": GET\n"@authority": localhost:8443\n"@path": /v1/payments\n"@query": ?limit=2\n"@signature-params": ${headers['signature-input']?.slice(6)}`
    const spki = `-----BEGIN PUBLIC KEY-----\n${/MCowBQ.+/.exec(page)?.[0]}\n-----END PUBLIC KEY-----`
    assert.ok(verify(null, Buffer.from(base), spki, Buffer.from(headers['signature']?.slice(7, -1) ?? '', 'base64')))
  })

  test('is signed anew at each attempt, under the same idempotency key', async () => {
    const runtime = new VirtualRuntime()
    runtime.answer = (_, count) => problemOf(count < 3 ? 503 : 422, count < 3 ? 'store/unavailable' : 'request/invalid')
    const client = new Client({
      apiKey: keyOf(), baseUrl: 'https://api.ngome.example', signingKey: new SigningKey({ keyId, privateKey: example.privateKey }),
    }, runtime)
    let isOver = false
    const call = assert.rejects(client.vault.tokens.create({ type: 'phone', value: '+256771234567' }), { code: 'request/invalid' })
      .finally(() => { isOver = true })
    // Signing takes time of a thread's, which no runtime of ours moves.
    for (; !isOver; await sleep(1)) await runtime.pass(100)
    await call
    const sent = (name: string): number => new Set(runtime.requests.map(({ headers }) => headers[name])).size
    assert.deepEqual([runtime.requests.length, sent('signature'), sent('signature-input'), sent('idempotency-key')], [3, 3, 3, 1])
    const [{ body, headers } = { body: undefined, headers: {} as Readonly<Record<string, string>> }] = runtime.requests
    assert.equal(headers['content-digest'], `sha-256=:${createHash('sha256').update(body ?? '').digest('base64')}:`)
  })
})

suite('a signing key', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const cases: readonly (readonly [string, string])[] = [
    ['of another kind', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()],
    ['in another form', generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()],
    ['of nothing', ''],
    ['cut short', example.privateKey.slice(0, 60)],
  ]
  for (const [what, pem] of cases) {
    test(`${what} is refused`, () => {
      assert.throws(() => new SigningKey({ keyId, privateKey: pem }), { code: 'sdk/configuration' })
    })
  }

  test('with an id that would end a header is refused', () => {
    assert.throws(() => new SigningKey({ keyId: 'a"\r\nx: y', privateKey: example.privateKey }), { code: 'sdk/configuration' })
  })

  test('cannot be printed', () => {
    const shown = inspect(new SigningKey({ keyId, privateKey: example.privateKey }), { depth: 9, showHidden: true })
    assert.ok(!shown.includes('MC4CAQ'))
  })

  test('that is a CryptoKey signs where it may, and is refused where it may not', async () => {
    const pair = await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify'])
    assert.ok('privateKey' in pair)
    assert.equal((await new SigningKey({ keyId, privateKey: pair.privateKey }).sign(utf8('x'))).length, 64)
    await assert.rejects(new SigningKey({ keyId, privateKey: pair.publicKey }).sign(utf8('x')), { code: 'sdk/configuration' })
  })
})
