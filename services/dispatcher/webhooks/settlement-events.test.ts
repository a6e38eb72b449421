import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, before, beforeEach, describe, test } from 'node:test'
import { emit, type ObjectEventView } from '@ngome/contracts'
import { newId, Secret, systemClock, systemRandom, type EventId, type ProcessRole, type SettlementId, type WebhookDeliveryId } from '@ngome/kernel'
import { eventBody, eventSubject, isProvenEvent, proveEvent } from '@ngome/payments'
import { createLogger, giveWord, isWordOf } from '@ngome/runtime'
import { newWebhookSecret, proveWebhookTerms } from '@ngome/signatures'
import { closeLedgerDays, endSettlement, insertWebhookEndpoint, listObjectEvents, postgresEvents, settleDay, type Database, type Vouch } from '@ngome/store'
import { ageLedger, Purse, testAcceptance, TestAuthority, testDatabase, type IssueOptions, type TestDatabase } from '@ngome/testkit'
import type { WebhookDispatcher } from '../dispatcher.ts'
import { deliverWebhook } from './deliver-webhook.ts'

const from = { clock: systemClock, random: systemRandom }
const secret = new Secret(systemRandom.bytes(32))
const webhookSecret = newWebhookSecret(systemRandom)
const url = 'https://shop.example/hooks'
const signal = new AbortController().signal

let database: TestDatabase
let gateway: Database
let dispatcher: Database
let operator: Database
let authority: TestAuthority
/** With money of a closed day; each test takes one. */
const purses: Purse[] = []
let purse: Purse
let telling: WebhookDispatcher
const sent: Buffer[] = []
before(async () => {
  database = await testDatabase()
  authority = await TestAuthority.create()
  await ageLedger(database, 3)
  gateway = database.open('ngome_gateway', { poolMax: 2 })
  dispatcher = database.open('ngome_dispatcher', { poolMax: 4 })
  operator = database.open('ngome_operator', { poolMax: 2 })
  for (let at = 0; at < 20; at++) {
    purse = await Purse.open(database, gateway, dispatcher)
    await purse.move(500n)
    purses.push(purse)
  }
  await closeLedgerDays({ db: dispatcher, ...from }, 'UTC')
  telling = {
    ...from, events: postgresEvents(dispatcher), logger: createLogger({ process: 'dispatcher', level: 'fatal' }),
    openSealed: async () => ({ kind: 'opened', plaintext: webhookSecret.expose((text) => Buffer.from(text)) }),
    statementKey: generateKeyPairSync('ed25519').publicKey, merchantKeyState: async () => 'stands',
    isOperatorsWord: (subject, word, atMs) => isWordOf('operator', word, subject, { authority: authority.pem, atMs }),
    callbacks: { baseUrl: 'https://pay.example', secret },
    webhooks: { attemptsMax: 3, firstRetryMs: 20, retryMaxMs: 40, retryForMs: 60_000, timeoutMs: 500, warnAfterMs: 3_600_000, disableAfterMs: 7_200_000, disableAfterTries: 1_000 },
    egress: {
      toWebhook: async (_, { body }) => {
        sent.push(Buffer.from(body ?? ''))
        return { kind: 'answered', status: 204, retryAfter: undefined } as never
      },
    },
  }
})
after(() => database.close())

beforeEach(async () => {
  sent.length = 0
  purse = purses.pop() ?? assert.fail('more tests than purses')
  const { tenant, dataKey } = purse.merchant
  const eventTypes = ['settlement.created', 'settlement.paid', 'settlement.failed'] as const
  const terms = { id: newId('webhookEndpoint', from), url, encryption: 'none', eventTypes } as const
  await insertWebhookEndpoint(gateway, {
    tenant, idempotency: testAcceptance(purse.merchant).idempotency,
    endpoint: { ...terms, termsProof: proveWebhookTerms(secret, { ...terms, tenant }), dataKey, sealedSecret: systemRandom.bytes(200), createdAtMs: from.clock.nowMs() },
    event: emit({ ...from, process: 'gateway' }, 'webhook_endpoint.created', tenant, { endpoint: terms.id }),
  })
})

async function speaker(by = authority, role: ProcessRole = 'operator', options: IssueOptions = {}): Promise<Vouch> {
  const { key, cert } = await by.issueWithKey(role, options)
  const identity = { secureContext: () => ({ key, cert, ca: by.pem, minVersion: 'TLSv1.3' } as const) }
  return (event) => ({ kind: 'word', word: giveWord(identity, eventSubject(event)) })
}
const proving: Vouch = (event) => ({ kind: 'proof', proof: proveEvent(secret, event) })
const nobody: Vouch = () => null

async function settle(vouch: Vouch): Promise<SettlementId> {
  const settled = await settleDay(operator, { ...from, process: 'operator' }, purse.merchant.tenant, { currency: 'EUR', minimumMinor: 0n }, vouch)
  assert.ok(settled.kind === 'settled', settled.kind)
  return settled.settlement
}
const pay = (id: SettlementId, vouch: Vouch) => endSettlement(operator, from, purse.merchant.tenant, id, { state: 'paid', bankReference: 'FT-1' }, vouch)
const settleProven = () => settleDay(dispatcher, { ...from, process: 'dispatcher' }, purse.merchant.tenant, { currency: 'EUR', minimumMinor: 0n }, proving)

/** Works off what waits, as the jobs do. */
async function deliver(): Promise<readonly string[]> {
  const rows = await database.asAdmin('SELECT id FROM ngome.webhook_deliveries WHERE merchant = $1 AND state = \'pending\' ORDER BY object, sequence', [purse.merchant.tenant.merchant])
  for (const { id } of rows) await deliverWebhook(telling, { ...purse.merchant.tenant, delivery: id as WebhookDeliveryId, endpoint: '' as never }, signal)
  return sent.map((body) => (JSON.parse(body.toString()) as ObjectEventView).type)
}
const listed = () => listObjectEvents(gateway, purse.merchant.tenant, { after: null, limit: 100, type: null, object: null })
const ofSettlements = async () => (await listed()).map(({ event }) => event).filter(({ kind }) => kind === 'settlement')
const alarms = async () => (await database.asAdmin('SELECT data FROM ngome.events WHERE merchant = $1 AND type = \'settlement.unproven\'', [purse.merchant.tenant.merchant])).length
const asOwner = (sql: string) => database.asAdmin(`SET session_replication_role = replica; ${sql}; RESET session_replication_role`)

describe('a change of a settlement', () => {
  test('is told by webhook and by list, in its order and to the byte, where the operator\u2019s commands made it', async () => {
    const speak = await speaker()
    const id = await settle(speak)
    await pay(id, speak)
    assert.deepEqual(await deliver(), ['settlement.created', 'settlement.paid'])
    const events = await ofSettlements()
    assert.deepEqual(events.map(({ type, sequence }) => `${type} ${sequence}`), ['settlement.created 1', 'settlement.paid 2'])
    assert.deepEqual(sent, events.map((event) => Buffer.from(eventBody(event))))
    const { data } = JSON.parse(sent[1]?.toString() ?? '') as { data: object }
    const { day, created_at: createdAt, updated_at: updatedAt, ...rest } = data as Record<string, unknown>
    assert.deepEqual(rest, { id, object: 'settlement', world: 'test', status: 'paid', amount: '5.00', currency: 'EUR', bank_reference: 'FT-1', failure: null })
    assert.ok([day, createdAt, updatedAt].every((one) => typeof one === 'string'))
    assert.equal(await alarms(), 0)
  })

  test('is told where the dispatcher made it by the schedule, proven in the transaction of the change', async () => {
    const settled = await settleProven()
    assert.ok(settled.kind === 'settled')
    const [row] = await database.asAdmin('SELECT proof FROM ngome.object_events WHERE object = $1', [settled.settlement])
    const [event] = await ofSettlements()
    assert.ok(event !== undefined && isProvenEvent(secret, event, row?.['proof'] as Uint8Array))
    assert.deepEqual(await deliver(), ['settlement.created'])
  })

  test('that the bank did not pay says why', async () => {
    const speak = await speaker()
    const id = await settle(speak)
    await endSettlement(operator, from, purse.merchant.tenant, id, { state: 'failed', failure: 'account closed' }, speak)
    assert.deepEqual(await deliver(), ['settlement.created', 'settlement.failed'])
    assert.match(sent[1]?.toString() ?? '', /"status":"failed".*"failure":"account closed"/)
  })

  test('is told as it was said where the dispatcher was killed between proof and webhook', async () => {
    const id = await settle(await speaker())
    const { egress, events } = telling
    const killed = { ...telling, egress: { toWebhook: () => Promise.reject(new Error('kill -9')) } }
    const [row] = await database.asAdmin('SELECT id FROM ngome.webhook_deliveries WHERE object = $1', [id])
    await assert.rejects(deliverWebhook(killed, { ...purse.merchant.tenant, delivery: row?.['id'] as WebhookDeliveryId, endpoint: '' as never }, signal), /kill -9/)
    const proofs = async () => (await database.asAdmin('SELECT proof FROM ngome.object_events WHERE object = $1', [id]))[0]?.['proof']
    const proof = await proofs()
    assert.ok(proof !== null)
    assert.deepEqual(await deliverWith({ ...telling, egress, events }), ['settlement.created'])
    assert.deepEqual(await proofs(), proof)
  })

  test('is not made where its word cannot be given, and its word is not there without it', async () => {
    await assert.rejects(settle(() => { throw new Error('kill -9') }), /kill -9/)
    assert.deepEqual(await ofSettlements(), [])
    assert.deepEqual(await database.asAdmin('SELECT 1 FROM ngome.event_words WHERE merchant = $1', [purse.merchant.tenant.merchant]), [])
    const id = await settle(await speaker())
    await assert.rejects(pay(id, () => { throw new Error('kill -9') }), /kill -9/)
    assert.deepEqual((await ofSettlements()).map(({ type }) => type), ['settlement.created'])
  })

  test('is proven once of many jobs that prove it', async () => {
    const id = await settle(await speaker())
    const [row] = await database.asAdmin('SELECT id FROM ngome.webhook_deliveries WHERE object = $1', [id])
    await Promise.all(Array.from({ length: 6 }, () => deliverWebhook(telling, { ...purse.merchant.tenant, delivery: row?.['id'] as WebhookDeliveryId, endpoint: '' as never }, signal)))
    assert.ok(sent.length >= 1 && sent.every((body) => body.equals(sent[0] ?? Buffer.of())))
    assert.equal(await alarms(), 0)
  })
})

async function deliverWith(other: WebhookDispatcher): Promise<readonly string[]> {
  const own = telling
  telling = other
  try {
    return await deliver()
  } finally {
    telling = own
  }
}

describe('who writes the database', () => {
  /** Each leaves an event that says that the bank paid. */
  const attacks: readonly (readonly [string, (id: SettlementId) => Promise<unknown>])[] = [
    ['ends a settlement as the operator, without the word of its command', (id) => pay(id, nobody)],
    ['ends it with the word of a stolen gateway', async (id) => pay(id, await speaker(authority, 'gateway'))],
    ['ends it with the word of a dispatcher\u2019s certificate', async (id) => pay(id, await speaker(authority, 'dispatcher'))],
    ['ends it with the word of an authority of its own', async (id) => pay(id, await speaker(await TestAuthority.create()))],
    ['ends it with an operator\u2019s certificate that was over by then', async (id) => pay(id, await speaker(authority, 'operator',
      { notBefore: new Date(Date.now() - 7_200_000), notAfter: new Date(Date.now() - 3_600_000) }))],
    ['says another reference than the operator did', async (id) => {
      await pay(id, await speaker())
      await asOwner(`UPDATE ngome.object_events SET facts = facts || '{"bank_reference":"FT-666"}' WHERE object = '${id}' AND sequence = 2`)
    }],
    ['says another amount', async (id) => {
      await pay(id, await speaker())
      await asOwner(`UPDATE ngome.object_events SET facts = facts || '{"amount_minor":"50000"}' WHERE object = '${id}' AND sequence = 2`)
    }],
    ['says no amount at all', async (id) => {
      await pay(id, await speaker())
      await asOwner(`UPDATE ngome.object_events SET facts = facts || '{"amount_minor":"much"}' WHERE object = '${id}' AND sequence = 2`)
    }],
    ['makes failed what the operator paid of another', async (id) => {
      await pay(id, nobody)
      await asOwner(`INSERT INTO ngome.event_words SELECT e.merchant, e.world, e.id, w.certificate, w.signature FROM ngome.object_events e, ngome.event_words w
        JOIN ngome.object_events f ON f.id = w.event WHERE e.object = '${id}' AND e.sequence = 2 AND f.object = '${id}' AND f.sequence = 1`)
    }],
    ['makes up an event of its own', async (id) => asOwner(`INSERT INTO ngome.object_events (merchant, world, object, sequence, id, type, at, facts, position)
      SELECT merchant, world, object, 2, ngome.id_of('evt', at, 'x'), 'settlement.paid', at, facts || '{"status":"paid","bank_reference":"FT-1"}', position
      FROM ngome.object_events WHERE object = '${id}';
      SELECT ngome.make_deliveries(e, true) FROM ngome.object_events e WHERE object = '${id}' AND sequence = 2`)],
  ]
  for (const [what, attack] of attacks) {
    test(`has no webhook told, and raises an alarm, where it ${what}`, async () => {
      const id = await settle(await speaker())
      await attack(id)
      assert.deepEqual(await deliver(), ['settlement.created'])
      assert.equal(await alarms(), 1)
      const given = await database.asAdmin('SELECT state, reason FROM ngome.webhook_deliveries WHERE object = $1 ORDER BY sequence', [id])
      assert.deepEqual(given.map(({ state, reason }) => [state, reason]), [['delivered', 'accepted'], ['given_up', 'withheld']])
    })
  }

  test('cannot have one told as failed that it changed back after it was paid', async () => {
    const speak = await speaker()
    const id = await settle(speak)
    await pay(id, speak)
    await asOwner(`UPDATE ngome.settlements SET state = 'created', bank_reference = NULL WHERE id = '${id}'`)
    await asOwner(`DELETE FROM ngome.transfers WHERE settlement = '${id}' AND kind = 'settlement_paid'`)
    await endSettlement(operator, from, purse.merchant.tenant, id, { state: 'failed', failure: 'account closed' }, nobody)
    assert.deepEqual(await deliver(), ['settlement.created', 'settlement.paid'])
    assert.equal(await alarms(), 1)
  })

  test('as any process of ours inserts no event, changes no word, and speaks for nobody else', async () => {
    const id = await settle(await speaker())
    const [event] = await database.asAdmin('SELECT event FROM ngome.event_words WHERE merchant = $1', [purse.merchant.tenant.merchant])
    for (const db of [gateway, dispatcher, operator]) {
      for (const sql of [
        `UPDATE ngome.event_words SET certificate = 'x'`, 'DELETE FROM ngome.event_words', `UPDATE ngome.settlements SET state = 'paid' WHERE id = '${id}'`,
        `INSERT INTO ngome.object_events (merchant, world, object, sequence, id, type, at, facts, position) SELECT merchant, world, object, 9, id, type, at, facts, '1' FROM ngome.object_events`,
      ]) await assert.rejects(db.pool.query(sql), { code: '42501' }, sql)
    }
    const row = [purse.merchant.tenant.merchant, event?.['event'] as EventId, 'c', systemRandom.bytes(64)]
    for (const db of [gateway, dispatcher, operator]) {
      await assert.rejects(db.pool.query('INSERT INTO ngome.event_words VALUES ($1, \'test\', $2, $3, $4)', row), { code: '42501' })
    }
  })
})
