import assert from 'node:assert/strict'
import { createHmac, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { CompactEncrypt } from 'jose'
import { Webhook as Reference } from 'standardwebhooks'
import { DecryptionError, SignatureError, verifyWebhook, type WebhookHeaders } from './mod.ts'

const secret = `whsec_${randomBytes(32).toString('base64')}`
const other = `whsec_${randomBytes(32).toString('base64')}`
const nowMs = 1_800_000_000_000
const body = Buffer.from('{"type":"payment.succeeded","timestamp":"2027-01-15T08:00:00.000Z","data":{"id":"pay_1","note":"é"}}')

type Signed = Readonly<Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string>>

function signed(by: string, changes: Partial<Signed> = {}, timestampS = nowMs / 1_000, bytes: Uint8Array = body): Signed {
  const mac = createHmac('sha256', Buffer.from(by.slice(6), 'base64')).update(`evt_1.${timestampS}.`).update(bytes)
  return { 'webhook-id': 'evt_1', 'webhook-timestamp': String(timestampS), 'webhook-signature': `v1,${mac.digest('base64')}`, ...changes }
}

suite('a webhook of the platform', () => {
  test('is taken, with its id, time and event', async () => {
    const { id, sentAt, event } = await verifyWebhook(body, signed(secret), secret, { nowMs })
    assert.deepEqual([id, sentAt.getTime(), event?.type, event?.data['note']], ['evt_1', nowMs, 'payment.succeeded', 'é'])
  })

  test('is taken as text, with a Headers, and while a secret is being replaced', async () => {
    assert.ok(await verifyWebhook(body.toString(), new Headers(signed(secret)), [other, secret], { nowMs }))
    const both = { ...signed(secret), 'webhook-signature': `${signed(other)['webhook-signature']} ${signed(secret)['webhook-signature']}` }
    assert.ok(await verifyWebhook(body, both, secret, { nowMs }))
  })

  test('is taken as the reference implementation makes it', async () => {
    const signature = new Reference(secret).sign('msg_1', new Date(nowMs), body.toString())
    const headers = { 'webhook-id': 'msg_1', 'webhook-timestamp': String(nowMs / 1_000), 'webhook-signature': signature }
    assert.equal((await verifyWebhook(body, headers, secret, { nowMs })).id, 'msg_1')
  })

  test('is taken at the edge of the tolerance, and may be no JSON', async () => {
    assert.ok(await verifyWebhook(body, signed(secret, {}, nowMs / 1_000 - 300), secret, { nowMs }))
    const bytes = Buffer.from('a.b.c')
    const headers = signed(secret, {}, nowMs / 1_000, bytes)
    assert.equal((await verifyWebhook(bytes, headers, secret, { nowMs })).event, undefined)
  })
})

suite('a webhook is refused', () => {
  const attacks: readonly (readonly [string, WebhookHeaders, Uint8Array?])[] = [
    ['of another secret', signed(other)],
    ['of another body', signed(secret), Buffer.from(body.toString().replace('pay_1', 'pay_2'))],
    ['with another id', signed(secret, { 'webhook-id': 'evt_2' })],
    ['with another time', signed(secret, { 'webhook-timestamp': String(nowMs / 1_000 + 1) })],
    ['from before the tolerance', signed(secret, {}, nowMs / 1_000 - 301)],
    ['from after the tolerance', signed(secret, {}, nowMs / 1_000 + 301)],
    ['without an id', { ...signed(secret), 'webhook-id': undefined }],
    ['without a time', { ...signed(secret), 'webhook-timestamp': undefined }],
    ['without a signature', { ...signed(secret), 'webhook-signature': undefined }],
    ['with an empty signature', signed(secret, { 'webhook-signature': '' })],
    ['with a signature that was cut', signed(secret, { 'webhook-signature': signed(secret)['webhook-signature'].slice(0, -4) })],
    ['with a signature of another version', signed(secret, { 'webhook-signature': signed(secret)['webhook-signature'].replace('v1,', 'v1a,') })],
    ['whose signature comes ninth', signed(secret, { 'webhook-signature': `${'v1,AAAA '.repeat(8)}${signed(secret)['webhook-signature']}` })],
    ['with a time that is read in two ways', signed(secret, { 'webhook-timestamp': `0${nowMs / 1_000}` })],
    ['with an id that holds a full stop', signed(secret, { 'webhook-id': 'evt.1' })],
    ['with headers that came twice', { ...signed(secret), 'webhook-signature': [signed(secret)['webhook-signature'], 'v1,AAAA'] }],
    ['larger than any', signed(secret), new Uint8Array(1_048_577)],
  ]
  for (const [what, headers, bytes] of attacks) {
    test(what, async () => {
      await assert.rejects(verifyWebhook(bytes ?? body, headers, secret, { nowMs }), (error) => {
        assert.ok(error instanceof SignatureError)
        assert.deepEqual([error.code, error.message], ['sdk/webhook_refused', 'the webhook is not signed by the platform, or not now'])
        return true
      })
    })
  }

  test('by a mistake of the receiver\'s: a parsed body, no secret, no secret\'s form', async () => {
    const parsed = JSON.parse(body.toString()) as unknown as Uint8Array
    await assert.rejects(verifyWebhook(parsed, signed(secret), secret, { nowMs }), { code: 'sdk/configuration', message: /raw body/ })
    for (const bad of [[], ['whsec_'], [''], [secret.slice(6)], [`whsec_${'A'.repeat(16)}`]]) {
      await assert.rejects(verifyWebhook(body, signed(secret), bad, { nowMs }), { code: 'sdk/configuration' })
    }
  })
})

suite('a webhook of an endpoint whose encryption is required', () => {
  const [own, next, strangers] = [0, 1, 2].map(() => generateKeyPairSync('rsa', { modulusLength: 3_072 }))
  const pemOf = (pair: typeof own): string => String(pair?.privateKey.export({ type: 'pkcs8', format: 'pem' }))
  /** By `jose`, which shares nothing with what decrypts. */
  const encrypted = async (to: KeyObject | undefined, header: object = {}, alg = 'RSA-OAEP-256'): Promise<Uint8Array> =>
    Buffer.from(await new CompactEncrypt(body).setProtectedHeader({ alg, enc: 'A256GCM', kid: 'msk_1', cty: 'application/json', ...header }).encrypt(to ?? new Uint8Array()))
  const verify = (bytes: Uint8Array, decryptWith: string | readonly string[], headers: object = {}) =>
    verifyWebhook(bytes, { ...signed(secret, {}, nowMs / 1_000, bytes), 'content-type': 'application/jose', ...headers }, secret, { nowMs, decryptWith })

  test('is taken with the private key, as the event that it is', async () => {
    const { event, body: content, id } = await verify(await encrypted(own?.publicKey), pemOf(own))
    assert.deepEqual([event?.type, Buffer.from(content), id], ['payment.succeeded', body, 'evt_1'])
  })
  test('is taken with either key while one takes over, whatever it calls its key', async () => {
    const both = [pemOf(own), pemOf(next)]
    for (const pair of [own, next]) {
      for (const header of [{}, { kid: 'msk_2' }, { kid: undefined }]) {
        assert.equal((await verify(await encrypted(pair?.publicKey, header), both)).event?.type, 'payment.succeeded')
      }
    }
  })
  test('is left as it is where nobody asked for it to be opened', async () => {
    const bytes = await encrypted(own?.publicKey)
    const { event, body: content } = await verifyWebhook(bytes, signed(secret, {}, nowMs / 1_000, bytes), secret, { nowMs })
    assert.deepEqual([event, content], [undefined, bytes])
  })
  test('is refused by its signature first: nothing of it is decrypted', async () => {
    const bytes = await encrypted(own?.publicKey)
    await assert.rejects(verifyWebhook(bytes, signed(other, {}, nowMs / 1_000, bytes), secret, { nowMs, decryptWith: pemOf(own) }), SignatureError)
  })

  const attacks: readonly (readonly [string, () => Uint8Array | Promise<Uint8Array>, object?])[] = [
    ['in clear', () => body],
    ['in clear, and called JSON', () => body, { 'content-type': 'application/json' }],
    ['in clear, and called nothing', () => body, { 'content-type': undefined }],
    ['to another key', () => encrypted(strangers?.publicKey)],
    ['to another key, called by this one\'s name', () => encrypted(strangers?.publicKey, { kid: 'msk_1' })],
    ['as a JWE without encryption', () => Buffer.from([Buffer.from('{"alg":"none","enc":"A256GCM"}').toString('base64url'), '', '', body.toString('base64url'), ''].join('.'))],
    ['as a JWS', () => Buffer.from([Buffer.from('{"alg":"none"}').toString('base64url'), body.toString('base64url'), ''].join('.'))],
    ['by RSA-OAEP with SHA-1', () => encrypted(own?.publicKey, {}, 'RSA-OAEP')],
    ['by another cipher', () => encrypted(own?.publicKey, { enc: 'A128CBC-HS256' })],
    ['and says RSA1_5', async () => retold(await encrypted(own?.publicKey), { alg: 'RSA1_5' })],
    ['and is compressed, which ends in gigabytes', async () => retold(await encrypted(own?.publicKey), { zip: 'DEF' })],
    ['and asks for an extension', async () => retold(await encrypted(own?.publicKey), { crit: ['exp'], exp: 1 })],
    ['cut short', async () => (await encrypted(own?.publicKey)).slice(0, -8)],
    ['and is longer than any of ours', () => Buffer.alloc(300_000, 'A')],
  ]
  for (const [what, bytes, headers] of attacks) {
    test(`is refused where it came ${what}`, async () => {
      await assert.rejects(verify(await bytes(), pemOf(own), headers), (error) => {
        assert.ok(error instanceof DecryptionError)
        assert.deepEqual([error.code, error.cause], ['sdk/decryption_refused', undefined])
        return true
      })
    })
  }
  test('is not looked at where the receiver gave no key, or a signing one', async () => {
    const bytes = await encrypted(own?.publicKey)
    await assert.rejects(verify(bytes, []), { code: 'sdk/configuration' })
    await assert.rejects(verify(bytes, Array.from({ length: 5 }, () => pemOf(own))), { code: 'sdk/configuration' })
    const ed25519 = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    await assert.rejects(verify(bytes, ed25519), { code: 'sdk/configuration' })
  })
})

test('the example of docs/encrypted-webhooks.md opens as it says', async () => {
  const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'encrypted-webhooks.md'), 'utf8')
  const part = (pattern: RegExp): string => pattern.exec(page)?.[1] ?? assert.fail(String(pattern))
  const sent = part(/```http\n([^]*?)\n```/)
  const [head = '', jwe = ''] = sent.split('\n\n')
  const headers = Object.fromEntries(head.split('\n').slice(1).map((line): [string, string] => [line.split(': ')[0] ?? '', line.split(': ')[1] ?? '']))
  const { event, body: content } = await verifyWebhook(jwe, headers, part(/secret `(whsec_[^`]+)`/), {
    decryptWith: part(/(-----BEGIN PRIVATE KEY-----[^]*?-----END PRIVATE KEY-----)/), nowMs: 1_798_761_600_000,
  })
  assert.deepEqual([event?.type, Buffer.from(content).toString()], ['payment.succeeded', part(/```json\n([^]*?)\n```/)])
})

/** The same message, with another header. */
function retold(jwe: Uint8Array, header: object): Uint8Array {
  const parts = Buffer.from(jwe).toString().split('.')
  const stated = JSON.parse(Buffer.from(parts[0] ?? '', 'base64url').toString()) as object
  return Buffer.from(parts.with(0, Buffer.from(JSON.stringify({ ...stated, ...header })).toString('base64url')).join('.'))
}
