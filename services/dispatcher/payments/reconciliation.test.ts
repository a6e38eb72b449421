import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { emit } from '@ngome/contracts'
import { currencyDigits, formatMoney, newId, systemClock, systemRandom, type PaymentId } from '@ngome/kernel'
import {
  checkLedger, importReport, listDifferences, matchReports, suspendDifference, type Database, type Difference, type Matching,
} from '@ngome/store'
import type { PaymentDispatcher } from '../dispatcher.ts'
import { authorize, OutgoingWorld, type SigningKey } from '../testing/outgoing-world.ts'
import { startAirtel, startMtn, type ReportedNetwork } from '../testing/reported-network.ts'
import { dispatchPayment } from './dispatch-payment.ts'
import { settlePayment } from './settle-payment.ts'

const from = { clock: systemClock, random: systemRandom }
const signal = new AbortController().signal
/** How often a payment is asked about while its script is in force, and afterwards. */
const asksMax = 8
const pauseMs = 40

type Fault = readonly [name: string, rules: readonly object[]]
const late = (on: string, more: object) => [{ on, do: more }]

/** What both networks' simulators do badly, and what each does in its own way. */
const common: readonly Fault[] = [
  ['nothing bad', []],
  ['an error', late('request', { kind: 'answer', status: 500 })],
  ['no answer to what it did not take', late('request', { kind: 'hang' })],
  ['no answer to what it took', late('request', { kind: 'take_and_hang' })],
  ['a late answer', late('request', { kind: 'take_and_answer_late', delayMs: 400 })],
  ['an error for what it took', late('request', { kind: 'take_and_answer', status: 503 })],
  ['an error for what it takes afterwards', late('request', { kind: 'answer_then_take', status: 500, delayMs: 700 })],
  ['an expired token', [{ on: 'request', do: { kind: 'token_expired' }, times: 1 }]],
  ['no answer to enquiries', late('status', { kind: 'hang' })],
  ['5xx to enquiries', late('status', { kind: 'answer', status: 502 })],
  ['too many enquiries', late('status', { kind: 'rate_capped' })],
  ['not found, of what is there', [{ on: 'status', do: { kind: 'not_found' }, times: 2 }]],
  ['callbacks that are lost', late('callback', { kind: 'drop' })],
  ['callbacks twice', late('callback', { kind: 'twice' })],
  ['callbacks before the answer', late('callback', { kind: 'before_answer' })],
  ['callbacks that lie', late('callback', { kind: 'lie' })],
  ['forged callbacks', late('callback', { kind: 'forge' })],
  ['callbacks out of order', late('callback', { kind: 'out_of_order' })],
]
const scripts: Readonly<Record<string, readonly Fault[]>> = {
  'mtn-sandbox': [...common, ['garbage', late('request', { kind: 'garbage' })], ['pending, of what has ended', late('status', { kind: 'pending' })],
    ['a failure', late('request', { kind: 'decide', reason: 'NOT_ENOUGH_FUNDS' })]],
  'airtel-sandbox': [...common, ['that it does not know', late('status', { kind: 'ambiguous' })],
    ['an answer about another', late('status', { kind: 'another' })], ['an ambiguous code for what it took', late('request', { kind: 'take_and_say', code: 'DP00800001024' })],
    ['a failure', late('request', { kind: 'decide', status: 'TF', code: 'DP00800001007' })], ['an end that it never knows', late('request', { kind: 'decide', status: 'TA', code: 'DP00800001000' })]],
}

// They wait for answers that do not come, most of the time: both at once.
describe('reports of the books', { concurrency: 2 }, () => {
  for (const [name, start] of [['mtn-sandbox', startMtn], ['airtel-sandbox', startAirtel]] as const) {
    describe(`the books of ${name} and ours`, () => {
      let world: OutgoingWorld
      let reported: ReportedNetwork
      let operator: Database
      let folder: string
      let key: SigningKey
      let dispatcher: PaymentDispatcher
      const payments: PaymentId[] = []
      before(async () => {
        [world, reported, folder] = [await OutgoingWorld.create(), await start(), await mkdtemp(join(tmpdir(), 'ngome-report-'))]
        operator = world.database.open('ngome_operator', { poolMax: 2 })
        key = await world.addKey()
        dispatcher = { ...world.dispatcher, networks: new Map([[name, reported.network]]) }
      })
      after(async () => {
        await reported.simulator.stop()
        reported.egress.close()
        await world.close()
        await rm(folder, { recursive: true, force: true })
      })

      const text = (amountMinor: bigint) => formatMoney({ amountMinor, currency: reported.currency })
      const callingCode = () => reported.network.callingCode
      const collect = (amountMinor: bigint) => world.merchant.accept({ phone: reported.phone, network: name, currency: reported.currency, callingCode: callingCode(), amountMinor })
      const pay = (amountMinor: bigint) => world.merchant.accept({
        phone: reported.phone, network: name, currency: reported.currency, callingCode: callingCode(), direction: 'payout', amountMinor,
        sealed: { authorization: authorize({ key, target: '/v1/payouts', body: {
          amount: text(amountMinor), currency: reported.currency, network: name, payee: { phone: reported.phone }, reference: 'order-42' } }) },
      })
      const refund = (original: PaymentId, amountMinor: bigint) => world.merchant.accept({
        phone: reported.phone, network: name, currency: reported.currency, callingCode: callingCode(), direction: 'refund', original, amountMinor,
        sealed: { payer: undefined, authorization: authorize({ key, target: `/v1/payments/${original}/refunds`, body: { amount: text(amountMinor), reference: 'order-42' } }) },
      })

      /** Sends it and asks until it ends, or for as long as one asks here. */
      async function run(payment: PaymentId): Promise<void> {
        payments.push(payment)
        await dispatchPayment(dispatcher, { ...world.merchant.tenant, payment }, signal)
        await settle(payment)
      }
      async function settle(payment: PaymentId): Promise<void> {
        for (let asked = 0; asked < asksMax; asked++) {
          const { kind } = await settlePayment(dispatcher, world.merchant.tenant, payment, signal)
          if (kind !== 'open') return
          await sleep(pauseMs)
        }
      }

      async function bringReport(): Promise<Matching> {
        const path = join(folder, `${payments.length}-${systemRandom.bytes(4).toHex()}.csv`)
        await writeFile(path, await reported.simulator.report())
        const nowMs = systemClock.nowMs()
        const outcome = await importReport({
          path, network: name, world: 'test', form: { kind: 'csv', format: reported.format }, rules: { currency: reported.currency, timeZone: 'UTC' },
          period: { fromMs: nowMs - 3_600_000, toMs: nowMs + 3_600_000 }, by: 'ann',
        }, { db: operator, ...from, onProgress: () => undefined })
        assert.notEqual(outcome.kind, 'refused', JSON.stringify(outcome.kind === 'refused' ? outcome.problems : ''))
        return matchReports(operator, { network: name, world: 'test' }, systemClock, ({ opened, asked }) => (
          emit({ ...from, process: 'operator' }, 'reconciliation.differences_found', null, { network: name, found: opened, asked })))
      }
      const open = () => listDifferences(operator, { network: name, after: 0, limit: 1_000 })

      test('agree after every fault script, once what is left is worked off', { timeout: 170_000 }, async () => {
        const big = 10n ** BigInt(currencyDigits[reported.currency]) * 1_000n
        await run(await collect(big))
        let amount = big / 100n
        for (const [fault, rules] of scripts[name] ?? []) {
          await reported.simulator.script(rules)
          await Promise.all([run(await collect(amount += 1n)), run(await pay(amount += 1n))])
          assert.ok(fault !== '')
        }
        await reported.simulator.script([])
        const given = await collect(amount += 1n)
        await run(given)
        await run(await refund(given, amount))
        // What the simulator still had to take, it has taken.
        await sleep(800)
        const first = await bringReport()
        assert.ok(first.asked > 0, 'a report that knows more made nobody ask')
        // The jobs that it made, run here: the network's word ends what it ends, and the file ended nothing.
        for (const { payment } of await open()) if (payment !== null) await settle(payment)
        await bringReport()
        for (const difference of await open()) await workOff(difference)
        assert.deepEqual(await open(), [])
        assert.deepEqual(await owed(), [await reported.moved(), 0])
        const { wrong, misheld, days } = await checkLedger(world.database.open('ngome_auditor', { poolMax: 1 }))
        assert.deepEqual([wrong, misheld, days.unbooked], [[], [], []])
      })

      /** Only what really is so is left: the network moved money of a payment that we gave up. */
      async function workOff({ number, kind, deltaMinor, currency, payment }: Difference): Promise<void> {
        const [status] = payment === null ? [undefined] : await world.stateOf(payment) as [string]
        assert.deepEqual([kind, status], ['state_differs', 'failed'], `difference ${number} of ${payment}`)
        const id = newId('adjustment', from)
        const [madeBy, reason, atMs] = ['ann', 'the network has it', systemClock.nowMs()]
        await suspendDifference(operator, world.merchant.tenant, { difference: number, byWhom: madeBy, note: reason, atMs }, {
          id, kind: deltaMinor > 0n ? 'suspense_in' : 'suspense_out', network: name, money: { amountMinor: deltaMinor < 0n ? -deltaMinor : deltaMinor, currency }, reason,
          madeBy, atMs,
        }, emit({ ...from, process: 'operator' }, 'reconciliation.step_taken', null, { difference: number, what: 'suspended', by: madeBy, adjustment: id }))
      }

      /** What the network owes us by our books, in minor units; and how many of our payments stand open that it has ended. */
      async function owed(): Promise<readonly (bigint | number)[]> {
        const [row] = await world.database.asAdmin(`SELECT sum(t.posted_out - t.posted_in) AS minor FROM ngome.accounts a
          CROSS JOIN LATERAL ngome.account_totals(a.id) t WHERE a.kind = 'provider_clearing' AND a.network = $1`, [name])
        const [left] = await world.database.asAdmin(`SELECT count(*) AS n FROM ngome.payments p JOIN ngome.network_movements m ON m.payment = p.id
          WHERE p.network = $1 AND p.status IN ('processing', 'in_doubt') AND m.status IN ('succeeded', 'failed')`, [name])
        return [BigInt(String(row?.['minor'])), Number(left?.['n'])]
      }
    })
  }
})
