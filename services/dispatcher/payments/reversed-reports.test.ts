import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { emit, type JobData } from '@ngome/contracts'
import { systemClock, systemRandom, type PaymentId } from '@ngome/kernel'
import { checkLedger, takeDifferenceStep, type Difference } from '@ngome/store'
import { ReportedBooks } from '../testing/reported-books.ts'
import { startAirtel } from '../testing/reported-network.ts'
import { dispatchPayment } from './dispatch-payment.ts'
import { enquirePayment } from './enquire-payment.ts'
import { settlePayment } from './settle-payment.ts'

const signal = new AbortController().signal
const pauseMs = 40
const asksMax = 50

let books: ReportedBooks<Awaited<ReturnType<typeof startAirtel>>>
before(async () => {
  books = await ReportedBooks.open(startAirtel)
  await run(await books.collect(900_000n))
})
after(() => books.close())

async function run(payment: PaymentId): Promise<PaymentId> {
  const { world: { merchant: { tenant } }, dispatcher } = books
  await dispatchPayment(dispatcher, { ...tenant, payment }, signal)
  for (let asked = 0; asked < asksMax && (await settlePayment(dispatcher, tenant, payment, signal)).kind === 'open'; asked++) await sleep(pauseMs)
  assert.equal(await statusOf(payment), 'succeeded')
  return payment
}
const statusOf = async (payment: PaymentId): Promise<unknown> => (await books.world.stateOf(payment) as readonly unknown[])[0]

/** The network's own id of what it did last. */
async function newestId(): Promise<string> {
  return (await books.reported.simulator.transactions()).at(-1)?.airtelMoneyId ?? assert.fail()
}
const differencesOf = async (payment: PaymentId): Promise<readonly Difference[]> => (await books.differences()).filter((one) => one.payment === payment)

async function foundOf(payment: PaymentId, deltaMinor: bigint): Promise<Difference> {
  const [found, ...more] = await differencesOf(payment)
  assert.deepEqual([found?.kind, found?.deltaMinor, more], ['state_differs', deltaMinor, []])
  return found ?? assert.fail()
}

/** What a person does about it, and the job that comes of that. */
async function ask({ number }: Difference): Promise<void> {
  const step = { difference: number, what: 'asked', byWhom: 'ann' } as const
  await takeDifferenceStep(books.operator, { ...step, note: 'the report has it back', atMs: systemClock.nowMs() },
    emit({ clock: systemClock, random: systemRandom, process: 'operator' }, 'reconciliation.step_taken', null, { difference: number, what: 'asked', by: 'ann', adjustment: null }))
  const [job] = await books.world.database.asAdmin(`SELECT data FROM pgboss.job WHERE name = 'payment-enquire' AND data->'recheck' = 'true' ORDER BY created_on DESC LIMIT 1`)
  await enquirePayment(books.dispatcher, job?.['data'] as JobData<'payment-enquire'>, signal)
}

async function booksAgree(payment: PaymentId): Promise<void> {
  await books.match()
  assert.deepEqual(await differencesOf(payment), [])
  assert.equal(await books.owedMinor(), await books.reported.moved())
  const { wrong, misheld, days } = await checkLedger(books.world.database.open('ngome_auditor', { poolMax: 1 }))
  assert.deepEqual([wrong, misheld, days.unbooked], [[], [], []])
}

/** How a report says it: as a row of its own, which is how the simulator writes it, or as how the first one stands. */
const asOneRow = (report: string, id: string): string => report.replace(new RegExp(`.*,Refund,.*,${id}\\r?\\n`), '')
  .replace(new RegExp(`,TS,(.*,${id})`), ',TR,$1')
const ways: readonly (readonly [string, () => Promise<PaymentId>, bigint, (report: string, id: string) => string])[] = [
  ['a collection, as a row of its own', () => books.collect(5_001n), -5_001n, (report) => report],
  ['a collection, as how it stands', () => books.collect(5_002n), -5_002n, asOneRow],
  ['a payout, as a row of its own', () => books.pay(5_004n), 5_004n, (report) => report],
  ['a payout, as how it stands', () => books.pay(5_003n), 5_003n, asOneRow],
]
for (const [what, make, deltaMinor, written] of ways) {
  test(`a report shows that the network took back ${what}: it is asked, its word reverses it, and both books agree`, async () => {
    const payment = await run(await make())
    const id = await newestId()
    await books.bringReport()
    await booksAgree(payment)
    await books.reported.simulator.reverse(id)
    const { asked } = await books.bringReport(written(await books.reported.simulator.report(), id))
    // The file ends nothing, and makes nobody ask before a person has looked.
    assert.deepEqual([await statusOf(payment), asked], ['succeeded', 0])
    await ask(await foundOf(payment, deltaMinor))
    assert.equal(await statusOf(payment), 'reversed')
    await booksAgree(payment)
  })
}

test('a report that lies about what the network has makes it be asked, and reverses nothing', async () => {
  const payment = await run(await books.collect(5_005n))
  const id = await newestId()
  await books.bringReport(asOneRow(await books.reported.simulator.report(), id))
  await ask(await foundOf(payment, -5_005n))
  assert.equal(await statusOf(payment), 'succeeded')
  await books.match()
  await foundOf(payment, -5_005n)
  assert.equal(await books.owedMinor(), await books.reported.moved())
})
