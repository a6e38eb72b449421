import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, beforeEach, describe, test } from 'node:test'
import { differenceKinds, differenceSteps, emit } from '@ngome/contracts'
import { newId, systemClock, systemRandom, type PaymentId } from '@ngome/kernel'
import type { ReportRow } from '@ngome/payments'
import { Purse, testDatabase, type TestDatabase } from '@ngome/testkit'
import type { Database } from '../database.ts'
import { enqueueStatement } from '../jobs/enqueue.ts'
import { checkLedger } from '../ledger-check.ts'
import type { NewAdjustment } from '../ledger/make-adjustment.ts'
import { listDifferences, readDifferenceTrail, takeDifferenceStep, type Difference } from './differences.ts'
import { addReportRows, adoptReportRows, beginNetworkReport, endNetworkReport, ReportRowsDigest, type NewNetworkReport } from './insert-network-report.ts'
import { matchReports, type Matching } from './match-reports.ts'
import { readReconciliation } from './read-reconciliation.ts'
import { findBalances } from '../payments/find-balances.ts'
import { releaseSuspense } from './release-suspense.ts'
import { suspendDifference } from './suspend-difference.ts'

const from = { clock: systemClock, random: systemRandom }
const emitting = { ...from, process: 'operator' } as const
const network = 'mtn-sandbox'
const hourMs = 3_600_000

let database: TestDatabase
let operator: Database
let gateway: Database
let dispatcher: Database
let purse: Purse
let files = 0
before(async () => {
  database = await testDatabase()
  operator = database.open('ngome_operator', { poolMax: 2 })
  gateway = database.open('ngome_gateway', { poolMax: 2 })
  dispatcher = database.open('ngome_dispatcher', { poolMax: 2 })
})
beforeEach(async () => {
  await database.asAdmin(`UPDATE ngome.network_movements SET verdict = 'nothing'`)
  purse = await Purse.open(database, gateway, dispatcher)
})
after(() => database.close())

function digestOf(rows: readonly ReportRow[]): Buffer {
  const digest = new ReportRowsDigest(network)
  for (const row of rows) digest.add(row)
  return digest.end()
}

const unique = (): string => `N${systemRandom.bytes(8).toHex()}`

/** A payment as the network should have it. */
async function rowOf(payment: PaymentId, more: Partial<ReportRow> = {}): Promise<ReportRow> {
  const [row] = await database.asAdmin(`SELECT p.amount_minor, p.direction, a.reference FROM ngome.payments p LEFT JOIN ngome.attempts a ON a.payment = p.id WHERE p.id = $1`, [payment])
  return {
    line: 2, occurredAtMs: systemClock.nowMs(), direction: row?.['direction'] as 'collection', status: 'succeeded', amountMinor: BigInt(row?.['amount_minor'] as bigint),
    reference: row?.['reference'] as string | null, payment: null, networkReference: unique(), ...more,
  }
}

async function bring(rows: readonly ReportRow[], more: Partial<NewNetworkReport> = {}): Promise<string> {
  const nowMs = systemClock.nowMs()
  const report = {
    network, world: 'test', form: 'csv', currency: 'EUR', digest: createHash('sha256').update(String(++files)).digest(), rowsDigest: digestOf(rows), movements: rows.length, skipped: 0,
    fromMs: nowMs, toMs: nowMs, beganBy: 'ann', beganAtMs: nowMs, ...more,
  } as const
  const { id } = await beginNetworkReport(operator, report)
  await addReportRows(operator, id, network, 1, rows)
  for (let last: number | undefined = 0; last !== undefined;) last = (await adoptReportRows(operator, id, last))?.last
  await endNetworkReport(operator, id, nowMs, emit(emitting, 'reconciliation.report_imported', null, {
    network, report: id, digest: report.digest.toHex(), movements: rows.length, from: new Date(nowMs).toISOString(), to: new Date(nowMs).toISOString(), by: 'ann',
  }))
  return id
}

function match(of = network): Promise<Matching> {
  return matchReports(operator, { network: of, world: 'test' }, systemClock, ({ opened, asked }) => (
    emit(emitting, 'reconciliation.differences_found', null, { network: of, found: opened, asked })))
}

/** Kind and amount of the differences of a payment, or of a network's reference, that are not ended. */
async function differencesOf(of: PaymentId | string): Promise<readonly string[]> {
  const all = await listDifferences(operator, { after: 0, limit: 10_000 })
  return all.filter(({ payment, movement }) => payment === of || movement?.networkReference === of).map(({ kind, deltaMinor }) => `${kind} ${deltaMinor}`)
}

async function statesOf(payment: PaymentId): Promise<readonly string[]> {
  const all = await listDifferences(operator, { after: 0, limit: 10_000, all: true })
  return all.filter((one) => one.payment === payment).map(({ kind, state }) => `${kind} ${state}`)
}

async function jobsOf(payment: PaymentId): Promise<number> {
  const [row] = await database.asAdmin(`SELECT count(*) AS n FROM pgboss.job WHERE name = 'payment-enquire' AND data->>'payment' = $1 AND state = 'created'`, [payment])
  return Number(row?.['n'])
}

describe('a movement of a report', () => {
  const cases: readonly (readonly [what: string, ours: 'succeeded' | 'failed' | 'open', theirs: Partial<ReportRow>, expected: readonly string[], asks?: number])[] = [
    ['that both have', 'succeeded', {}, []],
    ['that failed by both', 'failed', { status: 'failed' }, []],
    ['that is under way by both', 'open', { status: 'pending' }, []],
    ['of more than ours', 'succeeded', { amountMinor: 600n }, ['amount_differs 100']],
    ['of less than ours', 'succeeded', { amountMinor: 1n }, ['amount_differs -499']],
    ['of another day', 'succeeded', { occurredAtMs: systemClock.nowMs() - 40 * hourMs }, ['day_differs 0']],
    ['that we say failed', 'failed', {}, ['state_differs 500']],
    ['that only we say succeeded', 'succeeded', { status: 'failed' }, ['state_differs -500']],
    ['that they say is under way still', 'succeeded', { status: 'pending' }, ['state_differs 0']],
    ['that they took back', 'succeeded', { status: 'reversed' }, ['state_differs -500']],
    ['whose end we do not know', 'open', {}, ['state_differs 0'], 1],
    ['whose failing we do not know', 'open', { status: 'failed' }, ['state_differs 0'], 1],
    ['of the other way', 'succeeded', { direction: 'payout', networkReference: 'W1' }, []],
    ['under a reference that is another\'s', 'succeeded', { reference: crypto.randomUUID(), networkReference: 'W2' }, []],
  ]
  for (const [what, ours, theirs, expected, asks = 0] of cases) {
    test(`${what} is ${expected.length === 0 ? 'no difference of the payment' : expected.join()}`, async () => {
      const payment = await purse.begin(500n)
      if (ours === 'open') await purse.send(payment)
      else await purse.end(payment, ours)
      await bring([await rowOf(payment, theirs)])
      const before = await jobsOf(payment)
      assert.equal((await match()).asked, asks)
      assert.deepEqual(await differencesOf(payment), expected)
      assert.equal(await jobsOf(payment) - before, asks)
      assert.equal((await match()).opened, 0, 'the same again finds nothing new')
      const stranger = theirs.networkReference
      if (stranger !== undefined) assert.deepEqual(await differencesOf(stranger), [`missing_at_us ${theirs.direction === 'payout' ? -500 : 500}`])
    })
  }

  test('is found by the payment that it names, and by the network\'s reference', async () => {
    const [named, known] = [await purse.move(500n), await purse.begin(500n)]
    await purse.end(known, 'succeeded', 'K7')
    await bring([await rowOf(named, { reference: null, payment: named }), await rowOf(known, { reference: null, networkReference: 'K7' })])
    assert.deepEqual([await match(), await differencesOf(named), await differencesOf(known)].slice(1), [[], []])
    const [row] = await database.asAdmin('SELECT count(*) AS n FROM ngome.network_movements WHERE verdict = \'matched\' AND payment = ANY ($1)', [[named, known]])
    assert.equal(Number(row?.['n']), 2)
  })

  test('of another network\'s payment, or of the other world\'s, is nobody\'s', async () => {
    const payment = await purse.move(500n)
    const live = await Purse.open(database, gateway, dispatcher, 'live')
    const other = await live.move(500n)
    const [ours, theirs] = [await rowOf(payment), await rowOf(other)]
    await bring([ours], { network: 'airtel-sandbox' })
    await bring([theirs])
    await match('airtel-sandbox')
    await match()
    assert.deepEqual([await differencesOf(ours.networkReference), await differencesOf(theirs.networkReference)], [['missing_at_us 500'], ['missing_at_us 500']])
    assert.deepEqual([await differencesOf(payment), await differencesOf(other)], [[], []])
  })

  test('of a payment that has another already is a duplicate, whichever of them stands first', async () => {
    for (const isFirst of [true, false]) {
      const payment = await purse.begin(500n)
      const reference = unique()
      await purse.end(payment, 'succeeded', reference)
      const [true_, second] = [await rowOf(payment, { networkReference: reference }), await rowOf(payment)]
      await bring(isFirst ? [true_, second] : [second, true_])
      await match()
      assert.deepEqual(await differencesOf(payment), ['duplicate_at_network 500'])
      assert.deepEqual(await differencesOf(second.networkReference), ['duplicate_at_network 500'])
    }
  })

  test('that stands twice in a file is two, and in two files one', async () => {
    const payment = await purse.move(500n)
    const row = await rowOf(payment)
    await bring([row])
    await bring([{ ...row, occurredAtMs: row.occurredAtMs + 1 }])
    await match()
    assert.deepEqual(await differencesOf(payment), [])
    await bring([row, row])
    await match()
    assert.deepEqual(await differencesOf(payment), ['duplicate_at_network 500'])
  })

  test('that nothing moved is nothing, also where it is not ours; a later row says more than an earlier one', async () => {
    const payment = await purse.move(500n)
    const row = await rowOf(payment)
    const stranger = await rowOf(payment, { reference: null })
    await bring([{ ...row, status: 'pending' }, { ...stranger, status: 'failed' }])
    await match()
    assert.deepEqual([await differencesOf(payment), await differencesOf(stranger.networkReference)], [['state_differs 0'], []])
    await bring([row])
    await match()
    assert.deepEqual([await differencesOf(payment), await statesOf(payment)], [[], ['state_differs superseded']])
  })

  test('that we said failed and then learn of, is agreed on without anybody', async () => {
    const payment = await purse.begin(500n)
    await purse.send(payment)
    await bring([await rowOf(payment)])
    await match()
    assert.deepEqual(await statesOf(payment), ['state_differs asked'])
    await purse.end(payment, 'succeeded')
    await match()
    assert.deepEqual(await statesOf(payment), ['state_differs agreed'])
  })
})

describe('a payment that no report has', () => {
  test('is missing at the network, in the time that reports cover and in no other, until one has it', async () => {
    const nowMs = systemClock.nowMs()
    const payment = await purse.move(500n)
    await bring([], { fromMs: nowMs - hourMs, toMs: nowMs })
    assert.equal((await match()).opened, 0)
    // Two that meet cover what lies over both.
    await bring([], { fromMs: nowMs, toMs: nowMs + hourMs })
    await match()
    assert.deepEqual(await differencesOf(payment), ['missing_at_network -500'])
    await bring([await rowOf(payment)])
    await match()
    assert.deepEqual([await differencesOf(payment), await statesOf(payment)], [[], ['missing_at_network agreed']])
  })

  test('is no difference where it failed, is under way, or is another network\'s', async () => {
    const [failed, open] = [await purse.begin(500n), await purse.begin(500n)]
    await purse.end(failed, 'failed')
    await purse.send(open)
    const nowMs = systemClock.nowMs()
    await bring([], { fromMs: nowMs - hourMs, toMs: nowMs + hourMs, network: 'mtn-other' })
    assert.equal((await match('mtn-other')).opened, 0)
    assert.deepEqual([await differencesOf(failed), await differencesOf(open)], [[], []])
  })
})

describe('an import', () => {
  test('that was stopped counts for nothing until it is whole, and goes on where it stopped', async () => {
    const payment = await purse.begin(500n)
    await purse.end(payment, 'failed')
    const rows = [await rowOf(payment), await rowOf(payment, { reference: null })]
    const nowMs = systemClock.nowMs()
    const report: NewNetworkReport = {
      network, world: 'test', form: 'csv', currency: 'EUR', digest: systemRandom.bytes(32), rowsDigest: digestOf(rows), movements: 2, skipped: 0, fromMs: nowMs, toMs: nowMs, beganBy: 'ann', beganAtMs: nowMs,
    }
    const begun = await beginNetworkReport(operator, report)
    await addReportRows(operator, begun.id, network, 1, rows.slice(0, 1))
    await assert.rejects(adoptReportRows(operator, begun.id, 0), { code: 'reconciliation/report_changed' })
    await assert.rejects(database.open('ngome_operator', { poolMax: 1 }).pool.query('SELECT ngome.end_network_report($1, now())', [begun.id]), { code: 'NG045' })
    assert.equal((await match()).judged, 0)
    assert.deepEqual(await beginNetworkReport(operator, report), { id: begun.id, staged: 1, isWhole: false })
    await addReportRows(operator, begun.id, network, 2, rows.slice(1))
    assert.deepEqual(await adoptReportRows(operator, begun.id, 0), { last: 2, added: 2 })
    assert.equal((await match()).judged, 0, 'taken on, and not ended yet')
    await operator.pool.query('SELECT ngome.end_network_report($1, now())', [begun.id])
    assert.equal((await match()).opened, 2)
    assert.deepEqual(await beginNetworkReport(operator, report), { id: begun.id, staged: 2, isWhole: true })
    await assert.rejects(addReportRows(operator, begun.id, network, 3, rows.slice(1)), { code: 'NG002' })
    const { reports, open } = await readReconciliation(operator)
    assert.deepEqual([reports[0]?.id, reports[0]?.isWhole], [begun.id, true])
    assert.ok(open.some(({ kind, count }) => kind === 'state_differs' && count > 0))
  })
})

test('an import of a file that changed while it was read never counts', async () => {
  const payment = await purse.move(500n)
  const rows = [await rowOf(payment)]
  for (const changed of [{ amountMinor: 501n }, { occurredAtMs: 0 }]) {
    await assert.rejects(bring(rows.map((row) => ({ ...row, ...changed })), { rowsDigest: digestOf(rows) }), { code: 'reconciliation/report_changed' })
  }
  assert.equal((await match()).judged, 0)
})

describe('a difference', () => {
  async function stateDiffers(ours: 'failed' | 'open' = 'failed'): Promise<number> {
    const payment = await purse.begin(500n)
    if (ours === 'open') await purse.send(payment)
    else await purse.end(payment, ours)
    await bring([await rowOf(payment)])
    await match()
    return (await listDifferences(operator, { after: 0, limit: 10_000 })).find((one) => one.payment === payment)?.number ?? 0
  }
  const step = (difference: number, what: 'explained' | 'asked' | 'resolved') => takeDifferenceStep(operator,
    { difference, what, byWhom: 'ann', note: 'so it is', atMs: systemClock.nowMs() },
    emit(emitting, 'reconciliation.step_taken', null, { difference, what, by: 'ann', adjustment: null }))

  test('is explained and resolved once, by somebody, and its trail says all of it', async () => {
    const number = await stateDiffers()
    await step(number, 'explained')
    await step(number, 'resolved')
    for (const what of ['explained', 'resolved'] as const) await assert.rejects(step(number, what), { code: 'reconciliation/not_open' })
    assert.deepEqual((await readDifferenceTrail(operator, number)).map(({ what, byWhom }) => `${what} ${byWhom}`), ['found matching', 'explained ann', 'resolved ann'])
    assert.equal((await match()).opened, 0, 'what was resolved is not found again')
  })

  test('is resolved by one of many that do it at once', async () => {
    const number = await stateDiffers()
    const all = await Promise.allSettled(Array.from({ length: 6 }, () => step(number, 'resolved')))
    assert.equal(all.filter(({ status }) => status === 'fulfilled').length, 1)
  })

  test('of what the network took back is asked about, and agrees once that is reversed here', async () => {
    const payment = await purse.move(500n)
    await bring([await rowOf(payment, { status: 'reversed' })])
    await match()
    const number = (await listDifferences(operator, { after: 0, limit: 10_000 })).find((one) => one.payment === payment)?.number ?? 0
    await step(number, 'asked')
    assert.equal(await jobsOf(payment), 1)
    assert.equal(await purse.reverse(payment), 'recorded')
    await match()
    assert.deepEqual([await statesOf(payment), await differencesOf(payment)], [['state_differs agreed'], []])
  })

  test('makes the dispatcher ask about what is open, and about nothing else', async () => {
    await step(await stateDiffers('open'), 'asked')
    await assert.rejects(step(await stateDiffers(), 'asked'), { code: 'reconciliation/not_open' })
    await assert.rejects(step(4_000_000, 'explained'), { code: 'reconciliation/not_open' })
  })

  test('asks as everybody else does', async () => {
    const number = await stateDiffers('open')
    const [row] = await database.asAdmin(`SELECT j.* FROM pgboss.job j JOIN ngome.reconciliation_differences d ON j.data->>'payment' = d.payment
      WHERE d.number = $1 AND j.name = 'payment-enquire' ORDER BY j.created_on DESC LIMIT 1`, [number])
    const [difference] = await listDifferences(operator, { after: number - 1, limit: 1, number })
    const { text, values } = enqueueStatement('payment-enquire', { ...purse.merchant.tenant, payment: difference?.payment as PaymentId, network, recheck: true }, 0)
    const [written] = await database.asAdmin(`${text} RETURNING *`, values)
    const own = new Set(['id', 'created_on', 'start_after', 'keep_until'])
    const fixed = (job: Record<string, unknown> | undefined) => Object.fromEntries(Object.entries(job ?? {}).filter(([name]) => !own.has(name)))
    assert.deepEqual(fixed(row), fixed(written))
  })
})

describe('who is not the operator, or goes around the functions', () => {
  const attacks: readonly (readonly [string, 'ngome_operator' | 'ngome_gateway' | 'ngome_dispatcher' | 'ngome_auditor', string])[] = [
    ['a gateway that brings a file', 'ngome_gateway', 'INSERT INTO ngome.network_reports (network) VALUES (\'x\')'],
    ['a dispatcher that reads what networks report', 'ngome_dispatcher', 'SELECT * FROM ngome.network_movements'],
    ['a gateway that matches', 'ngome_gateway', 'SELECT ngome.match_movements(\'mtn-sandbox\', \'test\', 0, 1, now())'],
    ['an auditor that resolves', 'ngome_auditor', 'SELECT ngome.take_difference_step(1, \'resolved\', \'x\', \'x\', NULL, now())'],
    ['an operator that writes a verdict', 'ngome_operator', 'UPDATE ngome.network_movements SET verdict = \'matched\''],
    ['an operator that makes a movement', 'ngome_operator', 'INSERT INTO ngome.network_movements (network) VALUES (\'x\')'],
    ['an operator that makes a difference', 'ngome_operator', 'INSERT INTO ngome.reconciliation_differences (network) VALUES (\'x\')'],
    ['an operator that writes a trail', 'ngome_operator', 'INSERT INTO ngome.reconciliation_steps (difference) VALUES (1)'],
    ['an operator that ends a report', 'ngome_operator', 'INSERT INTO ngome.network_report_ends (report, ended_at) VALUES (1, now())'],
    ['an operator that enqueues what he likes', 'ngome_operator', 'SELECT ngome.enqueue_enquiry(\'a\', \'test\', \'b\')'],
    ['an operator that opens a difference', 'ngome_operator', 'SELECT ngome.add_difference_step(1, \'resolved\', \'x\', \'x\', NULL, now())'],
    ['an operator that reads payments', 'ngome_operator', 'SELECT status FROM ngome.payments'],
  ]
  for (const [what, role, statement] of attacks) {
    test(`refuses ${what}`, async () => {
      await assert.rejects(database.open(role, { poolMax: 1 }).pool.query(statement), { code: '42501' })
    })
  }

  test('nobody changes what is written, the owner neither', async () => {
    for (const table of ['network_reports', 'network_report_rows', 'network_report_ends', 'reconciliation_differences', 'reconciliation_steps', 'network_movements']) {
      await assert.rejects(database.asAdmin(`DELETE FROM ngome.${table}`), table)
      if (table !== 'network_movements') await assert.rejects(database.asAdmin(`UPDATE ngome.${table} SET ${table === 'reconciliation_steps' ? 'note' : table === 'reconciliation_differences' ? 'kind' : table === 'network_report_rows' ? 'line' : table === 'network_report_ends' ? 'ended_at' : 'movements'} = NULL`), table)
    }
    await assert.rejects(database.asAdmin('UPDATE ngome.network_movements SET amount_minor = amount_minor + 1'), { code: 'NG002' })
  })

  test('a person does not speak for matching', async () => {
    for (const [what, whom] of [['agreed', 'ann'], ['superseded', 'ann'], ['resolved', 'matching']]) {
      await assert.rejects(operator.pool.query('SELECT ngome.take_difference_step(1, $1, $2, \'x\', NULL, now())', [what, whom]), { code: 'NG045' })
    }
  })
})

test('the lists of kinds and steps are those of the database', async () => {
  const listOf = async (constraint: string) => {
    const [row] = await database.asAdmin('SELECT pg_get_constraintdef(oid) AS text FROM pg_constraint WHERE conname = $1', [constraint])
    return [...String(row?.['text']).matchAll(/'([a-z_]+)'/g)].map(([, name]) => name)
  }
  assert.deepEqual(await listOf('reconciliation_differences_kind_check'), [...differenceKinds])
  assert.deepEqual(await listOf('reconciliation_steps_what_check'), [...differenceSteps])
  assert.ok(newId('payment', from).startsWith('pay_'))
})

describe('money that our books do not know', () => {
  async function differs(ours: 'succeeded' | 'failed' | 'nobody', theirs: Partial<ReportRow> = {}): Promise<Difference> {
    const payment = await purse.begin(500n)
    await purse.end(payment, ours === 'nobody' ? 'failed' : ours)
    const row = await rowOf(payment, { ...ours === 'nobody' ? { reference: null } : {}, ...theirs })
    await bring([row])
    await match()
    const found = (await listDifferences(operator, { after: 0, limit: 10_000 })).find(({ movement }) => movement?.networkReference === row.networkReference)
    assert.ok(found !== undefined)
    return found
  }

  function suspend({ number, deltaMinor }: Difference, more: Partial<NewAdjustment> = {}, tenant = purse.merchant.tenant): Promise<void> {
    const id = newId('adjustment', from)
    const amountMinor = deltaMinor < 0n ? -deltaMinor : deltaMinor
    return suspendDifference(operator, tenant, { difference: number, byWhom: 'ann', note: 'the file says so', atMs: systemClock.nowMs() },
      { id, kind: deltaMinor > 0n ? 'suspense_in' : 'suspense_out', network, money: { amountMinor, currency: 'EUR' }, reason: 'the file says so', madeBy: 'ann', atMs: systemClock.nowMs(), ...more },
      emit(emitting, 'reconciliation.step_taken', null, { difference: number, what: 'suspended', by: 'ann', adjustment: id }))
  }

  /** What the network owes us by our books, and what waits in suspense, of the merchant. */
  async function booksOf(): Promise<readonly number[]> {
    const rows = await database.asAdmin(`SELECT a.kind, t.posted_in - t.posted_out AS held FROM ngome.accounts a CROSS JOIN LATERAL ngome.account_totals(a.id) t
      WHERE a.merchant = $1 AND a.kind IN ('provider_clearing', 'suspense') ORDER BY a.kind`, [purse.merchant.tenant.merchant])
    return rows.map(({ held }) => Number(held))
  }

  test('goes into suspense with the trail, and the ledger is whole', async () => {
    const difference = await differs('failed')
    await suspend(difference)
    assert.deepEqual(await booksOf(), [-500, 500])
    const trail = await readDifferenceTrail(operator, difference.number)
    assert.deepEqual(trail.map(({ what }) => what), ['found', 'suspended'])
    assert.match(trail[1]?.adjustment ?? '', /^adj_/)
    const report = await checkLedger(database.open('ngome_auditor', { poolMax: 1 }))
    assert.deepEqual([report.wrong, report.misheld, report.days.unbooked], [[], [], []])
  })

  test('of nobody goes to the merchant whose account at the network it came to', async () => {
    await suspend(await differs('nobody'))
    assert.deepEqual(await booksOf(), [-500, 500])
  })

  test('that only we know leaves the books the same way', async () => {
    await suspend(await differs('succeeded', { status: 'failed' }))
    assert.deepEqual(await booksOf(), [0, -500])
  })

  test('leaves it to whom it belongs, and no more than waits there', async () => {
    const difference = await differs('failed')
    await suspend(difference)
    const release = (kind: NewAdjustment['kind'], amountMinor: bigint) => {
      const id = newId('adjustment', from)
      return releaseSuspense(operator, purse.merchant.tenant, { id, kind, network, money: { amountMinor, currency: 'EUR' }, reason: 'hers', madeBy: 'ann', atMs: systemClock.nowMs() },
        emit(emitting, 'reconciliation.released', purse.merchant.tenant, { adjustment: id, kind, network, by: 'ann' }))
    }
    await assert.rejects(release('suspense_to_merchant', 501n), { code: 'payments/insufficient_funds' })
    await assert.rejects(release('suspense_from_fees', 1n), { code: 'payments/insufficient_funds' })
    const both = await Promise.allSettled([release('suspense_to_merchant', 500n), release('suspense_to_merchant', 500n)])
    assert.deepEqual([both.filter(({ status }) => status === 'fulfilled').length, await booksOf()], [1, [-500, 0]])
    assert.equal((await findBalances(gateway, purse.merchant.tenant))[0]?.availableMinor, 500n)
  })

  const attacks: readonly (readonly [string, Partial<NewAdjustment>])[] = [
    ['more than what differs', { money: { amountMinor: 501n, currency: 'EUR' } }],
    ['another currency', { money: { amountMinor: 500n, currency: 'KES' } }],
    ['the other way', { kind: 'suspense_out' }],
    ['money of a merchant', { kind: 'suspense_to_merchant' }],
    ['another network\'s money', { network: 'airtel-sandbox' }],
  ]
  for (const [what, more] of attacks) {
    test(`takes no adjustment of ${what}, and nothing is written`, async () => {
      const difference = await differs('failed')
      await assert.rejects(suspend(difference, more), { code: 'reconciliation/not_open' })
      assert.deepEqual(await booksOf(), [0])
      assert.equal((await readDifferenceTrail(operator, difference.number)).length, 1)
    })
  }

  test('takes no adjustment of another merchant, and none twice', async () => {
    const difference = await differs('failed')
    const other = await Purse.open(database, gateway, dispatcher)
    await assert.rejects(suspend(difference, {}, other.merchant.tenant), { code: 'reconciliation/not_open' })
    const all = await Promise.allSettled(Array.from({ length: 4 }, () => suspend(difference)))
    assert.deepEqual([all.filter(({ status }) => status === 'fulfilled').length, await booksOf()], [1, [-500, 500]])
  })
})

test('matching looks at few movements for each, also of a table that nothing is known of yet', async () => {
  const rows: ReportRow[] = []
  for (let made = 0; made < 60; made++) rows.push(await rowOf(await purse.move(500n)))
  await bring(rows)
  const client = await operator.pool.connect()
  try {
    await client.query('BEGIN')
    const { rows: [step] } = await client.query<{ judged: bigint; opened: bigint }>('SELECT * FROM ngome.match_movements($1, $2, 0, 100, now())', [network, 'test'])
    assert.deepEqual([step?.judged, step?.opened], [60n, 0n])
    const { rows: [read] } = await client.query<{ tuples: bigint }>(`SELECT (seq_tup_read + idx_tup_fetch)::bigint AS tuples FROM pg_stat_xact_user_tables
      WHERE relname = 'network_movements'`)
    const tuples = Number(read?.tuples)
    assert.ok(tuples > 0 && tuples < 60 * 20, `${tuples} looked at for 60`)
  } finally {
    await client.query('ROLLBACK')
    client.release()
  }
})
