import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { emit, type Event } from '@ngome/contracts'
import { newId, systemClock, systemRandom, type PaymentId } from '@ngome/kernel'
import { addTestMerchant, testAcceptance, testDatabase, type TestDatabase, type TestMerchant } from '@ngome/testkit'
import { sql, type Transaction } from 'kysely'
import type { Database } from '../database.ts'
import { loadDelivery } from '../dispatch/load-delivery.ts'
import { findObjectEvent, listObjectEvents } from '../events/list-object-events.ts'
import type { CallbackHint } from '../callbacks/load-payment-for-enquiry.ts'
import { postgresPayments, type PaymentStore } from '../payment-store.ts'
import type { Tables } from '../tables.ts'
import { inTenant, inTenantPrepared } from '../transaction.ts'
import { countFailedPayers } from '../usage/load-key-use.ts'
import { insertWebhookEndpoint } from '../webhooks/insert-webhook-endpoint.ts'
import type { NewPayment } from './accept-payment.ts'

const from = { clock: systemClock, random: systemRandom }
const emitting = { ...from, process: 'dispatcher' } as const
const dayMs = 86_400_000
const atMs = (): number => systemClock.nowMs()
const prove = (): Uint8Array => systemRandom.bytes(32)

type Node = { readonly 'Relation Name'?: string; readonly 'Actual Loops'?: number; readonly 'Subplans Removed'?: number; readonly Plans?: readonly Node[] }
/** What ran, inside of functions, triggers and references too, as the server tells of it. */
type Ran = { readonly text: string; readonly partsRead: readonly string[]; readonly isKept: boolean }

let database: TestDatabase
let merchant: TestMerchant
let gateway: Database
let dispatcher: Database
let accepting: PaymentStore
let dispatching: PaymentStore
const ran: Ran[] = []

before(async () => {
  database = await testDatabase()
  merchant = await addTestMerchant(database)
  await database.asAdmin('SELECT ngome.make_payment_partitions($1, $2)', [new Date(atMs() - 700 * dayMs), new Date(atMs() + 365 * dayMs)])
  const settings = {
    'session_preload_libraries': 'auto_explain', 'auto_explain.log_min_duration': '0', 'auto_explain.log_nested_statements': 'on', 'auto_explain.log_analyze': 'on',
    'auto_explain.log_timing': 'off', 'auto_explain.log_format': 'json', 'auto_explain.log_level': 'notice',
  }
  for (const role of ['ngome_gateway', 'ngome_dispatcher']) {
    for (const [name, value] of Object.entries(settings)) await database.asAdmin(`ALTER ROLE ${role} IN DATABASE ${database.name} SET ${name} = '${value}'`)
  }
  gateway = watched('ngome_gateway')
  dispatcher = watched('ngome_dispatcher')
  accepting = postgresPayments(gateway)
  dispatching = postgresPayments(dispatcher)
})
after(() => database.close())

function watched(role: 'ngome_gateway' | 'ngome_dispatcher'): Database {
  const db = database.open(role, { poolMax: 1 })
  db.pool.on('connect', (client) => client.on('notice', ({ message = '' }) => {
    const [, json] = message.split(/ plan:\n/, 2)
    if (json !== undefined) ran.push(ranOf(JSON.parse(json) as { 'Query Text': string; Plan: Node }))
  }))
  return db
}

function ranOf({ 'Query Text': text, Plan: plan }: { readonly 'Query Text': string; readonly Plan: Node }): Ran {
  const nodes = [plan]
  for (const node of nodes) nodes.push(...node.Plans ?? [])
  const parts = nodes.filter((node) => /^payments_(?:default|[a-z]{3}_\d{4})$/.test(node['Relation Name'] ?? ''))
  return {
    text, partsRead: [...new Set(parts.filter((node) => node['Actual Loops'] !== 0).map((node) => node['Relation Name'] as string))],
    // One that was made for these values alone has nothing to leave out.
    isKept: nodes.some((node) => (node['Subplans Removed'] ?? 0) > 0) || parts.some((node) => node['Actual Loops'] === 0),
  }
}

/** What ran of payments while something was done. */
async function watch(work: () => Promise<unknown>): Promise<readonly Ran[]> {
  ran.length = 0
  await work()
  return ran.filter(({ partsRead, isKept }) => partsRead.length > 0 || isKept)
}

const told = (type: 'payment.processing' | 'payment.succeeded' | 'payment.cancelled' | 'payment.accepted', payment: PaymentId): Event =>
  emit(emitting, type, merchant.tenant, { payment, status: 'processing' })

async function accept(changes: Partial<NewPayment> = {}, more: object = {}): Promise<PaymentId> {
  const acceptance = testAcceptance(merchant, more)
  const payment = { ...acceptance.payment, ...changes }
  assert.equal((await accepting.acceptPayment({ ...acceptance, payment })).kind, 'accepted')
  return payment.id
}

const party = { apiKey: newId('apiKey', from), keyLine: newId('apiKey', from), signingKey: newId('merchantSigningKey', from) }
const other = { apiKey: newId('apiKey', from), keyLine: newId('apiKey', from), signingKey: newId('merchantSigningKey', from) }
const payout = (status: 'accepted' | 'awaiting_approval'): Partial<NewPayment> => ({ id: newId('payout', from) as PaymentId, direction: 'payout', status, money: { amountMinor: 50n, currency: 'EUR' } })

/** The payment that goes the way, and the payout that waits for an approval. */
let payment: PaymentId
let waiting: PaymentId
let hint: CallbackHint | undefined
const held = () => ({ payment, fence: 1, atMs: atMs() })

/** Every call of a payment's way, in its order: a new one needs its row. */
const way: { readonly [K in keyof PaymentStore]: () => Promise<unknown> } = {
  insertDataKey: () => accepting.insertDataKey({ id: newId('dataKey', from), tenant: merchant.tenant, retention: 'payment', sealed: systemRandom.bytes(100), createdAtMs: atMs() }),
  acceptPayment: async () => payment = await accept(),
  findPayment: () => accepting.findPayment(merchant.tenant, payment),
  findPayments: () => accepting.findPayments(merchant.tenant, [payment]),
  findBalances: () => accepting.findBalances(merchant.tenant),
  findSigningKey: () => accepting.findSigningKey(merchant.tenant, party.signingKey),
  loadPaymentForDispatch: async () => assert.ok(await dispatching.loadPaymentForDispatch(merchant.tenant, payment)),
  loadPaymentsForDispatch: async () => assert.equal((await dispatching.loadPaymentsForDispatch(merchant.tenant, [payment, payment])).length, 2),
  claimAuthorization: () => dispatching.claimAuthorization(merchant.tenant, { payment, digest: systemRandom.bytes(32), spokenAtMs: atMs(), atMs: atMs() }),
  loadBatchOpening: () => dispatching.loadBatchOpening(merchant.tenant, newId('payoutBatch', from)),
  findBatchWord: () => dispatching.findBatchWord(merchant.tenant, newId('payoutBatch', from)),
  claimBatchWord: () => dispatching.claimBatchWord(merchant.tenant, {
    batch: newId('payoutBatch', from), reference: randomUUID(), currency: 'EUR', count: 1, totalMinor: 1n, signingKey: party.signingKey, atMs: atMs(),
  }),
  loadPayoutPart: () => dispatching.loadPayoutPart(merchant.tenant, newId('payoutBatchPart', from)),
  claimPartWord: () => dispatching.claimPartWord(merchant.tenant, {
    batch: newId('payoutBatch', from), number: 1, digest: systemRandom.bytes(32), count: 1, total: { amountMinor: 1n, currency: 'EUR' }, atMs: atMs(),
  }),
  findBatchApproval: () => dispatching.findBatchApproval(merchant.tenant, newId('payoutBatch', from)),
  findUndecidedBatches: () => dispatching.findUndecidedBatches({ olderThanMs: 0, limit: 10 }),
  expirePayoutBatch: () => assert.rejects(dispatching.expirePayoutBatch(merchant.tenant, { batch: newId('payoutBatch', from), atMs: atMs(), event: told('payment.processing', payment) })),
  prepareAttempt: () => dispatching.prepareAttempt(merchant.tenant, payment, { id: newId('attempt', from), reference: randomUUID(), factsProof: prove(), atMs: atMs() }),
  markAttemptSent: async () => assert.equal(await dispatching.markAttemptSent(merchant.tenant, held(), told('payment.processing', payment), prove), 'marked'),
  markNewAttemptSent: async () => {
    const made = { id: newId('attempt', from), reference: randomUUID(), factsProof: prove(), atMs: atMs() }
    const another = await accept()
    assert.equal(await dispatching.markNewAttemptSent(merchant.tenant, another, made, told('payment.processing', another), prove), 'marked')
  },
  markAttemptSentAgain: async () => assert.equal(await dispatching.markAttemptSentAgain(merchant.tenant, { payment, fence: 1, sendings: 1 }), 'marked'),
  markAttemptTaken: () => dispatching.markAttemptTaken(merchant.tenant, held()),
  noteNextAction: async () => assert.equal(await dispatching.noteNextAction(merchant.tenant, { ...held(), url: 'https://bank.example/' }, told('payment.processing', payment), prove), 'noted'),
  scheduleEnquiry: async () => assert.equal(await dispatching.scheduleEnquiry({ ...merchant.tenant, payment, turn: 0 }, 60_000), 'scheduled'),
  recordCallbackHint: async () => assert.equal(await accepting.recordCallbackHint(merchant.tenant, {
    id: newId('callbackHint', from), payment, dataKey: merchant.dataKey, sealed: systemRandom.bytes(100), receivedAtMs: atMs(),
  }, emit({ ...from, process: 'gateway' }, 'callback.received', merchant.tenant, { payment })), 'recorded'),
  loadPaymentForEnquiry: async () => [hint] = (await dispatching.loadPaymentForEnquiry(merchant.tenant, payment))?.hints ?? assert.fail(),
  judgeHint: () => dispatching.judgeHint(merchant.tenant, { id: hint?.id ?? assert.fail(), payment, atMs: atMs() }, () => told('payment.processing', payment)),
  markStanding: async () => assert.equal(await dispatching.markStanding(merchant.tenant, { ...held(), status: 'in_doubt' }, told('payment.processing', payment), prove), 'changed'),
  markAttemptStuck: () => dispatching.markAttemptStuck(merchant.tenant, { payment, atMs: atMs() }, told('payment.processing', payment)),
  recordOutcome: async () => assert.equal(await dispatching.recordOutcome(from, merchant.tenant, {
    payment, fence: 1, outcome: { status: 'succeeded', networkReference: 'net-1' }, event: told('payment.succeeded', payment), prove,
  }), 'recorded'),
  findPayoutApproval: async () => {
    waiting = await accept(payout('awaiting_approval'), { askedBy: party })
    assert.ok((await accepting.findPayoutApproval(merchant.tenant, waiting)).asked)
  },
  approvePayout: async () => {
    const answer = { ...other, decision: 'approved', proof: { base: 'b', signature: 's', body: '{}' } } as const
    assert.equal((await accepting.approvePayout(merchant.tenant, { payment: waiting, answer, atMs: atMs(), event: told('payment.accepted', waiting), prove })).kind, 'approved')
  },
  withdrawPayment: async () => {
    const withdrawal = { payment: waiting, to: { status: 'cancelled' }, atMs: atMs(), event: told('payment.cancelled', waiting), prove } as const
    assert.equal((await accepting.withdrawPayment(merchant.tenant, withdrawal)).kind, 'withdrawn')
  },
  recordReversal: async () => assert.equal(await dispatching.recordReversal(from, merchant.tenant, { payment, event: told('payment.succeeded', payment), prove, areRefundsReversals: false }), 'recorded'),
  repayDebts: () => dispatching.repayDebts(from, new AbortController().signal),
  findOpenPayments: () => dispatching.findOpenPayments({ olderThanMs: 0, limit: 10 }),
  findUnapprovedPayouts: () => dispatching.findUnapprovedPayouts({ olderThanMs: 0, limit: 10 }),
  tell: () => dispatching.tell(merchant.tenant, told('payment.processing', payment)),
  scheduleDispatch: () => dispatching.scheduleDispatch({ ...merchant.tenant, payment }, 60_000),
}

/** What looks for payments of all tenants by their state, among those that are open: a part that has none says so at once. */
const searching: ReadonlySet<string> = new Set(['findOpenPayments', 'findUnapprovedPayouts'])

function assertNarrow(runs: readonly Ran[]): void {
  for (const { text, partsRead, isKept } of runs) {
    assert.ok(partsRead.length <= 1, `${text} reads ${partsRead.join(', ')}`)
    assert.ok(isKept, `${text} is planned each time`)
  }
}

const statusOf = (tx: Transaction<Tables>) => tx.selectFrom('payments').select('status').where('merchant', '=', merchant.tenant.merchant).where('world', '=', merchant.tenant.world)

describe('plans of a payment\'s way', () => {
  for (const [name, call] of Object.entries(way)) {
    test(`${name} reads ${searching.has(name) ? 'what is open' : 'one partition at most, by plans that are kept'}`, async () => {
      const runs = await watch(call)
      if (!searching.has(name)) assertNarrow(runs)
    })
  }

  test('read one partition for what is told of it', async () => {
    const endpoint = newId('webhookEndpoint', from)
    const tenant = merchant.tenant
    await insertWebhookEndpoint(gateway, {
      tenant, endpoint: {
        id: endpoint, url: 'https://shop.example/hooks', encryption: 'none', eventTypes: null, termsProof: prove(), dataKey: merchant.dataKey,
        sealedSecret: systemRandom.bytes(200), createdAtMs: atMs(),
      },
      event: emit({ ...from, process: 'gateway' }, 'webhook_endpoint.created', tenant, { endpoint }),
      idempotency: testAcceptance(merchant).idempotency,
    })
    const withdrawn = await accept()
    await accepting.withdrawPayment(tenant, { payment: withdrawn, to: { status: 'cancelled' }, atMs: atMs(), event: told('payment.cancelled', withdrawn), prove })
    const [delivery] = await database.asAdmin('SELECT id, event FROM ngome.webhook_deliveries WHERE payment = $1', [withdrawn])
    const runs = await watch(async () => {
      assert.ok((await loadDelivery(dispatcher, tenant, delivery?.['id'] as never))?.told)
      assert.ok(await findObjectEvent(gateway, tenant, delivery?.['event'] as never))
      assert.ok((await listObjectEvents(gateway, tenant, { after: null, limit: 10, type: null, object: withdrawn })).length > 0)
    })
    assert.equal(runs.length, 3)
    assertNarrow(runs)
  })

  test('read of each direction what is since then for the payments of a key that failed lately, and count no older ones', async () => {
    const { tenant } = merchant
    const apiKey = newId('apiKey', from)
    const long = { clock: { nowMs: () => atMs() - 30 * dayMs }, random: systemRandom }
    const ids = [newId('payment', from), newId('payout', from), newId('payment', long), newId('payout', long), newId('refund', from)]
    // Past the triggers, as nobody could.
    await database.asAdmin(`SET session_replication_role = replica; INSERT INTO ngome.payments SELECT (jsonb_populate_record(p, jsonb_build_object(
      'id', i, 'api_key', '${apiKey}', 'status', 'failed', 'failure', 'payer_unknown', 'original', CASE left(i, 3) WHEN 'rfd' THEN p.id END,
      'direction', CASE left(i, 3) WHEN 'pyt' THEN 'payout' WHEN 'rfd' THEN 'refund' ELSE 'collection' END))).*
      FROM ngome.payments p, unnest('{${ids.join(',')}}'::text[]) i WHERE p.id = '${payment}'`)
    const sinceMs = atMs() - dayMs
    const runs = await watch(async () => assert.equal(await countFailedPayers(dispatcher, tenant, apiKey, sinceMs), 2))
    const [first, last] = [new Date(sinceMs).getUTCFullYear(), new Date().getUTCFullYear() + 1]
    const since = ['pay', 'pyt'].flatMap((prefix) => Array.from({ length: last - first + 1 }, (_, more) => `payments_${prefix}_${first + more}`))
    assert.deepEqual(runs.flatMap(({ partsRead }) => partsRead).filter((part) => part !== 'payments_default').toSorted(), since)
  })

  test('are seen where they read every partition, and where they are made each time', async () => {
    const wide = await watch(() => inTenantPrepared(dispatcher, merchant.tenant, (tx) => statusOf(tx).where('reference', '=', 'order-42').execute()))
    assert.throws(() => assertNarrow(wide), /reads payments_/)
    const replanned = await watch(() => inTenant(dispatcher, merchant.tenant, (tx) => statusOf(tx).where('id', '=', payment).execute()))
    assert.throws(() => assertNarrow(replanned), /is planned each time/)
  })
})

describe('a prepared statement', () => {
  const prepared = async (db: Database): Promise<readonly { statement: string; custom_plans: string }[]> =>
    (await db.pool.query<{ statement: string; custom_plans: string }>('SELECT statement, custom_plans FROM pg_prepared_statements WHERE name LIKE \'kept_%\'')).rows
      .filter(({ statement }) => !statement.includes('plan_cache_mode'))

  test('of a payment\'s way names its columns, and was planned once', async () => {
    for (const db of [gateway, dispatcher]) {
      const all = await prepared(db)
      assert.ok(all.length > 10)
      for (const { statement, custom_plans: plans } of all) {
        assert.doesNotMatch(statement, /select \*|\.\*|returning \*/i)
        assert.equal(Number(plans), 0, statement)
      }
    }
  })

  test('is one for each text, and texts without end are not kept', async () => {
    const before = (await prepared(dispatcher)).length
    const ask = (many: number): Promise<unknown> => inTenantPrepared(dispatcher, merchant.tenant, (tx) =>
      tx.selectFrom('attempts').select('id').where('payment', 'in', Array.from({ length: many }, () => payment)).execute())
    await ask(1)
    await ask(1)
    assert.equal((await prepared(dispatcher)).length, before + 1)
    for (let many = 2; many <= 220; many++) await ask(many)
    assert.equal((await prepared(dispatcher)).length, 199, 'and the one that enters the tenant')
  })

  test('that a migration outdated fails once, and its connection is not used again', async () => {
    const db = database.open('ngome_gateway', { poolMax: 1 })
    await database.asAdmin('CREATE TABLE ngome.outdated AS SELECT 1 AS a; GRANT SELECT ON ngome.outdated TO ngome_gateway')
    const ask = (): Promise<unknown> => inTenantPrepared(db, merchant.tenant, async (tx) => (await sql`SELECT * FROM ngome.outdated`.execute(tx)).rows)
    assert.deepEqual(await ask(), [{ a: 1 }])
    await database.asAdmin('ALTER TABLE ngome.outdated ADD COLUMN b integer')
    await assert.rejects(ask(), { code: '0A000' })
    assert.deepEqual(await ask(), [{ a: 1, b: null }])
  })
})
