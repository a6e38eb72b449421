import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { PaymentId } from '@ngome/kernel'
import { Purse } from '@ngome/testkit'
import { Misuse, type Command } from '../command.ts'
import { reconcileDifferences } from '../reconcile-differences.ts'
import { reconcileImport } from '../reconcile-import.ts'
import { reconcileMatch } from '../reconcile-match.ts'
import { reconcileRelease } from '../reconcile-release.ts'
import { reconcileResolve } from '../reconcile-resolve.ts'
import { reconcileShow } from '../reconcile-show.ts'
import { reconcileStatus } from '../reconcile-status.ts'
import { operatorAt, type OperatorAt } from '../testing/operator-at.ts'

const network = 'mtn-sandbox'
const headers = 'Date,Type,Status,Amount,Currency,Reference Id,Financial Transaction Id'
const day = new Date().toISOString().slice(0, 10)

let operator: OperatorAt
let purse: Purse
before(async () => {
  operator = await operatorAt()
  const { database } = operator
  purse = await Purse.open(database, database.open('ngome_gateway', { poolMax: 1 }), database.open('ngome_dispatcher', { poolMax: 1 }))
})
after(() => operator.close())

const run: OperatorAt['run'] = (...typed) => operator.run(...typed)

/** A row of the network's report about a payment of 5.00 EUR. */
async function rowOf(payment: PaymentId, networkReference: string, amount = '5.00'): Promise<string> {
  const [attempt] = await operator.database.asAdmin('SELECT reference FROM ngome.attempts WHERE payment = $1', [payment])
  return `${new Date().toISOString()},requesttopay,SUCCESSFUL,${amount},EUR,${String(attempt?.['reference'])},${networkReference}`
}

function written(name: string, rows: readonly string[]): string {
  const path = join(operator.folder, name)
  writeFileSync(path, [headers, ...rows, ''].join('\r\n'))
  return path
}

test('the operator brings a report, sees what differs, works it off, and nothing is left', async () => {
  assert.deepEqual(await run(reconcileStatus), [0, 'no difference is open'])
  const [agreed, lost] = [await purse.move(500n), await purse.begin(500n)]
  await purse.end(lost, 'failed')
  const stranger = `${new Date().toISOString()},requesttopay,SUCCESSFUL,2.00,EUR,,S1`
  const file = written('day.csv', [await rowOf(agreed, 'A1'), await rowOf(lost, 'L1'), stranger])
  const said = await run(reconcileImport, { file }, { network, by: 'ann', from: day, to: day })
  assert.equal(said[0], 0)
  assert.match(said[1], /report 1 of mtn-sandbox: 3 movements, 3 of them new, 0 rows of something else\nit covers .*\n2 new differences; the network is asked about 0 payments now$/)
  assert.match((await run(reconcileImport, { file }, { network, by: 'ann', from: day, to: day }))[1], /this file is report 1 of mtn-sandbox, imported before/)
  assert.match((await run(reconcileMatch, { network }))[1], /0 new differences/)

  const [left, status] = await run(reconcileStatus)
  assert.equal(left, 1)
  assert.match(status, /OPEN {2}mtn-sandbox {2}1 missing_at_us {2}\+2\.00 EUR/)
  assert.match(status, /OPEN {2}mtn-sandbox {2}1 state_differs {2}\+5\.00 EUR/)
  assert.deepEqual((JSON.parse((await run(reconcileStatus, {}, {}, true))[1]) as { open: { count: number }[] }).open.map(({ count }) => count), [1, 1])
  assert.match((await run(reconcileDifferences, {}, { kind: 'state_differs' }))[1], new RegExp(`^1 {2}mtn-sandbox {2}state_differs {2}\\+5\\.00 EUR {2}found .*${lost}`))
  const sheet = join(operator.folder, 'differences.csv')
  assert.match((await run(reconcileDifferences, {}, { csv: sheet }))[1], /2 differences are in/)
  assert.match(readFileSync(sheet, 'utf8'), /"S1"\r\n$/)

  assert.deepEqual(await run(reconcileResolve, { number: '1' }, { note: 'they say so', by: 'ann', explain: true }), [0, 'difference 1 is explained'])
  const [done, suspended] = await run(reconcileResolve, { number: '1' }, { note: 'it came', by: 'ann', suspend: true })
  assert.equal(done, 0)
  assert.match(suspended, /^difference 1 is suspended by adj_\w+$/)
  await assert.rejects(run(reconcileResolve, { number: '1' }, { note: 'again', by: 'ann' }), { code: 'reconciliation/not_open' })
  assert.match((await run(reconcileShow, { number: '1' }))[1], /found.*matching[\s\S]*explained.*ann[\s\S]*suspended.*ann/)
  await assert.rejects(run(reconcileResolve, { number: '2' }, { note: 'whose is it', by: 'ann', suspend: true }), Misuse)
  assert.deepEqual(await run(reconcileResolve, { number: '2' }, { note: 'given back by hand', by: 'ann' }), [0, 'difference 2 is resolved'])
  assert.equal((await run(reconcileStatus))[0], 0)

  const { merchant } = purse.merchant.tenant
  const owed = { network, note: 'the payer paid', by: 'ann' }
  await assert.rejects(run(reconcileRelease, { merchant, way: 'to-merchant', amount: '5.01' }, owed), { code: 'payments/insufficient_funds' })
  assert.match((await run(reconcileRelease, { merchant, way: 'to-merchant', amount: '5.00' }, owed))[1], /^adj_\w+: suspense_to_merchant of 5\.00$/)
  const told = await operator.database.asAdmin(`SELECT severity, data->>'by' AS by, merchant FROM ngome.events WHERE type = 'reconciliation.released'`)
  assert.deepEqual(told, [{ severity: 'alarm', by: 'ann', merchant }], 'one person moved it, so that everybody hears of it')
})

test('a file with a row that is none is not imported, and its lines are said', async () => {
  const payment = await purse.move(500n)
  const file = written('bad.csv', [await rowOf(payment, 'B1'), await rowOf(payment, 'B2', '5.001'), await rowOf(payment, '=B3')])
  const [code, said] = await run(reconcileImport, { file }, { network, by: 'ann' })
  assert.equal(code, 1)
  assert.match(said, /line 3, column 4: .*\nline 4, column 7: .*\nngome: nothing was imported: 2 rows are not what it should be$/)
  assert.doesNotMatch((await run(reconcileStatus))[1], /report 2/)
})

const misuses: readonly (readonly [what: string, command: Command, operands: Readonly<Record<string, string>>, options: Readonly<Record<string, string | boolean>>])[] = [
  ['a network that is none', reconcileImport, { file: 'x' }, { network: 'toString', by: 'ann' }],
  ['the other world', reconcileImport, { file: 'x' }, { network, world: 'live', by: 'ann' }],
  ['half a period', reconcileImport, { file: 'x' }, { network, from: day, by: 'ann' }],
  ['a period that ends before it begins', reconcileImport, { file: 'x' }, { network, from: '2026-11-22', to: '2026-11-20', by: 'ann' }],
  ['to match what is no network', reconcileMatch, { network: 'x' }, {}],
  ['a kind that is none', reconcileDifferences, {}, { kind: 'x' }],
  ['a difference that is none', reconcileShow, { number: '999' }, {}],
  ['two ways at once', reconcileResolve, { number: '1' }, { note: 'x', by: 'ann', explain: true, ask: true }],
  ['a way that is none', reconcileRelease, { merchant: 'mer_01h455vb4pex5vsknk084sn02q', way: 'out', amount: '1.00' }, { network, note: 'x', by: 'ann' }],
  ['an amount of nothing', reconcileRelease, { merchant: 'mer_01h455vb4pex5vsknk084sn02q', way: 'to-fees', amount: '0' }, { network, note: 'x', by: 'ann' }],
]
for (const [what, command, operands, options] of misuses) {
  test(`refuses ${what}`, () => assert.rejects(run(command, operands, options), Misuse))
}
