import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Currency } from '@ngome/kernel'
import fc from 'fast-check'
import { csv } from '../statements/csv.ts'
import { csvFormats, type CsvFormat } from './formats.ts'
import { readAmount } from './read-amount.ts'
import { readInstant, startOfDayMs } from './read-instant.ts'
import { readReport, type ReportForm } from './read-report.ts'
import { isReportRow, type ReportItem } from './report-row.ts'

const mtn = csvFormats['mtn-momo']
const headers = 'Date,Type,Status,Amount,Currency,Reference Id,Financial Transaction Id,Payer'
const reference = '0f8fad5b-d9cb-469f-a165-70867728950e'
const good = `2026-11-22T10:00:00Z,requesttopay,SUCCESSFUL,500.00,UGX,${reference},9001,256772123456`

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function read(file: string | Uint8Array, form: ReportForm = { kind: 'csv', format: mtn }, currency: Currency = 'UGX', size = 7): Promise<ReportItem[]> {
  const items: ReportItem[] = []
  const bytes = typeof file === 'string' ? Buffer.from(file) : file
  for await (const item of readReport(inPieces(bytes, size), form, { currency, timeZone: 'Africa/Kampala' })) items.push(item)
  return items
}

const row = {
  line: 2, occurredAtMs: Date.UTC(2026, 10, 22, 10), direction: 'collection', status: 'succeeded', amountMinor: 500n, reference, payment: null,
  networkReference: '9001',
}

describe('a report as CSV', () => {
  test('is read row by row, whatever pieces it comes in, and columns that nobody needs are left', async () => {
    for (const size of [1, 2, 7, 4096]) assert.deepEqual(await read(`${headers}\r\n${good}\r\n`, undefined, 'UGX', size), [row])
  })

  const same: readonly (readonly [string, string | Uint8Array])[] = [
    ['with a byte order mark', `\uFEFF${headers}\n${good}\n`],
    ['as UTF-16 with its mark', Buffer.from(`\uFEFF${headers}\n${good}\n`, 'utf16le')],
    ['without a last line feed', `${headers}\n${good}`],
    ['with lines that are empty', `${headers}\r\n${good}\r\n\r\n,,,,,,,\r\n`],
    ['in quotes', csv([headers.split(','), good.split(',')])],
    ['with a reference without hyphens', `${headers}\n${good.replace(reference, reference.replaceAll('-', '').toUpperCase())}`],
    ['with groups of thousands, where there are none', `${headers}\n${good.replace('500.00', '"0,500"')}`.replace('"0,500"', '500')],
  ]
  for (const [what, file] of same) test(`is the same ${what}`, async () => assert.deepEqual(await read(file), [row]))

  const refused: readonly (readonly [string, string | Uint8Array, line: number, column: number, RegExp])[] = [
    ['a file without anything', '', 1, 1, /no line of headers/],
    ['headers of something else', 'a,b\n1,2\n', 1, 1, /no column has the header Date/],
    ['a header twice, of which either could be meant', `${headers},Amount\n${good},1\n`, 1, 1, /two columns/],
    ['a row that is too short', `${headers}\n${good.slice(0, good.lastIndexOf(','))}\n`, 2, 8, /7 cells/],
    ['a row that is too long', `${headers}\n${good},x\n`, 2, 9, /9 cells/],
    ['more digits than the currency has', `${headers}\n${good.replace('500.00', '500.01')}\n`, 2, 4, /no amount of UGX/],
    ['a decimal comma where the mark is a point', `${headers}\n${good.replace('500.00', '"500,00"')}\n`, 2, 4, /no amount/],
    ['nothing', `${headers}\n${good.replace('500.00', '0')}\n`, 2, 4, /no amount/],
    ['a number that is none', `${headers}\n${good.replace('500.00', '5e2')}\n`, 2, 4, /no amount/],
    ['more than twelve digits', `${headers}\n${good.replace('500.00', '1000000000000')}\n`, 2, 4, /no amount/],
    ['another network\'s currency', `${headers}\n${good.replace('UGX', 'KES')}\n`, 2, 5, /settles in UGX/],
    ['a type that nobody configured', `${headers}\n${good.replace('requesttopay', 'gift')}\n`, 2, 2, /no type/],
    ['a type that is a name of every object', `${headers}\n${good.replace('requesttopay', 'constructor')}\n`, 2, 2, /no type/],
    ['a status that is a name of every object', `${headers}\n${good.replace('SUCCESSFUL', 'constructor')}\n`, 2, 3, /no status/],
    ['a day that no calendar has', `${headers}\n${good.replace('2026-11-22', '2026-02-30')}\n`, 2, 1, /no instant/],
    ['a formula as the network\'s reference', `${headers}\n${good.replace('9001', '=HYPERLINK(1)')}\n`, 2, 7, /no reference/],
    ['a control sequence as a reference', `${headers}\n${good.replace('9001', '9\u001b[2J')}\n`, 2, 7, /no reference/],
    ['a row without a reference', `${headers}\n${good.replace('9001', '')}\n`, 2, 7, /no reference/],
    ['a byte of zero', `${headers}\n${good.replace('9001', '90\0')}\n`, 2, 7, /byte of zero/],
    ['bytes that are no UTF-8', Buffer.concat([Buffer.from(`${headers}\n${good}\n`), Buffer.from([0xff, 0xfe, 0x41])]), 3, 1, /no utf-8/],
    ['a file that ends in quotes', `${headers}\n"${good}\n`, 3, 1, /ends within quotes/],
    ['text after a quote', `${headers}\n"a"b,c\n`, 2, 1, /closing quote/],
    ['a quote within plain text', `${headers}\na"b,c\n`, 2, 1, /a quote stands/],
    ['a carriage return alone', `${headers}\na\rb\n`, 2, 1, /carriage return/],
    ['a line that never ends', `${headers}\n${'x'.repeat(20_000)}`, 2, 1, /at most 16384/],
    ['a row of commas', `${headers}\n${','.repeat(1_000)}\n`, 2, 129, /at most 128 cells/],
  ]
  for (const [what, file, line, column, problem] of refused) {
    test(`says where there is ${what}`, async () => {
      const found = (await read(file)).find((item) => 'problem' in item)
      assert.ok(found !== undefined && 'problem' in found)
      assert.deepEqual([found.line, found.column], [line, column])
      assert.match(found.problem, problem)
    })
  }

  test('goes on after a row that is none, so that all of them are said at once', async () => {
    const items = await read([headers, good.replace('500.00', 'x'), good, good.replace('requesttopay', 'gift'), good.replace('requesttopay', 'Fee')].join('\n'))
    assert.deepEqual(items.map((item) => ('problem' in item ? 'problem' : isReportRow(item) ? 'row' : 'skip')), ['problem', 'row', 'problem', 'skip'])
  })

  test('with decimal commas, days first and signs is a matter of configuration', async () => {
    const format: CsvFormat = {
      ...mtn, separator: ';', decimal: { mark: ',', group: '.' }, dates: 'dmy',
      columns: { time: 'Datum', amount: 'Betrag', networkReference: 'Id' },
    }
    const items = await read('Datum;Betrag;Id\n22/11/2026 13:00:00;1.250,50;A-1\n22/11/2026 13:00:01;-7,5;A-2\n', { kind: 'csv', format }, 'KES')
    assert.deepEqual(items, [
      { ...row, amountMinor: 125_050n, reference: null, networkReference: 'A-1' },
      { ...row, line: 3, occurredAtMs: row.occurredAtMs + 1000, direction: 'payout', amountMinor: 750n, reference: null, networkReference: 'A-2' },
    ])
  })

  test('is never more than rows, problems and skips, whatever the bytes are', async () => {
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.boolean(), async (bytes, hasHeaders) => {
      const file = hasHeaders ? Buffer.concat([Buffer.from(`${headers}\n${good}\n`), bytes]) : bytes
      for (const item of await read(file)) assert.ok('line' in item && item.line >= 1)
    }), { numRuns: 200 })
  })
})

describe('an amount', () => {
  const amounts: readonly (readonly [string, Currency, '.' | ',', '' | ',' | '.' | ' ', bigint | undefined])[] = [
    ['1,250.50', 'KES', '.', ',', 125_050n], ['1250.5', 'KES', '.', '', 125_050n], ['1.250,50', 'KES', ',', '.', 125_050n],
    ['1\u00A0250,50', 'KES', ',', ' ', 125_050n], ['100.000', 'UGX', '.', ',', 100n], ['12,50', 'KES', '.', ',', undefined],
    ['1,2500', 'KES', '.', ',', undefined], ['12,3456,789', 'KES', '.', ',', undefined], ['1.2.3', 'KES', '.', '', undefined], ['.5', 'KES', '.', '', undefined],
    ['5.', 'KES', '.', '', undefined], ['10.005', 'KES', '.', '', undefined], ['007', 'UGX', '.', '', 7n], ['٣', 'UGX', '.', '', undefined], ['1 000', 'UGX', '.', ',', undefined],
    ['9'.repeat(40), 'UGX', '.', '', undefined],
  ]
  for (const [text, currency, mark, group, minor] of amounts) {
    test(`${text} ${currency} with ${mark} and ${JSON.stringify(group)} is ${String(minor)}`, () => {
      assert.equal(readAmount(text, currency, { mark, group })?.amountMinor, minor)
    })
  }
})

describe('an instant', () => {
  const instants: readonly (readonly [string, 'iso' | 'dmy' | 'mdy', string | undefined])[] = [
    ['2026-11-22T10:00:00.25Z', 'iso', '2026-11-22T10:00:00.250Z'], ['2026-11-22 13:00:00', 'iso', '2026-11-22T10:00:00.000Z'],
    ['2026-11-22T10:00:00-0230', 'iso', '2026-11-22T12:30:00.000Z'], ['2026-11-22', 'iso', '2026-11-21T21:00:00.000Z'],
    ['3/4/2026 01:02', 'dmy', '2026-04-02T22:02:00.000Z'], ['3/4/2026 01:02', 'mdy', '2026-03-03T22:02:00.000Z'],
    ['2026-11-22T25:00:00Z', 'iso', undefined], ['1899-01-01', 'iso', undefined], ['22/11/2026', 'iso', undefined], ['', 'iso', undefined],
  ]
  for (const [text, order, expected] of instants) {
    test(`${text} as ${order} is ${String(expected)}`, () => {
      const ms = readInstant(text, order, 'Africa/Kampala')
      assert.equal(ms === undefined ? undefined : new Date(ms).toISOString(), expected)
    })
  }

  test('of a zone that changes its clocks is that of the day', () => {
    assert.equal(startOfDayMs('2026-03-29', 'Europe/Berlin'), Date.UTC(2026, 2, 28, 23))
    assert.equal(readInstant('2026-03-29 12:00', 'iso', 'Europe/Berlin'), Date.UTC(2026, 2, 29, 10))
  })
})
