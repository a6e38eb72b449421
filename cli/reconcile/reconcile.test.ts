import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { MerchantId } from '@ngome/kernel'
import { csvFormats } from '@ngome/payments'
import type { NetworkReportConfig } from '@ngome/runtime'
import type { Difference } from '@ngome/store'
import { Misuse } from '../command.ts'
import { differencesCsv, numberOf } from '../reconcile-differences.ts'
import { deltaText, differenceLine } from './difference-lines.ts'
import { reportFormOf } from './report-form.ts'
import { noteOf, whoOf } from './who.ts'

const nothingSaid: NetworkReportConfig = { form: 'csv', columns: {} }
const formOf = (report: Partial<NetworkReportConfig>) => {
  const form = reportFormOf('mtn-ug', { connector: 'mtn-momo', report: { ...nothingSaid, ...report } })
  assert.ok(form.kind === 'csv')
  return form.format
}

describe('how a network\'s report is written', () => {
  test('is its connector\'s default where nothing is said', () => {
    assert.deepEqual(formOf({}), csvFormats['mtn-momo'])
    assert.deepEqual(reportFormOf('mtn-ug', { connector: 'mtn-momo', report: undefined }), { kind: 'csv', format: csvFormats['mtn-momo'] })
  })

  test('is what the configuration says, column by column; an empty header is no column', () => {
    const { columns, dates } = formOf({ columns: { amount: 'Betrag', currency: '' }, dates: 'dmy' })
    assert.deepEqual([columns.amount, columns.currency, columns.time, dates], ['Betrag', undefined, 'Date', 'dmy'])
    assert.ok(!('currency' in columns))
  })

  test('has no mark that groups and separates at once', () => {
    assert.deepEqual(formOf({ decimalMark: ',' }).decimal, { mark: ',', group: '' })
  })

  test('is its connector\'s default for each of them', () => {
    for (const connector of ['mtn-momo', 'airtel-money', 'card-acquirer'] as const) {
      assert.deepEqual(reportFormOf('one', { connector, report: nothingSaid }), { kind: 'csv', format: csvFormats[connector] })
    }
  })

  test('is refused where the configuration takes away a column that is needed', () => {
    for (const column of ['time', 'amount', 'networkReference'] as const) {
      assert.throws(() => reportFormOf('mtn-ug', { connector: 'mtn-momo', report: { ...nothingSaid, columns: { [column]: '' } } }), Misuse)
    }
  })

  test('is camt.053 where it says so', () => {
    assert.deepEqual(reportFormOf('mtn-ug', { connector: 'mtn-momo', report: { ...nothingSaid, form: 'camt.053' } }), { kind: 'camt.053' })
  })
})

const difference: Difference = {
  number: 7, network: 'mtn-ug', world: 'live', kind: 'missing_at_us', merchant: 'mer_x' as MerchantId, payment: null, deltaMinor: 1_250n, currency: 'KES', foundAtMs: 0,
  state: 'found', isEnded: false,
  movement: { report: '1', line: 2, occurredAtMs: 0, direction: 'collection', status: 'succeeded', amountMinor: 1_250n, reference: '=HYPERLINK("http://x")', networkReference: '@SUM(A1)' },
}

describe('what is printed of a difference', () => {
  test('is its amount with its sign', () => {
    assert.equal(deltaText(difference), '+12.50 KES')
    assert.equal(deltaText({ ...difference, deltaMinor: -1_250n }), '-12.50 KES')
    assert.equal(differenceLine(difference), '7  mtn-ug  missing_at_us  +12.50 KES  found  succeeded collection @SUM(A1)')
  })

  test('is no formula in a spreadsheet, whatever got into the database', () => {
    const lines = differencesCsv([difference]).split('\r\n')
    assert.match(lines[1] ?? '', /"'=HYPERLINK\(""http:\/\/x""\)","'@SUM\(A1\)"$/)
    assert.equal(differencesCsv([{ ...difference, movement: null }]).split('\r\n')[1]?.split('","').length, lines[0]?.split('","').length)
  })
})

describe('who works a difference off', () => {
  for (const by of ['matching', '', ' ann', 'a\u001b[2J', 'x'.repeat(101), '=cmd']) {
    test(`is not called ${JSON.stringify(by).slice(0, 24)}`, () => assert.throws(() => whoOf(by), Misuse))
  }
  test('says who and why', () => {
    assert.equal(whoOf('Ann Okello'), 'Ann Okello')
    assert.notEqual(whoOf(undefined), '')
    assert.equal(noteOf(' the network has it '), 'the network has it')
    for (const note of [undefined, '', '   ', 'x'.repeat(201)]) assert.throws(() => noteOf(note), Misuse)
  })
  test('names it by its number', () => {
    assert.equal(numberOf('it', '7'), 7)
    for (const text of [undefined, '', '-1', '1e3', '07', '9'.repeat(12)]) assert.throws(() => numberOf('it', text), Misuse)
  })
})
