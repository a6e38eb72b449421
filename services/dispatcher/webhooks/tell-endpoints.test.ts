import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { compactDecrypt } from 'jose'
import { emit, paymentSchema } from '@ngome/contracts'
import { newId, type Secret, systemClock, type PaymentId, type WebhookEndpointId } from '@ngome/kernel'
import { parseWebhookSecret, verifyWebhook } from '@ngome/signatures'
import { deleteWebhookEndpoint, enqueue, inTenant, type WebhookAttempt } from '@ngome/store'
import { SealingMerchant } from '@ngome/testkit'
import type { Dispatcher } from '../dispatcher.ts'
import { remindOfOldSecrets } from './remind-of-old-secrets.ts'
import { base, World, type Received } from '../testing/dispatcher-world.ts'

let world: World
before(async () => { world = await World.create() })
after(() => world.close())

describe('webhooks', () => {
  let dispatcher: Dispatcher
  let endpoint: Awaited<ReturnType<SealingMerchant['addEndpoint']>>
  before(async () => {
    await world.simulator.script([])
    dispatcher = await world.dispatcher()
    endpoint = await world.merchant.addEndpoint(world.callbackSecret, `${world.webhookUrl}/hooks`)
    world.start(dispatcher)
  })
  after(async () => {
    await world.stopWorkers()
    dispatcher.egress.close()
  })
  beforeEach(() => {
    world.received.length = 0
    world.answers.length = 0
  })
  const bodyOf = ({ body }: Received): { type: string; timestamp: string; data: unknown } => JSON.parse(body.toString()) as ReturnType<typeof bodyOf>

  /** Of each delivery of a payment: its state, why, and what came of each attempt. */
  const triesOf = async (id: PaymentId): Promise<unknown> => (await world.database.asAdmin(
    'SELECT state, reason, attempts FROM ngome.webhook_deliveries WHERE payment = $1 ORDER BY state', [id]))
    .map(({ state, reason, attempts }) => [state, reason, (attempts as WebhookAttempt[]).map((one) => `${one.reason} ${one.status}`)])

  const removeEndpoint = async (gone: WebhookEndpointId): Promise<void> => {
    const { tenant } = world.merchant
    const gateway = world.database.open('ngome_gateway', { poolMax: 1 })
    await deleteWebhookEndpoint(gateway, tenant, gone, emit({ ...base, process: 'gateway' }, 'webhook_endpoint.deleted', tenant, { endpoint: gone }))
  }

  test('a merchant is told, signed, with the payment masked', async () => {
    const id = await world.accept('+46733230001')
    await world.untilEvent(id, 'webhook.delivered')
    const [webhook] = world.received
    assert(webhook !== undefined && world.received.length === 1)
    const secret = parseWebhookSecret(endpoint.secret)
    assert(secret !== undefined)
    assert(verifyWebhook([secret], webhook.headers as Record<string, string>, webhook.body, systemClock) !== undefined)
    const { type, data } = bodyOf(webhook)
    const payment = paymentSchema.parse(data)
    assert.deepEqual([type, payment.id, payment.status, payment.amount, payment.payer.phone], ['payment.succeeded', id, 'succeeded', '5.00', '+46•••001'])
    assert(!webhook.body.includes('46733230001'))
  })
  test('a failure is told as well, with its code', async () => {
    await world.accept('+46733123451').then((id) => world.untilEvent(id, 'webhook.delivered'))
    const [webhook] = world.received
    assert(webhook !== undefined)
    assert.deepEqual([bodyOf(webhook).type, paymentSchema.parse(bodyOf(webhook).data).failure], ['payment.failed', { code: 'payer_refused' }])
  })
  test('an endpoint that fails is tried again with the same id and body, and a new signature', async () => {
    world.answers.push(500, 302)
    const id = await world.accept('+46733230003')
    await world.untilEvent(id, 'webhook.delivered')
    assert.equal(world.received.length, 3)
    assert.equal(new Set(world.received.map(({ headers }) => headers['webhook-id'])).size, 1)
    assert.equal(new Set(world.received.map(({ body }) => body.toString())).size, 1)
    // The redirect was not followed.
    assert.deepEqual(new Set(world.received.map(({ path }) => path)), new Set(['/hooks']))
    assert.deepEqual(await triesOf(id), [['delivered', 'accepted', ['refused 500', 'refused 302', 'accepted 200']]])
  })
  test('after the last try it is given up, with an event', async () => {
    world.answers.push(500, 404, 429, 500, 500)
    const id = await world.accept('+46733230004')
    await world.untilEvent(id, 'webhook.given_up')
    assert.equal(world.received.length, 3)
  })
  test('a custodian that is away delays it, and a secret that does not open gives it up', async () => {
    const id = await world.accept('+46733230005')
    await world.ended(id)
    world.isCustodianAway = true
    await sleep(200)
    world.isCustodianAway = false
    await world.untilEvent(id, 'webhook.delivered')
    world.refusal = 'record_refused'
    const other = await world.accept('+46733230006')
    assert.deepEqual(await world.ended(other), ['failed', 'record_refused'])
    await world.untilEvent(other, 'webhook.given_up')
    world.refusal = undefined
  })
  test('an address that the egress guard refuses is never called, and given up', async () => {
    const forbidden = await world.merchant.addEndpoint(world.callbackSecret, `${world.simulator.url}/simulator/script`)
    const id = await world.accept('+46733230007')
    await world.untilEvent(id, 'webhook.delivered')
    await world.untilEvent(id, 'webhook.given_up')
    assert.deepEqual(await triesOf(id), [
      ['delivered', 'accepted', ['accepted 200']], ['given_up', 'not_reached', ['not_reached null', 'not_reached null', 'not_reached null']],
    ], 'a merchant is not told why nothing was reached')
    for (const gone of [forbidden.id, endpoint.id]) await removeEndpoint(gone)
  })
  const asOwner = (sql: string): Promise<unknown> => world.database.asAdmin(`SET session_replication_role = replica; ${sql}`)
  const expectUntold = async (id: PaymentId): Promise<void> => {
    await world.untilEvent(id, 'webhook.given_up')
    const [alarm] = await world.database.asAdmin(
      'SELECT severity, data FROM ngome.events WHERE type = \'payment.mismatch\' AND data->>\'payment\' = $1', [id])
    assert.deepEqual(alarm, { severity: 'alarm', data: { payment: id, fields: ['webhook'] } })
  }
  const changes = [
    'payments SET reference = \'order-43\' WHERE id', 'payments SET amount_minor = 5000000 WHERE id', 'payments SET payer_masked = \'+46•••498\' WHERE id',
    'object_events SET facts = \'{"status":"succeeded","failure":null}\', type = \'payment.succeeded\' WHERE object',
    'object_events SET sequence = sequence + 6 WHERE object',
  ]
  for (const [at, change] of changes.entries()) {
    test(`the tables' owner makes it ${change} after the end: the next try is an alarm and not sent`, async () => {
      const { id: endpointId } = await world.merchant.addEndpoint(world.callbackSecret, `${world.webhookUrl}/owner/${at}`)
      let id: PaymentId
      // On a slow machine its last try may be over before the owner comes: then there is nothing to see, and another payment's turn.
      for (let tries = 1; ; tries++) {
        world.answers.push(...Array.from({ length: 10 }, () => 500))
        id = await world.accept('+46733123451')
        await world.ended(id)
        await asOwner(`UPDATE ngome.${change} = '${id}'`)
        await world.untilEvent(id, 'webhook.given_up')
        const alarms = await world.database.asAdmin('SELECT FROM ngome.events WHERE type = \'payment.mismatch\' AND data->>\'payment\' = $1', [id])
        if (alarms.length > 0 || tries === 10) break
      }
      await expectUntold(id)
      assert(!world.received.some(({ body }) => /order-43|50000\.00|succeeded|•498|"sequence":[^1-3]/.test(body.toString())))
      await removeEndpoint(endpointId)
    })
  }
  test('the tables\' owner changes the reference between the sending and the end: nothing is told', async () => {
    const { id: endpointId } = await world.merchant.addEndpoint(world.callbackSecret, `${world.webhookUrl}/owner`)
    const id = await world.accept('+46733123453')
    await world.untilEvent(id, 'payment.processing')
    await asOwner(`UPDATE ngome.payments SET reference = 'order-43' WHERE id = '${id}'`)
    assert.deepEqual(await world.ended(id), ['failed', 'payer_timed_out'])
    await expectUntold(id)
    assert.deepEqual(world.received, [])
    await removeEndpoint(endpointId)
  })
  test('the tables\' owner makes up a delivery, with another\'s proof: nothing is told', async () => {
    const { id: endpointId } = await world.merchant.addEndpoint(world.callbackSecret, `${world.webhookUrl}/owner`)
    const real = await world.accept('+46733230010')
    await world.untilEvent(real, 'webhook.delivered')
    const id = await world.accept('+46733123451')
    await world.untilEvent(id, 'webhook.delivered')
    world.received.length = 0
    const delivery = newId('webhookDelivery', base)
    const event = newId('event', base)
    await asOwner(`UPDATE ngome.payments SET status = 'succeeded', failure = NULL WHERE id = '${id}';
      INSERT INTO ngome.object_events (merchant, world, object, sequence, id, type, at, facts, position, proof)
      SELECT merchant, world, '${id}', 9, '${event}', type, at, facts, position, proof FROM ngome.object_events WHERE object = '${real}' AND sequence = 3;
      INSERT INTO ngome.webhook_deliveries (id, merchant, world, endpoint, payment, object, sequence, event, event_type, event_at, state, created_at)
      SELECT '${delivery}', merchant, world, endpoint, '${id}', '${id}', 9, '${event}', event_type, event_at, 'pending', now()
      FROM ngome.webhook_deliveries WHERE payment = '${real}' LIMIT 1`)
    const { tenant } = world.merchant
    await inTenant(dispatcher.db, tenant, (tx) => enqueue(tx, 'webhook-deliver', { ...tenant, delivery }))
    await expectUntold(id)
    assert.deepEqual(world.received, [])
    await removeEndpoint(endpointId)
  })
  test('an endpoint that is to be told encrypted waits without a key, is told of it once, and gets what its key opens', async () => {
    const pair = generateKeyPairSync('rsa', { modulusLength: 3_072 })
    const { id: endpointId, secret: text } = await world.merchant.addEndpoint(world.callbackSecret, `${world.webhookUrl}/encrypted`, 'required')
    const id = await world.accept('+46733230012')
    await world.ended(id)
    const told = (type: string): Promise<readonly unknown[]> => world.database.asAdmin(
      `SELECT severity, data->>'reason' AS reason FROM ngome.events WHERE type = '${type}' AND data->>'endpoint' = $1`, [endpointId])
    while ((await told('webhook_endpoint.held')).length === 0) await sleep(40)
    await sleep(300)
    assert.deepEqual(await told('webhook_endpoint.held'), [{ severity: 'warning', reason: 'encryption_key_missing' }])
    assert(!world.received.some(({ path }) => path === '/encrypted'), 'nothing is sent in its place')
    await world.addEncryptionKey(pair.publicKey)
    await world.untilEvent(id, 'webhook.delivered')
    const webhook = world.received.find(({ path }) => path === '/encrypted')
    assert(webhook !== undefined)
    assert.equal(webhook.headers['content-type'], 'application/jose')
    assert(!webhook.body.includes(id) && !webhook.body.includes(Buffer.from(id).toString('base64url').slice(2, -2)))
    const secret = parseWebhookSecret(text)
    assert(secret !== undefined && verifyWebhook([secret], webhook.headers as Record<string, string>, webhook.body, systemClock) !== undefined)
    const { plaintext } = await compactDecrypt(webhook.body.toString(), pair.privateKey)
    assert.equal(paymentSchema.parse((JSON.parse(Buffer.from(plaintext).toString()) as { data: unknown }).data).id, id)
    const shown = (): Promise<unknown> => world.database.asAdmin('SELECT held_because FROM ngome.webhook_endpoints WHERE id = $1', [endpointId])
    assert.deepEqual(await shown(), [{ held_because: null }])

    world.received.length = 0
    await asOwner(`UPDATE ngome.webhook_endpoints SET encryption = 'none' WHERE id = '${endpointId}'`)
    const other = await world.accept('+46733230013')
    await world.ended(other)
    while ((await told('webhook_endpoint.unproven')).length === 0) await sleep(40)
    assert.deepEqual(await told('webhook_endpoint.unproven'), [{ severity: 'alarm', reason: null }])
    assert(!world.received.some(({ path }) => path === '/encrypted'), 'who owns the table has nothing sent in clear')
    await removeEndpoint(endpointId)
    await world.untilEvent(other, 'webhook.given_up')
  })
  describe('while a secret takes over from another', () => {
    let rolled: Awaited<ReturnType<SealingMerchant['addEndpoint']>>
    let next: Secret<string>
    before(async () => {
      await removeEndpoint(endpoint.id)
      rolled = await world.merchant.addEndpoint(world.callbackSecret, `${world.webhookUrl}/rolled`)
      next = await world.merchant.replaceSecret(rolled.id, 2, systemClock.nowMs() + 3_600_000)
    })
    after(async () => {
      await removeEndpoint(rolled.id)
      endpoint = await world.merchant.addEndpoint(world.callbackSecret, `${world.webhookUrl}/hooks`)
    })

    /** Which of these secrets verify the webhook, and how many signatures it has. */
    const signedBy = ({ headers, body }: Received, secrets: readonly Secret<string>[]): unknown => {
      const verified = secrets.map((text) => {
        const secret = parseWebhookSecret(text)
        return secret !== undefined && verifyWebhook([secret], headers as Record<string, string>, body, systemClock) !== undefined
      })
      return [verified, String(headers['webhook-signature']).split(' ').length]
    }
    const delivered = async (): Promise<Received> => {
      await world.accept('+46733230011').then((id) => world.untilEvent(id, 'webhook.delivered'))
      const [webhook] = world.received
      assert(webhook !== undefined && world.received.length === 1)
      return webhook
    }

    test('both sign, the new one first', async () => {
      const webhook = await delivered()
      assert.deepEqual(signedBy(webhook, [next, rolled.secret]), [[true, true], 2])
      const first = { ...webhook, headers: { ...webhook.headers, 'webhook-signature': String(webhook.headers['webhook-signature']).split(' ')[0] } }
      assert.deepEqual(signedBy(first, [next, rolled.secret]), [[true, false], 1])
    })
    test('the tables\' owner gives the new version the old one\'s row: it does not open, and only the old one signs', async () => {
      const replaced = (sealed: string): Promise<unknown> =>
        asOwner(`UPDATE ngome.webhook_secrets SET sealed = ${sealed} WHERE endpoint = '${rolled.id}' AND version = 2`)
      const [row] = await world.database.asAdmin('SELECT encode(sealed, \'hex\') AS sealed FROM ngome.webhook_secrets WHERE endpoint = $1 AND version = 2', [rolled.id])
      await replaced(`(SELECT sealed FROM ngome.webhook_secrets WHERE endpoint = '${rolled.id}' AND version = 1)`)
      assert.deepEqual(signedBy(await delivered(), [next, rolled.secret]), [[false, true], 1])
      await replaced(`decode('${String(row?.['sealed'])}', 'hex')`)
    })
    test('past its end the old one signs no more, removed or not', async () => {
      const newest = await world.merchant.replaceSecret(rolled.id, 3, systemClock.nowMs())
      const rows = await world.database.asAdmin('SELECT version FROM ngome.webhook_secrets WHERE endpoint = $1 ORDER BY version', [rolled.id])
      assert.deepEqual(rows, [{ version: 2 }, { version: 3 }])
      assert.deepEqual(signedBy(await delivered(), [newest, next, rolled.secret]), [[true, false, false], 1])
    })
    test('the operator is reminded of an old one, once', async () => {
      const reminders = (): Promise<unknown> => world.database.asAdmin(
        'SELECT severity, data FROM ngome.events WHERE type = \'webhook_endpoint.secret_due\' AND data->>\'endpoint\' = $1', [rolled.id])
      const remind = (ageMs: number): Promise<void> => remindOfOldSecrets(dispatcher, ageMs, new AbortController().signal)
      await remind(3_600_000)
      assert.deepEqual(await reminders(), [])
      await remind(0)
      await remind(0)
      assert.deepEqual(await reminders(), [{ severity: 'notice', data: { endpoint: rolled.id, version: 3 } }])
    })
  })
  test('a hundred to endpoints that hang hold up no other merchant\'s', async () => {
    await world.stopWorkers()
    // They hang until they are let go: whoever waited for one of them would wait as long.
    const { webhooks } = dispatcher
    world.start({ ...dispatcher, webhooks: { ...webhooks, timeoutMs: 120_000 } })
    const slow = await SealingMerchant.create(world.database)
    world.others.push(slow)
    for (let at = 0; at < 10; at++) await slow.addEndpoint(world.callbackSecret, `${world.webhookUrl}/hang/${at}`)
    await Promise.all(Array.from({ length: 10 }, async (_, at) => world.ended(await slow.accept({ phone: `+4673323010${at}` }))))
    await world.merchant.addEndpoint(world.callbackSecret, `${world.webhookUrl}/hooks`)
    const id = await world.accept('+46733230009')
    await world.untilEvent(id, 'webhook.delivered')
    const states = await world.database.asAdmin(
      'SELECT state, count(*)::int AS n FROM ngome.webhook_deliveries WHERE merchant = $1 GROUP BY state', [slow.tenant.merchant])
    assert.deepEqual(states, [{ state: 'pending', n: 100 }])
    const stopped = world.stopWorkers()
    world.letGo()
    await stopped
  })
})
