import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId, systemClock, systemRandom, type AccountId, type MerchantId } from '@ngome/kernel'
import fc from 'fast-check'
import { statementCamt } from '../statements/statement-camt.ts'
import { writeStatement } from '../statements/statement.ts'
import { readReport } from './read-report.ts'
import { isReportRow, type ReportItem } from './report-row.ts'

const reference = '0f8fad5b-d9cb-469f-a165-70867728950e'
const namespace = 'urn:iso:std:iso:20022:tech:xsd:camt.053.001.08'
const wrap = (inner: string, prolog = ''): string => `<?xml version="1.0" encoding="UTF-8"?>${prolog}<Document xmlns="${namespace}"><BkToCstmrStmt><Stmt>${inner}</Stmt></BkToCstmrStmt></Document>`
const entry = (more = '', amount = '<Amt Ccy="KES">12.50</Amt>', sign = 'CRDT'): string => (
  `<Ntry>${amount}<CdtDbtInd>${sign}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><DtTm>2026-11-22T10:00:00Z</DtTm></BookgDt><AcctSvcrRef>B-1</AcctSvcrRef>${more}</Ntry>`)
const details = (id: string, more = ''): string => `<TxDtls><Refs><EndToEndId>${id}</EndToEndId></Refs>${more}</TxDtls>`

async function* inPieces(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function read(text: string, size = 11): Promise<ReportItem[]> {
  const items: ReportItem[] = []
  for await (const item of readReport(inPieces(text, size), { kind: 'camt.053' }, { currency: 'KES', timeZone: 'UTC' })) items.push(item)
  return items
}

const row = {
  line: 1, occurredAtMs: Date.UTC(2026, 10, 22, 10), direction: 'collection', status: 'succeeded', amountMinor: 1250n, reference: null, payment: null,
  networkReference: 'B-1',
}

describe('a statement of camt.053', () => {
  test('is read entry by entry, whatever pieces it comes in', async () => {
    for (const size of [1, 5, 4096]) {
      assert.deepEqual(await read(wrap(entry(`<NtryDtls>${details(reference)}</NtryDtls>`)), size), [{ ...row, reference }])
    }
  })

  test('tells what came from what went, what is not booked, and what was taken back', async () => {
    const shown = async (text: string) => (await read(wrap(text))).filter(isReportRow).map(({ direction, status }) => `${direction} ${status}`)
    assert.deepEqual(await shown(entry('', undefined, 'DBIT')), ['outgoing succeeded'])
    assert.deepEqual(await shown(entry().replace('BOOK', 'PDNG')), ['collection pending'])
    assert.deepEqual(await shown(entry('<RvslInd>true</RvslInd>', undefined, 'DBIT')), ['collection reversed'])
    assert.deepEqual(await read(wrap(entry().replace('BOOK', 'INFO'))), [{ line: 1, skipped: true }])
  })

  test('has its transactions apart where an entry is their sum', async () => {
    const tx = (id: string, amount: string) => details('NOTPROVIDED', `<Refs><TxId>${id}</TxId></Refs><Amt Ccy="KES">${amount}</Amt>`)
    const items = await read(wrap(entry(`<NtryDtls>${tx('T-1', '10.00')}${tx('T-2', '2.50')}</NtryDtls>`)))
    assert.deepEqual(items.filter(isReportRow).map(({ networkReference, amountMinor }) => [networkReference, amountMinor]), [['T-1', 1000n], ['T-2', 250n]])
  })

  test('says what time it covers', async () => {
    const period = '<FrToDt><FrDtTm>2026-11-22T00:00:00</FrDtTm><ToDtTm>2026-11-23T00:00:00</ToDtTm></FrToDt>'
    assert.deepEqual((await read(wrap(period + entry())))[0], { fromMs: Date.UTC(2026, 10, 22), toMs: Date.UTC(2026, 10, 23) })
  })

  test('is what we write ourselves', async () => {
    const payment = newId('payment', { clock: systemClock, random: systemRandom })
    const part = {
      tenant: { merchant: 'mer_x' as MerchantId, world: 'test' as const }, account: 'acc_x' as AccountId, currency: 'KES' as const, from: '2026-11-22', to: '2026-11-22',
      createdAtMs: 0, number: 1, isLast: true, openingMinor: 0n, closingMinor: 1250n, entryCount: 1, creditMinor: 1250n, debitMinor: 0n,
    }
    const ours = { document: payment, kind: 'collection' as const, isCredit: true, amountMinor: 1250n, atMs: row.occurredAtMs, day: '2026-11-22', reference: 'order-42', network: 'mtn' }
    async function* pages() { yield [ours] }
    let text = ''
    for await (const piece of writeStatement(statementCamt, part, pages())) text += piece
    const [item] = await read(text)
    assert.ok(item !== undefined && isReportRow(item))
    assert.deepEqual([item.amountMinor, item.networkReference], [1250n, payment])
  })

  const bomb = `<!DOCTYPE x [${Array.from({ length: 9 }, (_, at) => `<!ENTITY e${at + 1} "${`&e${at};`.repeat(10)}">`).join('')}]>`
  const attacks: readonly (readonly [string, string, RegExp])[] = [
    ['entities that multiply', wrap(entry(), bomb).replace('B-1', '&e9;'), /document type/],
    ['an entity of a file', wrap(entry(), '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>').replace('B-1', '&e;'), /document type/],
    ['a document type elsewhere', wrap(entry(), '<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd">'), /document type/],
    ['an entity without a type', wrap(entry().replace('B-1', '&e;')), /no XML: undefined entity/],
    ['a processing instruction', wrap(entry(), '<?xml-stylesheet href="x"?>'), /processing instruction/],
    ['elements without end', wrap('<a>'.repeat(100)), /at most 32 deep/],
    ['a text without end', wrap(`<Id>${'x'.repeat(10_000)}</Id>`), /at most 4096/],
    ['a name without end', `${wrap('').slice(0, -40)}<${'x'.repeat(1_200_000)}`, /at most 1048576/],
    ['attributes without number', wrap(`<Id ${Array.from({ length: 50 }, (_, at) => `a${at}="1"`).join(' ')}/>`), /at most 16 attributes/],
    ['another encoding', wrap(entry()).replace('UTF-8', 'UTF-7'), /UTF-8/],
    ['another message', wrap(entry()).replace('camt.053.001.08', 'pain.001.001.09'), /no statement/],
    ['no namespace', '<Document><Ntry/></Document>', /no statement/],
    ['a file that ends in the middle', wrap(entry()).slice(0, -30), /no XML/],
    ['no XML at all', 'Date,Amount\n1,2\n', /no XML/],
    ['an empty file', '', /no XML/],
    ['a byte of zero', wrap(entry()).replace('B-1', 'B\0'), /byte of zero/],
    ['another currency', wrap(entry('', '<Amt Ccy="UGX">12</Amt>')), /settles in KES/],
    ['more digits than the currency has', wrap(entry('', '<Amt Ccy="KES">12.505</Amt>')), /no amount/],
    ['less than nothing', wrap(entry('', '<Amt Ccy="KES">-12.50</Amt>')), /no amount/],
    ['a reference that is a formula', wrap(entry().replace('B-1', '=1+1')), /no reference/],
    ['neither credit nor debit', wrap(entry('', undefined, 'BOTH')), /neither credit nor debit/],
    ['a sum whose parts say no amount', wrap(entry(`<NtryDtls>${details('a')}${details('b')}</NtryDtls>`)), /says its amount/],
  ]
  for (const [what, text, problem] of attacks) {
    test(`refuses ${what}`, async () => {
      const found = (await read(text, 65_536)).find((item) => 'problem' in item)
      assert.ok(found !== undefined && 'problem' in found, 'it was taken')
      assert.match(found.problem, problem)
    })
  }

  test('is never more than rows and problems, wherever it is bent', async () => {
    const text = wrap(entry(`<NtryDtls>${details(reference)}</NtryDtls>`))
    await fc.assert(fc.asyncProperty(fc.nat(text.length - 1), fc.string({ maxLength: 3 }), async (at, put) => {
      for (const item of await read(text.slice(0, at) + put + text.slice(at + 1), 64)) assert.ok('line' in item || 'fromMs' in item)
    }), { numRuns: 200 })
  })
})
