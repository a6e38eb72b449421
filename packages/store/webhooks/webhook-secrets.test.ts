import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { emit } from '@ngome/contracts'
import { newId, systemClock, systemRandom, type WebhookEndpointId } from '@ngome/kernel'
import { addTestMerchant, testAcceptance, testDatabase, type TestDatabase, type TestMerchant } from '@ngome/testkit'
import type { Database } from '../database.ts'
import { keepHouse } from '../housekeeping.ts'
import type { IdempotentOutcome } from '../payments/idempotency.ts'
import { deleteWebhookEndpoint } from './delete-webhook-endpoint.ts'
import { findOldWebhookSecrets } from './find-old-webhook-secrets.ts'
import { findWebhookEndpoint } from './find-webhook-endpoint.ts'
import { insertWebhookEndpoint } from './insert-webhook-endpoint.ts'
import { recordSecretReminder } from './record-secret-reminder.ts'
import { replaceWebhookSecret } from './replace-webhook-secret.ts'

const from = { clock: systemClock, random: systemRandom }
const gatewayEvents = { ...from, process: 'gateway' } as const
const hourMs = 3_600_000

let database: TestDatabase
let gateway: Database
let dispatcher: Database
let merchant: TestMerchant
before(async () => {
  database = await testDatabase()
  gateway = database.open('ngome_gateway')
  dispatcher = database.open('ngome_dispatcher')
  merchant = await addTestMerchant(database)
})
after(() => database.close())

async function addEndpoint(): Promise<WebhookEndpointId> {
  const id = newId('webhookEndpoint', from)
  await insertWebhookEndpoint(gateway, {
    tenant: merchant.tenant,
    endpoint: {
      id, url: 'https://shop.example/hooks', encryption: 'none', eventTypes: null, termsProof: systemRandom.bytes(32), dataKey: merchant.dataKey,
      sealedSecret: systemRandom.bytes(200), createdAtMs: from.clock.nowMs(),
    },
    event: emit(gatewayEvents, 'webhook_endpoint.created', merchant.tenant, { endpoint: id }),
    idempotency: testAcceptance(merchant).idempotency,
  })
  return id
}

const removeEndpoint = (id: WebhookEndpointId): Promise<unknown> => deleteWebhookEndpoint(gateway, merchant.tenant, id,
  emit(gatewayEvents, 'webhook_endpoint.deleted', merchant.tenant, { endpoint: id }))

function replace(endpoint: WebhookEndpointId, version: number, previousEndsAtMs: number | null): Promise<IdempotentOutcome> {
  const nowMs = from.clock.nowMs()
  return replaceWebhookSecret(gateway, {
    tenant: merchant.tenant,
    secret: { endpoint, version, dataKey: merchant.dataKey, sealed: systemRandom.bytes(200), createdAtMs: nowMs },
    previousEndsAtMs,
    event: emit(gatewayEvents, 'webhook_endpoint.secret_rolled', merchant.tenant, {
      endpoint, version, previous_ends_at: new Date(previousEndsAtMs ?? nowMs).toISOString(),
    }),
    idempotency: testAcceptance(merchant).idempotency,
  })
}

/** Versions on record, an end as whether it lies ahead. */
const versionsOf = async (endpoint: WebhookEndpointId): Promise<unknown> => (await database.asAdmin(
  'SELECT version, ends_at > now() AS signs FROM ngome.webhook_secrets WHERE endpoint = $1 ORDER BY version', [endpoint]))
  .map(({ version, signs }) => [version, signs])

const soon = (): number => from.clock.nowMs() + hourMs
const over = (): number => from.clock.nowMs() - 1

describe('the secrets of a webhook endpoint', () => {
  test('one takes over from another, which signs on until its end and is removed after it', async () => {
    const endpoint = await addEndpoint()
    assert.deepEqual(await versionsOf(endpoint), [[1, null]])
    const endsAtMs = soon()
    assert.equal((await replace(endpoint, 2, endsAtMs)).kind, 'accepted')
    assert.deepEqual(await versionsOf(endpoint), [[1, true], [2, null]])
    const row = await findWebhookEndpoint(gateway, merchant.tenant, endpoint)
    assert.deepEqual([row?.secret.version, row?.secret.previousEndsAtMs], [2, endsAtMs])
    await keepHouse(dispatcher, { requestLogDays: 30, minuteDays: 7, hourDays: 400 })
    assert.deepEqual(await versionsOf(endpoint), [[1, true], [2, null]], 'what signs is kept')
    await replace(endpoint, 3, over())
    assert.deepEqual(await versionsOf(endpoint), [[2, false], [3, null]], 'never more than two')
    await keepHouse(dispatcher, { requestLogDays: 30, minuteDays: 7, hourDays: 400 })
    assert.deepEqual(await versionsOf(endpoint), [[3, null]])
    assert.equal((await findWebhookEndpoint(gateway, merchant.tenant, endpoint))?.secret.previousEndsAtMs, null)
    await removeEndpoint(endpoint)
    assert.deepEqual(await versionsOf(endpoint), [], 'and they go with their endpoint')
  })

  test('without an end all before it are gone at once', async () => {
    const endpoint = await addEndpoint()
    await replace(endpoint, 2, soon())
    await replace(endpoint, 3, null)
    assert.deepEqual(await versionsOf(endpoint), [[3, null]])
    await removeEndpoint(endpoint)
  })

  for (const [how, endOf] of [['with an overlap', soon], ['at once', (): null => null]] as const) {
    test(`of ten who replace it at the same time ${how}, one does, and the others changed nothing`, async () => {
      const endpoint = await addEndpoint()
      const all = await Promise.allSettled(Array.from({ length: 10 }, () => replace(endpoint, 2, endOf())))
      assert.equal(all.filter((one) => one.status === 'fulfilled').length, 1)
      for (const one of all) if (one.status === 'rejected') assert.equal((one.reason as { code: string }).code, 'webhooks/secret_rolling')
      const events = await database.asAdmin(`SELECT count(*)::int AS n FROM ngome.events
        WHERE type = 'webhook_endpoint.secret_rolled' AND data->>'endpoint' = $1`, [endpoint])
      assert.deepEqual(events, [{ n: 1 }])
      await assert.rejects(replace(endpoint, 2, null), { code: 'webhooks/secret_rolling' }, 'a version is given once')
      await removeEndpoint(endpoint)
    })
  }

  test('of an endpoint that was deleted meanwhile, or never was, there is none', async () => {
    const endpoint = await addEndpoint()
    await removeEndpoint(endpoint)
    await assert.rejects(replace(endpoint, 2, soon()), { code: 'webhooks/endpoint_unknown' })
    assert.equal(await findWebhookEndpoint(gateway, merchant.tenant, endpoint), undefined)
  })

  test('another merchant finds nothing of it', async () => {
    const endpoint = await addEndpoint()
    const other = await addTestMerchant(database)
    assert.equal(await findWebhookEndpoint(gateway, other.tenant, endpoint), undefined)
    await removeEndpoint(endpoint)
  })

  test('no process changes one, or puts its end off', async () => {
    const endpoint = await addEndpoint()
    await replace(endpoint, 2, soon())
    for (const sql of [
      `sealed = '\\x${'00'.repeat(64)}'`, 'version = 7', `ends_at = ends_at + interval '1 day'`, 'ends_at = NULL',
    ]) {
      await assert.rejects(database.asAdmin(`UPDATE ngome.webhook_secrets SET ${sql} WHERE endpoint = $1 AND version = 1`, [endpoint]),
        { code: 'NG002' }, sql)
    }
    await assert.rejects(gateway.pool.query('SELECT sealed FROM ngome.webhook_secrets'), { code: '42501' })
    await assert.rejects(dispatcher.pool.query('UPDATE ngome.webhook_secrets SET ends_at = NULL'), { code: '42501' })
    await removeEndpoint(endpoint)
  })

  test('one that is old is told of once, and its successor when it is old itself', async () => {
    const endpoint = await addEndpoint()
    const due = async () => (await findOldWebhookSecrets(dispatcher, from.clock.nowMs(), 10)).filter((one) => one.endpoint === endpoint)
    assert.deepEqual(await findOldWebhookSecrets(dispatcher, from.clock.nowMs() - hourMs, 10), [])
    const [place] = await due()
    assert(place?.version === 1)
    const remind = () => recordSecretReminder(dispatcher, place,
      emit({ ...from, process: 'dispatcher' }, 'webhook_endpoint.secret_due', place.tenant, { endpoint, version: 1 }), from.clock.nowMs())
    assert.deepEqual([await remind(), await remind()], ['recorded', 'superseded'])
    assert.deepEqual(await due(), [])
    await replace(endpoint, 2, soon())
    assert.deepEqual((await due()).map(({ version }) => version), [2])
    await removeEndpoint(endpoint)
  })
})
