import assert from 'node:assert/strict'
import { createHmac, randomBytes } from 'node:crypto'
import { suite, test } from 'node:test'
import { Webhook as Reference } from 'standardwebhooks'
import { SignatureError, verifyWebhook, type WebhookHeaders } from './mod.ts'

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
