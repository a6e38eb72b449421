import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { AccountId, Currency, MerchantId, PaymentId } from '@ngome/kernel'
import { chromiumPath, runInChromium } from '@ngome/testkit'
import fc from 'fast-check'
import { statementCamt } from './statement-camt.ts'
import { statementCsv } from './statement-csv.ts'
import { sumOf, writeStatement, type StatementEntry, type StatementForm, type StatementPart } from './statement.ts'
import { xmlText } from './xml-text.ts'

function partOf(entries: readonly StatementEntry[], changes: Partial<StatementPart> = {}): StatementPart {
  const [creditMinor, debitMinor, openingMinor] = [sumOf(entries, true), sumOf(entries, false), changes.openingMinor ?? 1_000_000n]
  return {
    tenant: { merchant: 'mer_01k8z3f7q2e9d8m4n6p0r5s7tv' as MerchantId, world: 'test' }, account: 'acc_01k8z3f7q2e9d8m4n6p0r5s7tv' as AccountId,
    currency: 'KES', from: '2026-11-01', to: '2026-11-21', createdAtMs: Date.UTC(2026, 10, 22), number: 1, isLast: true,
    openingMinor, closingMinor: openingMinor + creditMinor - debitMinor, entryCount: entries.length, creditMinor, debitMinor, ...changes,
  }
}

const entryOf = (changes: Partial<StatementEntry> = {}): StatementEntry => ({
  document: 'pay_01k8z3f7q2e9d8m4n6p0r5s7tv' as PaymentId, kind: 'collection', isCredit: true, amountMinor: 1_250n, atMs: Date.UTC(2026, 10, 20),
  day: '2026-11-20', reference: 'order-42', network: 'mtn-sandbox', ...changes,
})

const written = async (form: StatementForm, entries: readonly StatementEntry[], changes: Partial<StatementPart> = {}): Promise<string> =>
  (await Array.fromAsync(writeStatement(form, partOf(entries, changes), [entries]))).join('')

/** Of each currency, its digits after the point. */
const amounts: readonly (readonly [Currency, string])[] = [['UGX', '1250'], ['XOF', '1250'], ['KES', '12.50'], ['GHS', '12.50'], ['TND', '1.250']]

describe('a statement as CSV', () => {
  test('begins and ends with the balances, and says after each entry what the account held', async () => {
    const text = await written(statementCsv, [entryOf(), entryOf({ isCredit: false, kind: 'payout', amountMinor: 250n })])
    assert.deepEqual(text.split('\r\n'), [
      '"booked_on","posted_at","type","payment","reference","network","credit","debit","balance","currency"',
      '"2026-11-01","","opening_balance","","","","","","10000.00","KES"',
      '"2026-11-20","2026-11-20T00:00:00.000Z","collection","pay_01k8z3f7q2e9d8m4n6p0r5s7tv","order-42","mtn-sandbox","12.50","","10012.50","KES"',
      '"2026-11-20","2026-11-20T00:00:00.000Z","payout","pay_01k8z3f7q2e9d8m4n6p0r5s7tv","order-42","mtn-sandbox","","2.50","10010.00","KES"',
      '"2026-11-21","","closing_balance","","","","","","10010.00","KES"', ''])
  })

  for (const [currency, amount] of amounts) {
    test(`writes ${currency} with its digits`, async () => {
      assert.ok((await written(statementCsv, [entryOf()], { currency })).includes(`"${amount}","","`))
      assert.ok((await written(statementCamt, [entryOf()], { currency })).includes(`<Amt Ccy="${currency}">${amount}</Amt><CdtDbtInd>CRDT`))
    })
  }

  for (const reference of ['=HYPERLINK("http://x")', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1']) {
    test(`writes a reference ${JSON.stringify(reference)} as no formula`, async () => {
      assert.ok((await written(statementCsv, [entryOf({ reference })])).includes(`"'${reference.replaceAll('"', '""')}"`))
    })
  }
})

test('a statement that does not add up is not ended, in any form', async () => {
  for (const form of [statementCsv, statementCamt]) {
    for (const changes of [{ closingMinor: 1n }, { entryCount: 2 }]) {
      await assert.rejects(written(form, [entryOf()], changes), /does not add up/)
    }
  }
})

test('a statement of 100,000 entries is written in pieces, none longer than a page of entries', async () => {
  const page = Array.from({ length: 1_000 }, () => entryOf())
  const part = partOf(page)
  const whole = { ...part, entryCount: 100_000, creditMinor: 125_000_000n, closingMinor: part.openingMinor + 125_000_000n }
  for (const form of [statementCsv, statementCamt]) {
    let [longest, length] = [0, 0]
    const before = process.memoryUsage().heapUsed
    let most = 0
    for await (const piece of writeStatement(form, whole, Array.from({ length: 100 }, () => page))) {
      longest = Math.max(longest, piece.length)
      length += piece.length
      most = Math.max(most, process.memoryUsage().heapUsed - before)
    }
    assert.ok(length > 10_000_000 && longest < 1_000_000, `${length} ${longest}`)
    assert.ok(most < 100_000_000, `${most} bytes more in use`)
  }
})

describe('text in XML', () => {
  for (const [text, inXml] of [
    ['a<b>&"\'', 'a&lt;b&gt;&amp;&quot;&apos;'], ['\u0000\u0008\u001f', '\ufffd\ufffd\ufffd'], ['\ud800', '\ufffd'], ['\uffff', '\ufffd'],
    [']]>', ']]&gt;'], ['\r\n', '&#13;\n'], ['é 漢 😀', 'é 漢 😀'], ['<!ENTITY x SYSTEM "file:///etc/passwd">', '&lt;!ENTITY x SYSTEM &quot;file:///etc/passwd&quot;&gt;'],
  ] as const) test(`${JSON.stringify(text)} is ${JSON.stringify(inXml)}`, () => assert.equal(xmlText(text), inXml))
})

const chromium = chromiumPath()
describe('a statement as camt.053', { skip: chromium === undefined ? 'chromium is not installed: npm run setup:system' : false }, () => {
  /** What a parser that is not ours reads: balances, sums and entries with what they say. */
  type Read = { root: string; balances: string[]; entries: string[][]; sums: string[]; pages: string[]; ids: string[] }
  const parse = async (documents: readonly string[]): Promise<Read[]> => JSON.parse(await runInChromium(chromium ?? '', `
    const read = (text) => {
      const xml = new DOMParser().parseFromString(text, 'application/xml')
      const fault = xml.querySelector('parsererror')
      if (fault) return { root: fault.textContent }
      const all = (path, of = xml) => [...of.querySelectorAll(path)]
      const one = (path, of) => of.querySelector(path)?.textContent ?? ''
      return {
        root: xml.documentElement.namespaceURI + ' ' + xml.documentElement.localName,
        balances: all('Stmt > Bal').map((b) => [one('CdOrPrtry > Cd', b), one('SubTp > Cd', b), one('CdtDbtInd', b), one('Amt', b), one('Dt > Dt', b)].join(' ')),
        entries: all('Stmt > Ntry').map((e) => [one('CdtDbtInd', e), one('Amt', e), e.querySelector('Amt').getAttribute('Ccy'), one('BookgDt > Dt', e),
          one('AcctSvcrRef', e), one('EndToEndId', e), one('BkTxCd Cd', e), one('RmtInf > Ustrd', e)]),
        sums: all('TxsSummry > *').map((s) => s.localName + ' ' + one('NbOfNtries', s) + ' ' + one('Sum', s)),
        pages: all('StmtPgntn > *').map((s) => s.textContent), ids: all('MsgId, Stmt > Id').map((s) => s.textContent),
      }
    }
    answer(JSON.stringify(${JSON.stringify(documents)}.map(read)))`, [])) as Read[]

  test('is well-formed whatever merchants call their orders, adds up, and says each thing where it belongs', async () => {
    const hostile = ['</Ustrd><Ntry>', ']]>', '&x;', '\u0000\ud800', '<!DOCTYPE a [<!ENTITY x "y">]>', '"\'', `${'long '.repeat(60)}`, '漢 é 😀'.repeat(20)]
    const entries = [entryOf(), entryOf({ isCredit: false, kind: 'payout_fee', amountMinor: 7n }), ...hostile.map((reference) => entryOf({ reference }))]
    const generated = fc.sample(fc.array(fc.record({ reference: fc.string({ unit: 'binary', maxLength: 200 }), isCredit: fc.boolean(), amountMinor: fc.bigInt(1n, 10n ** 14n) }), { maxLength: 30 }), 20)
      .map((changes) => changes.map((change) => entryOf(change)))
    const documents = [entries, ...generated]
    const reads = await parse(await Promise.all(documents.map((all) => written(statementCamt, all))))
    assert.equal(reads.length, 21)
    for (const [at, read] of reads.entries()) {
      const of = documents[at] ?? []
      assert.equal(read.root, 'urn:iso:std:iso:20022:tech:xsd:camt.053.001.08 Document')
      assert.equal(read.entries.length, of.length)
      const minor = (text = ''): bigint => BigInt(text.replace('.', ''))
      const balance = read.entries.reduce((sum, [indicator, amount]) => indicator === 'CRDT' ? sum + minor(amount) : sum - minor(amount), 1_000_000n)
      const part = partOf(of)
      assert.equal(balance, part.closingMinor)
      assert.match(read.balances[0] ?? '', /^OPBD {2}CRDT 10000\.00 2026-11-01$/)
      assert.equal(minor(read.balances[1]?.split(' ')[3]), balance < 0n ? -balance : balance)
      assert.equal(read.balances[1]?.split(' ')[2], balance < 0n ? 'DBIT' : 'CRDT')
      for (const id of read.ids) assert.ok(id.length > 0 && id.length <= 35)
      for (const entry of read.entries) assert.ok((entry[5] ?? '').length <= 35 && (entry[7] ?? '').length <= 140)
      assert.deepEqual(read.sums.map((sum) => minor(sum.split(' ')[2])), [part.creditMinor + part.debitMinor, part.creditMinor, part.debitMinor])
      assert.equal(read.sums[0]?.split(' ')[1], String(of.length))
    }
    assert.deepEqual(reads[0]?.entries[0], ['CRDT', '12.50', 'KES', '2026-11-20', 'pay_01k8z3f7q2e9d8m4n6p0r5s7tv', 'order-42', 'collection', ''])
    assert.deepEqual(reads[0]?.pages, ['1', 'true'])
  })

  test('of which this is a part says so, and its balances at the seams are intermediate', async () => {
    const [middle] = await parse([await written(statementCamt, [entryOf()], { number: 2, isLast: false })])
    assert.deepEqual(middle?.balances.map((balance) => balance.split(' ').slice(0, 2)), [['OPBD', 'INTM'], ['CLBD', 'INTM']])
    assert.deepEqual(middle?.pages, ['2', 'false'])
  })
})
