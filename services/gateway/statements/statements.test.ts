import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { statementSchema, type StatementView } from '@ngome/contracts'
import { systemClock, systemRandom } from '@ngome/kernel'
import { closeLedgerDays } from '@ngome/store'
import { ageLedger, Purse } from '@ngome/testkit'
import { TestGateway, type TestMerchant } from '../testing/test-gateway.ts'

let running: TestGateway
let merchant: TestMerchant
let day: string
before(async () => {
  running = await TestGateway.start()
  merchant = await running.addMerchant()
  await ageLedger(running.database, 2)
  const dispatcher = running.database.open('ngome_dispatcher', { poolMax: 1 })
  const purse = await Purse.of(merchant.tenant, running.database.open('ngome_gateway', { poolMax: 1 }), dispatcher)
  for (const [amount, direction] of [[500n, 'collection'], [120n, 'payout'], [30n, 'collection'], [10n, 'payout'], [5n, 'collection']] as const) {
    await purse.move(amount, { direction, reference: '=cmd|x' })
  }
  await purse.move(1_250n, { currency: 'UGX' })
  await closeLedgerDays({ db: dispatcher, clock: systemClock, random: systemRandom }, 'UTC')
  const [row] = await running.database.asAdmin("SELECT to_char(max(day), 'YYYY-MM-DD') AS day FROM ngome.closed_days")
  day = row?.['day'] as string
})
after(() => running.close())

const ask = ({ client }: TestMerchant, query: Readonly<Record<string, string>>, path = '/v1/statements') =>
  client.call({ path: `${path}?${new URLSearchParams(query).toString()}` })

async function statementOf(of: TestMerchant, query: Readonly<Record<string, string>>): Promise<StatementView> {
  const answer = await ask(of, { currency: 'EUR', from: day, to: day, ...query })
  assert.equal(answer.status, 200, answer.text)
  return statementSchema.parse(JSON.parse(answer.text))
}

describe('a statement', () => {
  test('says what the account held, what moved, and what it held after each', async () => {
    const { opening_balance, credits, debits, closing_balance, entry_count, data, next_cursor } = await statementOf(merchant, {})
    assert.deepEqual([opening_balance, credits, debits, closing_balance, entry_count, next_cursor], ['0.00', '5.35', '1.30', '4.05', 5, null])
    assert.deepEqual(data.map(({ type, direction, amount, balance, booked_on }) => [type, direction, amount, balance, booked_on]), [
      ['collection', 'credit', '5.00', '5.00', day], ['payout', 'debit', '1.20', '3.80', day], ['collection', 'credit', '0.30', '4.10', day],
      ['payout', 'debit', '0.10', '4.00', day], ['collection', 'credit', '0.05', '4.05', day]])
  })

  test('comes in pages that go on with the balance, whose cursor is good for nobody and nothing else', async () => {
    const whole = await statementOf(merchant, {})
    const seen: StatementView['data'] = []
    let cursor: string | null = null
    do {
      const page: StatementView = await statementOf(merchant, { limit: '2', ...cursor === null ? {} : { cursor } })
      seen.push(...page.data)
      cursor = page.next_cursor
    } while (cursor !== null)
    assert.deepEqual(seen, whole.data)
    const given = (await statementOf(merchant, { limit: '2' })).next_cursor ?? assert.fail('one page')
    const other = await running.addMerchant()
    for (const [who, query] of [
      [other, { cursor: given }], [merchant, { cursor: given, currency: 'UGX' }], [merchant, { cursor: given.slice(0, -2) }], [merchant, { cursor: 'AAAA' }],
    ] as const) {
      const answer = await ask(who, { currency: 'EUR', from: day, to: day, ...query })
      assert.deepEqual([answer.status, (JSON.parse(answer.text) as { code: string }).code], [422, 'request/invalid'], answer.text)
    }
  })

  test('has a currency\u2019s own digits, and of another merchant nothing', async () => {
    assert.equal((await statementOf(merchant, { currency: 'UGX' })).closing_balance, '1250')
    const { entry_count, closing_balance } = await statementOf(await running.addMerchant(), {})
    assert.deepEqual([entry_count, closing_balance], [0, '0.00'])
  })

  const refusals: readonly (readonly [what: string, query: Readonly<Record<string, string>>, status: number, code: string])[] = [
    ['of a day that is not closed', { to: '2999-01-01', from: '2998-12-31' }, 409, 'statements/not_closed'],
    ['of a quarter and a day', { from: '2000-01-01' }, 422, 'request/invalid'],
    ['that ends before it begins', { from: '2999-01-01' }, 422, 'request/invalid'],
    ['of a day that no calendar has', { from: '2026-02-30' }, 422, 'request/invalid'],
    ['of no currency', { currency: 'XXX' }, 422, 'request/invalid'],
    ['of a currency that is SQL', { currency: "' OR 1=1" }, 422, 'request/invalid'],
    ['with what nobody asked for', { account: 'acc_1' }, 422, 'request/invalid'],
  ]
  for (const [what, query, status, code] of refusals) {
    test(`${what} is refused, as JSON and as a file`, async () => {
      for (const path of ['/v1/statements', '/v1/statements/export']) {
        const answer = await ask(merchant, { currency: 'EUR', from: day, to: day, ...query }, path)
        assert.deepEqual([answer.status, (JSON.parse(answer.text) as { code: string }).code], [status, code], answer.text)
      }
    })
  }

  test('is a CSV file whose text no spreadsheet runs', async () => {
    const answer = await ask(merchant, { currency: 'EUR', from: day, to: day }, '/v1/statements/export')
    assert.equal(answer.status, 200)
    assert.match(String(answer.headers['content-disposition']), new RegExp(`^attachment; filename="statement-EUR-${day}-${day}\\.csv"$`))
    assert.equal(answer.text.split('\r\n').length, 9)
    assert.ok(answer.text.includes('"\'=cmd|x"') && !answer.text.includes('"=cmd'))
  })

  test('is a camt.053 file', async () => {
    const answer = await ask(merchant, { currency: 'EUR', from: day, to: day, format: 'camt.053' }, '/v1/statements/export')
    assert.match(String(answer.headers['content-type']), /^application\/xml/)
    assert.equal(answer.text.split('<Ntry>').length - 1, 5)
    assert.match(answer.text, /CLBD<\/Cd><\/CdOrPrtry><\/Tp><Amt Ccy="EUR">4\.05</)
  })
})
