import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ManualClock, Secret, systemClock, systemRandom } from '@ngome/kernel'
import fc from 'fast-check'
import { Webhook } from 'standardwebhooks'
import { newWebhookSecret, parseWebhookSecret, signWebhook, verifyWebhook, type WebhookHeaders } from './mod.ts'

const nowS = 1_800_000_000
const clock = new ManualClock(nowS * 1000)
const secretText = newWebhookSecret(systemRandom)
const secret = parsed(secretText)
const body = Buffer.from('{"type":"payment.succeeded"}')
const message = { id: 'whd_01h455vb4pex5vsknk084sn02q', timestampS: nowS, body }

function parsed(text: Secret<string>): Secret<Uint8Array> {
  const key = parseWebhookSecret(text)
  assert(key !== undefined)
  return key
}

describe('agrees with the reference library', () => {
  test('the library verifies what we sign, and we sign what the library signs', () => {
    fc.assert(fc.property(fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/), fc.string(), fc.uint8Array({ minLength: 24, maxLength: 64 }), (id, text, key) => {
      const timestampS = Math.floor(systemClock.nowMs() / 1000)
      const oracle = new Webhook(Buffer.from(key).toString('base64'))
      const bytes = Buffer.from(text.toWellFormed())
      const headers = signWebhook([new Secret(key)], { id, timestampS, body: bytes })
      assert.equal(headers['webhook-signature'], oracle.sign(id, new Date(timestampS * 1000), bytes.toString('utf8')))
      if (bytes.length > 0) oracle.verify(bytes, headers, { jsonParse: false })
    }))
  })
  test('we verify what the library signs', () => {
    const signature = secretText.expose((text) => new Webhook(text)).sign(message.id, new Date(nowS * 1000), body.toString())
    const headers = { 'webhook-id': message.id, 'webhook-timestamp': String(nowS), 'webhook-signature': signature }
    assert.equal(verifyWebhook([secret], headers, body, clock)?.id, message.id)
  })
  test('the published example of the specification comes out', () => {
    const published = parsed(new Secret('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'))
    const headers = signWebhook([published], {
      id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestampS: 1614265330, body: Buffer.from('{"test": 2432232314}'),
    })
    assert.equal(headers['webhook-signature'], 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')
  })
})

describe('refuses a webhook that was tampered with', () => {
  const signed = signWebhook([secret], message)
  const flipped = (text: string): string => text.replace(/^(v1,.)(.)/, (_, before: string, letter: string) => before + (letter === 'A' ? 'B' : 'A'))
  const cases: readonly [string, Partial<WebhookHeaders>, Uint8Array?][] = [
    ['another body', signed, Buffer.from('{"type":"payment.failed"}')],
    ['a body with one more byte', signed, Buffer.concat([body, Buffer.from(' ')])],
    ['an empty body', signed, new Uint8Array()],
    ['another id', { ...signed, 'webhook-id': 'whd_other' }],
    ['another time', { ...signed, 'webhook-timestamp': String(nowS + 1) }],
    ['a time written otherwise', { ...signed, 'webhook-timestamp': `0${nowS}` }],
    ['a time that is no number', { ...signed, 'webhook-timestamp': 'now' }],
    ['a flipped signature', { ...signed, 'webhook-signature': flipped(signed['webhook-signature']) }],
    ['a truncated signature', { ...signed, 'webhook-signature': signed['webhook-signature'].slice(0, -4) }],
    ['an extended signature', { ...signed, 'webhook-signature': `${signed['webhook-signature']}AAAA` }],
    ['an unknown scheme', { ...signed, 'webhook-signature': signed['webhook-signature'].replace('v1,', 'v0,') }],
    ['an empty signature', { ...signed, 'webhook-signature': '' }],
    ['nine signatures', { ...signed, 'webhook-signature': Array(9).fill(signed['webhook-signature']).join(' ') }],
    ['no id', { 'webhook-timestamp': signed['webhook-timestamp'], 'webhook-signature': signed['webhook-signature'] }],
    ['no time', { 'webhook-id': signed['webhook-id'], 'webhook-signature': signed['webhook-signature'] }],
    ['no signature', { 'webhook-id': signed['webhook-id'], 'webhook-timestamp': signed['webhook-timestamp'] }],
  ]
  for (const [name, headers, otherBody] of cases) {
    test(name, () => { assert.equal(verifyWebhook([secret], headers, otherBody ?? body, clock), undefined) })
  }
  test('another secret', () => { assert.equal(verifyWebhook([parsed(newWebhookSecret(systemRandom))], signed, body, clock), undefined) })
  test('no secret at all', () => { assert.equal(verifyWebhook([], signed, body, clock), undefined) })
  for (const [name, offsetS, isTaken] of [
    ['300 s late is taken', 300, true], ['301 s late is refused', 301, false],
    ['300 s early is taken', -300, true], ['301 s early is refused', -301, false],
  ] as const) {
    test(name, () => {
      const receiver = new ManualClock((nowS + offsetS) * 1000)
      assert.equal(verifyWebhook([secret], signed, body, receiver) !== undefined, isTaken)
    })
  }
  test('untouched it verifies, also while the secret is being rotated', () => {
    const old = parsed(newWebhookSecret(systemRandom))
    assert.equal(verifyWebhook([old, secret], signed, body, clock)?.isVerified, true)
    const both = signWebhook([secret, old], message)
    assert.equal(both['webhook-signature'], `${signed['webhook-signature']} ${signWebhook([old], message)['webhook-signature']}`)
    for (const held of [old, secret]) {
      assert.equal(verifyWebhook([held], both, body, clock)?.isVerified, true)
      assert.equal(verifyWebhook([parsed(newWebhookSecret(systemRandom))], both, body, clock), undefined)
    }
  })
})

test('of two signatures the library takes either, whichever secret its receiver has', () => {
  const old = newWebhookSecret(systemRandom)
  const current = { ...message, timestampS: Math.floor(systemClock.nowMs() / 1000) }
  const headers = signWebhook([secret, parsed(old)], current)
  for (const held of [secretText, old]) held.expose((text) => new Webhook(text)).verify(body, headers, { jsonParse: false })
  const other = newWebhookSecret(systemRandom).expose((text) => new Webhook(text))
  assert.throws(() => other.verify(body, headers, { jsonParse: false }))
})

describe('does not sign what could be read in two ways', () => {
  test('nor without a secret', () => { assert.throws(() => signWebhook([], message), RangeError) })
  for (const [name, wrong] of [
    ['a full stop in the id', { id: 'a.1' }], ['an empty id', { id: '' }],
    ['a fraction of a second', { timestampS: 1.5 }], ['a negative time', { timestampS: -1 }],
  ] as const) {
    test(name, () => { assert.throws(() => signWebhook([secret], { ...message, ...wrong }), RangeError) })
  }
})

describe('takes a secret in its one form only', () => {
  const key = Buffer.alloc(24, 7).toString('base64')
  for (const [name, text] of [
    ['no prefix', key], ['another prefix', `whpk_${key}`], ['23 bytes', `whsec_${Buffer.alloc(23, 7).toString('base64')}`],
    ['65 bytes', `whsec_${Buffer.alloc(65, 7).toString('base64')}`], ['a stray character', `whsec_${key}!`],
    ['a line break', `whsec_${key}\n`], ['base64url', `whsec_${Buffer.alloc(24, 0xff).toString('base64url')}`], ['nothing', 'whsec_'],
  ] as const) {
    test(`refuses ${name}`, () => { assert.equal(parseWebhookSecret(new Secret(text)), undefined) })
  }
  test('a new secret holds 32 random bytes', () => {
    assert.equal(secret.expose((bytes) => bytes.length), 32)
    assert.notEqual(secretText.expose((text) => text), newWebhookSecret(systemRandom).expose((text) => text))
  })
})
