import { emit, jobSchemas, type DeliveryState, type FailureCode, type PaymentDirection, type PaymentStatus } from '@ngome/contracts'
import { systemClock, systemRandom, type Clock, type Currency, type MerchantId, type PaymentId, type PayoutBatchId, type PayoutBatchPartId } from '@ngome/kernel'
import { addMerchant, checkLedger, insertSigningKey, insertWebhookEndpoint, postgresBatches, postgresEvents, postgresPayments, recheckPayment, type BatchStore, type Database, type EventStore, type PaymentStore } from '@ngome/store'
import type { TestDatabase } from '@ngome/testkit'
import { isAlarmType, isOpen, type Books, type FinalBatch, type FinalPayment } from '../books.ts'
import type { Job } from '../memory/memory-payments.ts'
import type { NewEndpoint } from '../memory/memory-webhooks.ts'
import type { SimulatedStore } from '../run-simulation.ts'

const from = { clock: systemClock, random: systemRandom, process: 'operator' } as const

/**
 * Payments of a run in PostgreSQL, as the processes' own roles reach them. Jobs are taken out of its queue as they are committed: when they
 * are run is the simulation's to say.
 */
export function simulatedPostgres(database: TestDatabase): SimulatedStore {
  const operator = database.open('ngome_operator', { poolMax: 1 })
  const [gatewayDb, dispatcherDb] = [database.open('ngome_gateway', { poolMax: 2 }), database.open('ngome_dispatcher', { poolMax: 2 })]
  const gateway = postgresPayments(gatewayDb)
  const now: { clock: Clock } = { clock: systemClock }
  const dispatcher = inTimeOf(postgresPayments(dispatcherDb), now)
  let onJob: (job: Job) => void = () => undefined
  const takeJobs = async (): Promise<void> => {
    for (const job of await takeCommitted(database)) onJob(job)
  }
  return {
    gateway: thenTaking(gateway, takeJobs), dispatcher: thenTaking(dispatcher, takeJobs), books: postgresBooks(database),
    events: { gateway: thenTaking(postgresEvents(gatewayDb), takeJobs), dispatcher: thenTaking(postgresEvents(dispatcherDb), takeJobs) },
    batches: { gateway: thenTaking(postgresBatches(gatewayDb), takeJobs), dispatcher: thenTaking(postgresBatches(dispatcherDb), takeJobs) },
    addEndpoint: (endpoint) => addPostgresEndpoint(gatewayDb, endpoint),
    recheck: async ({ id }) => {
      await recheckPayment(operator, id, (tenant) => emit(from, 'payment.recheck_asked', tenant, { payment: id }))
      await takeJobs()
    },
    onJob: (take) => { onJob = take },
    useClock: (clock) => { now.clock = clock },
    addMerchant: async (tenant, dataKey, keys) => {
      const { createdAtMs } = dataKey
      await addMerchant(operator, { id: tenant.merchant, name: 'Simulated', createdAtMs },
        emit(from, 'merchant.created', { merchant: tenant.merchant, world: null }, {}))
      await gateway.insertDataKey({ id: dataKey.id, tenant, retention: 'payment', sealed: dataKey.sealed, createdAtMs })
      for (const { key, proof } of keys) await insertSigningKey(operator, { ...key, proof, createdAtMs }, emit(from, 'merchant_key.added', tenant, { key: key.id }))
    },
  }
}

/** The database's own clock is the wall's: what it looks for by age is as much older as the run is ahead of it. */
function inTimeOf(store: PaymentStore, now: { readonly clock: Clock }): PaymentStore {
  const asOf = ({ olderThanMs, limit }: { readonly olderThanMs: number; readonly limit: number }) =>
    ({ olderThanMs: Math.round(olderThanMs - (now.clock.nowMs() - systemClock.nowMs())), limit })
  return {
    ...store,
    findUnapprovedPayouts: (search) => store.findUnapprovedPayouts(asOf(search)),
    findUndecidedBatches: (search) => store.findUndecidedBatches(asOf(search)),
  }
}

/** Each call of the store, and then the jobs that it committed. */
function thenTaking<S extends PaymentStore | EventStore | BatchStore>(store: S, takeJobs: () => Promise<void>): S {
  const calls = Object.entries(store).map(([name, call]) => [name, async (...args: unknown[]): Promise<unknown> => {
    const answer = await (call as (...given: unknown[]) => Promise<unknown>)(...args)
    if (addsJobs.has(name)) await takeJobs()
    return answer
  }])
  return Object.fromEntries(calls) as S
}

/** Each change of a payment is told to its merchant's endpoint. */
const addsJobs: ReadonlySet<string> = new Set([
  'acceptPayment', 'approvePayout', 'withdrawPayment', 'recordCallbackHint', 'scheduleDispatch', 'scheduleEnquiry', 'markAttemptSent', 'markNewAttemptSent', 'markStanding', 'recordOutcome',
  'recordReversal', 'recordDeliveryResult', 'replayDeliveries', 'acceptPayoutPart', 'cancelBatchRows', 'decidePayoutBatch', 'expirePayoutBatch', 'changeWaitingRows', 'schedulePart',
] satisfies (keyof (PaymentStore & EventStore & BatchStore))[])

/** As a gateway that has sealed its secret adds it. */
export async function addPostgresEndpoint(gateway: Database, { id, tenant, url, eventTypes, termsProof, secret: { sealed, dataKey }, createdAtMs }: NewEndpoint): Promise<void> {
  await insertWebhookEndpoint(gateway, {
    tenant, endpoint: { id, url, encryption: 'none', eventTypes, termsProof, dataKey: dataKey.id, sealedSecret: sealed, createdAtMs },
    event: emit({ ...from, process: 'gateway' }, 'webhook_endpoint.created', tenant, { endpoint: id }),
    idempotency: { keyHash: from.random.bytes(32), fingerprint: from.random.bytes(32), answer: { status: 201, body: '{}' } },
  })
}

/** Takes the jobs that were committed out of the queue. */
export async function takeCommitted(database: TestDatabase): Promise<readonly Job[]> {
  const rows = await database.asAdmin(`WITH taken AS (
      DELETE FROM pgboss.job WHERE name IN ('payment-dispatch', 'payment-enquire', 'payout-part', 'webhook-deliver') AND state = 'created' RETURNING name, data, start_after, created_on
    ) SELECT name, data, (extract(epoch FROM start_after - created_on) * 1000)::float8 AS after FROM taken ORDER BY data->>'payment', name, data->>'part', data->>'delivery', after`)
  return rows.map(({ name, data, after }): Job => {
    const startAfterMs = Math.max(0, Math.round(Number(after)))
    if (name === 'payment-dispatch') return { queue: name, data: jobSchemas[name].parse(data), startAfterMs }
    if (name === 'payout-part') return { queue: name, data: jobSchemas[name].parse(data), startAfterMs }
    if (name === 'webhook-deliver') return { queue: name, data: jobSchemas[name].parse(data), startAfterMs }
    return { queue: 'payment-enquire', data: jobSchemas['payment-enquire'].parse(data), startAfterMs }
  })
}

function postgresBooks(database: TestDatabase): Books {
  const payments = async (): Promise<readonly FinalPayment[]> => {
    const rows = await database.asAdmin(`SELECT p.id, p.merchant, p.direction, p.status, p.currency, p.failure, p.amount_minor, p.original, a.reference, a.stuck_at IS NOT NULL AS is_stuck,
        (SELECT json_agg(json_build_object('sequence', e.sequence, 'status', e.facts->>'status') ORDER BY e.sequence)
          FROM ngome.object_events e WHERE e.merchant = p.merchant AND e.world = p.world AND e.object = p.id) AS told
      FROM ngome.payments p LEFT JOIN ngome.attempts a ON a.merchant = p.merchant AND a.world = p.world AND a.payment = p.id ORDER BY p.id`)
    return rows.map((row) => ({
      id: row['id'] as PaymentId, merchant: row['merchant'] as MerchantId, direction: row['direction'] as PaymentDirection, status: row['status'] as PaymentStatus,
      failure: row['failure'] as FailureCode | null, money: { amountMinor: BigInt(row['amount_minor'] as string), currency: row['currency'] as Currency }, reference: row['reference'] as string | null, original: row['original'] as PaymentId | null, isStuck: row['is_stuck'] === true,
      told: row['told'] as FinalPayment['told'],
    }))
  }
  const unrepaid = async (): Promise<readonly string[]> =>
    (await database.asAdmin(`SELECT account FROM ngome.find_repayable('', 1000)`)).map(({ account }) => `${account as string} is owed, and its merchant has something`)
  return {
    openPayments: async () => (await payments()).filter(({ status, isStuck }) => isOpen(status) && !(isStuck && status === 'in_doubt')).length,
    payments,
    batches: () => postgresFinalBatches(database),
    deliveries: async () => (await database.asAdmin('SELECT object, sequence, state, replays FROM ngome.webhook_deliveries ORDER BY object, sequence')).map((row) => (
      { payment: row['object'] as string, sequence: Number(row['sequence']), state: row['state'] as DeliveryState, isReplayed: Number(row['replays']) > 0 })),
    ledgerProblems: async () => {
      const { wrong, misheld } = await checkLedger(database.open('ngome_auditor', { poolMax: 1 }))
      return [...[...wrong, ...misheld].map((id) => `the ledger of ${id} does not add up`), ...await unrepaid()]
    },
    unrepaid,
    alarms: async () => (await database.asAdmin('SELECT type FROM ngome.events')).map(({ type }) => type as string).filter(isAlarmType),
  }
}

async function postgresFinalBatches(database: TestDatabase): Promise<readonly FinalBatch[]> {
  const rows = await database.asAdmin(`SELECT b.id, b.merchant, b.reference, b.currency, b.declared_count, b.declared_minor::text, b.accepted_count, b.accepted_minor::text,
      coalesce((SELECT json_agg(json_build_object('part', r.part, 'payment', r.payment, 'reference', r.reference) ORDER BY r.payment)
        FROM ngome.payout_batch_rows r WHERE r.merchant = b.merchant AND r.world = b.world AND r.batch = b.id), '[]') AS rows
    FROM ngome.payout_batches b ORDER BY b.id`)
  return rows.map((row) => ({
    id: row['id'] as PayoutBatchId, merchant: row['merchant'] as MerchantId, reference: row['reference'] as string, currency: row['currency'] as Currency,
    declared: { count: Number(row['declared_count']), minor: BigInt(row['declared_minor'] as string) }, accepted: { count: Number(row['accepted_count']), minor: BigInt(row['accepted_minor'] as string) },
    rows: row['rows'] as readonly { readonly part: PayoutBatchPartId; readonly payment: PaymentId; readonly reference: string }[],
  }))
}
