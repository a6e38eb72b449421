import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { emit } from '@ngome/contracts'
import { currencyDigits, newId, systemClock, systemRandom, type PaymentId } from '@ngome/kernel'
import { checkLedger, suspendDifference, type Difference } from '@ngome/store'
import { ReportedBooks } from '../testing/reported-books.ts'
import { startAirtel, startCard, startMtn, type Payer, type ReportedNetwork } from '../testing/reported-network.ts'
import { dispatchPayment } from './dispatch-payment.ts'
import { settlePayment } from './settle-payment.ts'

const from = { clock: systemClock, random: systemRandom }
const signal = new AbortController().signal
/** How often a payment is asked about while its script is in force, and afterwards. */
const asksMax = 8
const pauseMs = 40

type Fault = readonly [name: string, rules: readonly object[], challenge?: 'pass' | 'fail' | 'unanswered']
const challenged: Payer = { card: '4000000000000119' }
const late = (on: string, more: object) => [{ on, do: more }]

/** What every network's simulator does badly, and what each does in its own way. @param asking what a script calls an enquiry */
const common = (asking: 'status' | 'enquiry'): readonly Fault[] => [
  ['nothing bad', []],
  ['an error', late('request', { kind: 'answer', status: 500 })],
  ['no answer to what it did not take', late('request', { kind: 'hang' })],
  ['no answer to what it took', late('request', { kind: 'take_and_hang' })],
  ['a late answer', late('request', { kind: 'take_and_answer_late', delayMs: 400 })],
  ['an error for what it took', late('request', { kind: 'take_and_answer', status: 503 })],
  ['an error for what it takes afterwards', late('request', { kind: 'answer_then_take', status: 500, delayMs: 700 })],
  ['no answer to enquiries', late(asking, { kind: 'hang' })],
  ['5xx to enquiries', late(asking, { kind: 'answer', status: 502 })],
  ['not found, of what is there', [{ on: asking, do: { kind: 'not_found' }, times: 2 }]],
  ['callbacks that are lost', late('callback', { kind: 'drop' })],
  ['callbacks twice', late('callback', { kind: 'twice' })],
  ['callbacks before the answer', late('callback', { kind: 'before_answer' })],
  ['callbacks that lie', late('callback', { kind: 'lie' })],
  ['forged callbacks', late('callback', { kind: 'forge' })],
  ['callbacks out of order', late('callback', { kind: 'out_of_order' })],
]
const mobile: readonly Fault[] = [
  ...common('status'),
  ['an expired token', [{ on: 'request', do: { kind: 'token_expired' }, times: 1 }]],
  ['too many enquiries', late('status', { kind: 'rate_capped' })],
]
const scripts: Readonly<Record<'mtn-sandbox' | 'airtel-sandbox' | 'card-sandbox', readonly Fault[]>> = {
  'mtn-sandbox': [...mobile, ['garbage', late('request', { kind: 'garbage' })], ['pending, of what has ended', late('status', { kind: 'pending' })],
    ['a failure', late('request', { kind: 'decide', reason: 'NOT_ENOUGH_FUNDS' })]],
  'airtel-sandbox': [...mobile, ['that it does not know', late('status', { kind: 'ambiguous' })],
    ['an answer about another', late('status', { kind: 'another' })], ['an ambiguous code for what it took', late('request', { kind: 'take_and_say', code: 'DP00800001024' })],
    ['a failure', late('request', { kind: 'decide', status: 'TF', code: 'DP00800001007' })], ['an end that it never knows', late('request', { kind: 'decide', status: 'TA', code: 'DP00800001000' })]],
  'card-sandbox': [['a challenge that nobody answers', [], 'unanswered'], ...common('enquiry'), ['garbage', late('request', { kind: 'garbage' })],
    ['garbage for enquiries', late('enquiry', { kind: 'garbage' })], ['that it does not know', late('enquiry', { kind: 'ambiguous' })],
    ['work on what has ended', late('enquiry', { kind: 'processing' })], ['an answer about another', late('enquiry', { kind: 'another' })],
    ['a payer sent to another page', late('request', { kind: 'redirect', url: 'https://evil.example/' })], ['callbacks of garbage', late('callback', { kind: 'garbage' })],
    ['a challenge that the payer passes', [], 'pass'], ['one that he fails', [], 'fail'], ['one behind a request that was not answered', late('request', { kind: 'take_and_hang' }), 'pass'],
    ['one whose enquiries are not answered', [{ on: 'enquiry', do: { kind: 'answer', status: 502 }, times: 3 }], 'pass']],
}

// They wait for answers that do not come, most of the time: all at once.
describe('reports of the books', { concurrency: 3 }, () => {
  for (const [name, start] of [['mtn-sandbox', startMtn], ['airtel-sandbox', startAirtel], ['card-sandbox', startCard]] as const) {
    describe(`the books of ${name} and ours`, () => {
      let books: ReportedBooks
      before(async () => {
        books = await ReportedBooks.open<ReportedNetwork>(start)
      })
      after(() => books.close())

      /** Sends it and asks until it ends, or for as long as one asks here. */
      async function run(payment: PaymentId, challenge?: Fault[2]): Promise<void> {
        await dispatchPayment(books.dispatcher, { ...books.world.merchant.tenant, payment }, signal)
        if (challenge === 'pass' || challenge === 'fail') await answerChallenge(payment, challenge)
        await settle(payment)
      }
      async function settle(payment: PaymentId): Promise<void> {
        for (let asked = 0; asked < asksMax; asked++) {
          const { kind } = await settlePayment(books.dispatcher, books.world.merchant.tenant, payment, signal)
          if (kind !== 'open') return
          await sleep(pauseMs)
        }
      }

      /** The payer, once he was told where his bank asks him. */
      async function answerChallenge(payment: PaymentId, answer: string): Promise<void> {
        for (let looked = 0; looked < asksMax; looked++) {
          const [action] = await books.world.database.asAdmin('SELECT url FROM ngome.payment_actions WHERE payment = $1', [payment])
          if (action !== undefined) {
            await fetch(String(action['url']), { method: 'POST', body: new URLSearchParams({ answer }), redirect: 'manual' })
            return
          }
          await settlePayment(books.dispatcher, books.world.merchant.tenant, payment, signal)
          await sleep(pauseMs)
        }
      }

      test('agree after every fault script, once what is left is worked off', { timeout: 170_000 }, async () => {
        const big = 10n ** BigInt(currencyDigits[books.reported.currency]) * 1_000n
        const first = await books.collect(big)
        await run(first)
        let amount = big / 100n
        /** What a network pays out, or else gives back of the first. */
        const payOrRefund = (amountMinor: bigint): Promise<PaymentId> => (
          'phone' in books.reported.payer ? books.pay(amountMinor) : books.refund(first, amountMinor))
        for (const [, rules, challenge] of scripts[name]) {
          await books.reported.simulator.script(rules)
          const collection = await books.collect(amount += 1n, challenge === undefined ? undefined : challenged)
          await Promise.all([run(collection, challenge), run(await payOrRefund(amount += 1n))])
        }
        await books.reported.simulator.script([])
        const given = await books.collect(amount += 1n)
        await run(given)
        await run(await books.refund(given, amount))
        // What the simulator still had to take, it has taken.
        await sleep(800)
        const { asked } = await books.bringReport()
        assert.ok(asked > 0, 'a report that knows more made nobody ask')
        // The jobs that it made, run here: the network's word ends what it ends, and the file ended nothing.
        for (const { payment } of await books.differences()) if (payment !== null) await settle(payment)
        await books.bringReport()
        for (const difference of await books.differences()) await workOff(difference)
        assert.deepEqual(await books.differences(), [])
        assert.deepEqual(await owed(), [await books.reported.moved(), 0])
        const { wrong, misheld, days } = await checkLedger(books.world.database.open('ngome_auditor', { poolMax: 1 }))
        assert.deepEqual([wrong, misheld, days.unbooked], [[], [], []])
      })

      /** Only what really is so is left: the network moved money of a payment that we gave up. */
      async function workOff({ number, kind, deltaMinor, currency, payment }: Difference): Promise<void> {
        const [status] = payment === null ? [undefined] : await books.world.stateOf(payment) as [string]
        assert.deepEqual([kind, status], ['state_differs', 'failed'], `difference ${number} of ${payment}`)
        const id = newId('adjustment', from)
        const [madeBy, reason, atMs] = ['ann', 'the network has it', systemClock.nowMs()]
        await suspendDifference(books.operator, books.world.merchant.tenant, { difference: number, byWhom: madeBy, note: reason, atMs }, {
          id, kind: deltaMinor > 0n ? 'suspense_in' : 'suspense_out', network: name, money: { amountMinor: deltaMinor < 0n ? -deltaMinor : deltaMinor, currency }, reason,
          madeBy, atMs,
        }, emit({ ...from, process: 'operator' }, 'reconciliation.step_taken', null, { difference: number, what: 'suspended', by: madeBy, adjustment: id }))
      }

      /** What the network owes us by our books, in minor units; and how many of our payments stand open that it has ended. */
      async function owed(): Promise<readonly (bigint | number)[]> {
        const [left] = await books.world.database.asAdmin(`SELECT count(*) AS n FROM ngome.payments p JOIN ngome.network_movements m ON m.payment = p.id
          WHERE p.network = $1 AND p.status IN ('processing', 'in_doubt') AND m.status IN ('succeeded', 'failed')`, [name])
        return [await books.owedMinor(), Number(left?.['n'])]
      }
    })
  }
})
