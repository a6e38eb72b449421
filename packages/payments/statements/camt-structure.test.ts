import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { AccountId, Currency, LedgerDocumentId, MerchantId } from '@ngome/kernel'
import { documentTransferRules } from '../document-transfers.ts'
import { transferRules } from '../transfers.ts'
import { statementCamt } from './statement-camt.ts'
import { sumOf, writeStatement, type StatementEntry } from './statement.ts'

/**
 * Of camt.053.001.08 what a statement of ours uses: the elements of each in their order, `?` where one may be left out and `*` where
 * there may be many, and the facets of each text. Others of the schema may stand between them, and none of ours anywhere else.
 */
const structure: Readonly<Record<string, string>> = {
  Document: 'BkToCstmrStmt', BkToCstmrStmt: 'GrpHdr Stmt', GrpHdr: 'MsgId CreDtTm',
  Stmt: 'Id StmtPgntn? CreDtTm? Acct Bal* TxsSummry? Ntry*', StmtPgntn: 'PgNb LastPgInd', Acct: 'Id Ccy? Ownr?', Ownr: 'Id?',
  Bal: 'Tp Amt CdtDbtInd Dt', Tp: 'CdOrPrtry SubTp?', TxsSummry: 'TtlNtries? TtlCdtNtries? TtlDbtNtries?', TtlNtries: 'NbOfNtries? Sum?',
  TtlCdtNtries: 'Sum?', TtlDbtNtries: 'Sum?', Ntry: 'Amt CdtDbtInd RvslInd? Sts BookgDt? ValDt? AcctSvcrRef? BkTxCd NtryDtls*', Sts: 'Cd', BkTxCd: 'Prtry?',
  Prtry: 'Cd Issr?', NtryDtls: 'TxDtls*', TxDtls: 'Refs? Amt CdtDbtInd RmtInf?', Refs: 'AcctSvcrRef? EndToEndId?', RmtInf: 'Ustrd*', OrgId: 'Othr*',
}
const text35 = /^[^]{1,35}$/
const facets: Readonly<Record<string, RegExp>> = {
  Id: text35, MsgId: text35, CreDtTm: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, PgNb: /^\d{1,5}$/, LastPgInd: /^(true|false)$/, Ccy: /^[A-Z]{3}$/,
  Amt: /^(?=[\d.]{1,19}$)\d+(\.\d{1,5})?$/, Sum: /^(?=[\d.]{1,19}$)\d+(\.\d{1,17})?$/, CdtDbtInd: /^(CRDT|DBIT)$/, RvslInd: /^(true|false)$/,
  NbOfNtries: /^\d{1,15}$/, AcctSvcrRef: text35, Issr: text35, EndToEndId: text35, Ustrd: /^[^]{1,140}$/, Cd: text35, Dt: /^\d{4}-\d\d-\d\d$/,
  DtTm: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
}

type Element = { readonly name: string; readonly children: Element[]; text: string }

/** Reads what the writer writes: no comments, no sections, no attributes but of the root and of amounts. */
function parse(xml: string): Element {
  const top: Element = { name: '', children: [], text: '' }
  const open = [top]
  for (const [, slash, name = '', , text = ''] of xml.replace(/^<\?xml[^>]*>/, '').matchAll(/<(\/?)([A-Za-z]+)( [^>]*)?>([^<]*)/g)) {
    if (slash === '/') assert.equal(open.pop()?.name, name)
    else {
      const element = { name, children: [], text: text.replace(/&(lt|gt|amp);/g, (_, sign: string) => ({ lt: '<', gt: '>' })[sign] ?? '&') }
      open.at(-1)?.children.push(element)
      open.push(element)
    }
  }
  assert.equal(open.length, 1)
  return top.children[0] ?? assert.fail('no root')
}

/** What of an element is not as the schema has it. */
function faultsOf(element: Element): string[] {
  const { name, children, text } = element
  if (children.length === 0) {
    // A date is its own element, and the type that holds one.
    const facet = facets[name]
    return facet === undefined ? [`${name} is nothing that we know`] : facet.test(text) ? [] : [`${name} is ${text}`]
  }
  const wanted = structure[name]?.split(' ').map((part) => `(?:${part.replace(/[?*]$/, '')} )${/[?*]$/.exec(part)?.[0] ?? ''}`).join('')
  const names = children.map((child) => `${child.name} `).join('')
  const isOrdered = wanted === undefined || new RegExp(`^${wanted}$`).test(names)
  return [...isOrdered ? [] : [`${name} has ${names}`], ...children.flatMap(faultsOf)]
}

const from = { tenant: { merchant: 'mer_01k8z3f7q2e9d8m4n6p0r5s7tv' as MerchantId, world: 'test' }, account: 'acc_01k8z3f7q2e9d8m4n6p0r5s7tv' as AccountId } as const

async function written(currency: Currency, entries: readonly StatementEntry[]): Promise<string> {
  const [creditMinor, debitMinor] = [sumOf(entries, true), sumOf(entries, false)]
  const part = {
    ...from, currency, from: '2026-11-01', to: '2026-11-30', createdAtMs: Date.UTC(2026, 11, 1), number: 1, isLast: true,
    openingMinor: 10n ** 12n, closingMinor: 10n ** 12n + creditMinor - debitMinor, entryCount: entries.length, creditMinor, debitMinor,
  }
  return (await Array.fromAsync(writeStatement(statementCamt, part, [entries]))).join('')
}

/** Each kind of transfer that a merchant's available money can move by, with what it is of. */
const rules = { ...transferRules, ...documentTransferRules }
const kinds = Object.entries(rules).filter(([, { debit, credit }]) => debit === 'merchant_available' || credit === 'merchant_available')
const entries = kinds.map(([kind, rule], at): StatementEntry => ({
  document: `${'document' in rule ? (rule.document === 'settlement' ? 'stl' : 'adj') : 'pay'}_01k8z3f7q2e9d8m4n6p0r5s7tv` as LedgerDocumentId, kind,
  isCredit: rule.credit === 'merchant_available', amountMinor: BigInt(1_000_005 + at), atMs: Date.UTC(2026, 10, 20), day: '2026-11-20',
  reference: 'document' in rule && rule.document === 'settlement' ? '' : `order & <${kind}>`, network: kind.startsWith('settlement') ? '' : 'mtn-sandbox',
}))

describe('a statement as camt.053 with every kind of transfer', () => {
  for (const [currency, first] of [['KES', '10000.05'], ['GHS', '10000.05'], ['XOF', '1000005'], ['RWF', '1000005'], ['UGX', '1000005'], ['TND', '1000.005']] as const) {
    test(`is as the schema has it in ${currency}, with its digits`, async () => {
      const text = await written(currency, entries)
      assert.deepEqual(faultsOf(parse(text)), [])
      assert.equal(text.split('<Ntry>').length - 1, entries.length)
      assert.ok(text.includes(`<Ntry><Amt Ccy="${currency}">${first}</Amt>`), text.slice(0, 2_000))
    })
  }

  test('has the kinds that came later too: reversals, settlements, debts, corrections', () => {
    const names = new Set(kinds.map(([kind]) => kind))
    for (const kind of ['payout_reversal', 'payout_fee_reversal', 'refund_reversal', 'refund_fee_reversal', 'settlement', 'settlement_returned', 'suspense_to_merchant', 'suspense_from_merchant', 'debt_repayment']) {
      assert.ok(names.has(kind), kind)
    }
  })

  test('says of a reversal that it is one, and of nothing else', async () => {
    const root = parse(await written('KES', entries))
    const all = (root.children[0]?.children[1]?.children ?? []).filter(({ name }) => name === 'Ntry')
    const said = all.filter(({ children }) => children.some(({ name, text }) => name === 'RvslInd' && text === 'true'))
    const kindOf = (entry: Element): string | undefined => entry.children.find(({ name }) => name === 'BkTxCd')?.children[0]?.children[0]?.text
    // Both in the order of the table of kinds.
    assert.deepEqual(said.map(kindOf), kinds.map(([kind]) => kind).filter((kind) => kind.endsWith('_reversal')))
  })

  const spoiled: readonly (readonly [string, string | RegExp, string])[] = [
    ['an element out of its order', /(<Sts>.*?<\/Sts>)(<BookgDt>.*?<\/BookgDt>)/, '$2$1'], ['an element left out', /<CdtDbtInd>CRDT<\/CdtDbtInd>/, ''],
    ['an element twice', '<LastPgInd>true</LastPgInd>', '<LastPgInd>true</LastPgInd><LastPgInd>true</LastPgInd>'],
    ['an amount with a sign', /<Amt Ccy="KES">1/, '<Amt Ccy="KES">-1'], ['a reference too long', '<EndToEndId>', `<EndToEndId>${'x'.repeat(36)}`],
    ['an element of ours', '<Issr>', '<Kind>x</Kind><Issr>'],
  ]
  for (const [what, find, put] of spoiled) {
    test(`is seen to have ${what}`, async () => {
      const text = await written('KES', entries)
      const bent = text.replace(find, put)
      assert.notEqual(bent, text)
      assert.notDeepEqual(faultsOf(parse(bent)), [])
    })
  }
})
