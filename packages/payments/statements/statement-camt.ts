import { createHash } from 'node:crypto'
import { formatMoney } from '@ngome/kernel'
import { xmlText } from './xml-text.ts'
import type { StatementEntry, StatementForm, StatementPart } from './statement.ts'

/** The longest that a reference may be (ISO 20022, Max35Text). */
const referenceMax = 35
/** Max140Text. */
const remittanceMax = 140

/**
 * A statement as ISO 20022 `camt.053.001.08` (BankToCustomerStatementV08): one message with one statement, whose balances are opening
 * booked (`OPBD`) and closing booked (`CLBD`); where it is only a part of one, the balances at its seams are of subtype `INTM`.
 * `AcctSvcrRef` is our id of the payment, settlement or adjustment, `EndToEndId` the merchant's reference where it is short enough, and `BkTxCd` the kind of transfer.
 */
export const statementCamt: StatementForm = {
  contentType: 'application/xml; charset=utf-8',
  extension: 'xml',
  start(part) {
    const created = element('CreDtTm', new Date(part.createdAtMs).toISOString())
    const pagination = `<StmtPgntn>${element('PgNb', String(part.number))}${element('LastPgInd', String(part.isLast))}</StmtPgntn>`
    const account = `<Acct><Id><Othr>${element('Id', part.account)}</Othr></Id>${element('Ccy', part.currency)}<Ownr><Id><OrgId><Othr>${
      element('Id', part.tenant.merchant)}</Othr></OrgId></Id></Ownr></Acct>`
    return '<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>' +
      `<GrpHdr>${element('MsgId', messageId(part))}${created}</GrpHdr><Stmt>${element('Id', statementId(part))}${pagination}${created}${account}` +
      balance(part, 'OPBD', part.number > 1, part.openingMinor, part.from) + balance(part, 'CLBD', !part.isLast, part.closingMinor, part.to) +
      summary(part) + '\n'
  },
  entry(part, entry) {
    const money = `${amount(part, entry.amountMinor)}${element('CdtDbtInd', entry.isCredit ? 'CRDT' : 'DBIT')}`
    // Only where an entry undoes another one (ReversalIndicator).
    const reversal = entry.kind.endsWith('_reversal') ? element('RvslInd', 'true') : ''
    return `<Ntry>${money}${reversal}<Sts><Cd>BOOK</Cd></Sts><BookgDt>${element('Dt', entry.day)}</BookgDt>` +
      `<ValDt>${element('DtTm', new Date(entry.atMs).toISOString())}</ValDt>${element('AcctSvcrRef', entry.document)}` +
      `<BkTxCd><Prtry>${element('Cd', entry.kind)}${element('Issr', 'ngome')}</Prtry></BkTxCd>` +
      `<NtryDtls><TxDtls>${references(entry)}${money}${remittance(entry)}</TxDtls></NtryDtls></Ntry>\n`
  },
  end: () => '</Stmt></BkToCstmrStmt></Document>\n',
}

function element(name: string, text: string): string {
  return `<${name}>${xmlText(text)}</${name}>`
}

function amount({ currency }: StatementPart, amountMinor: bigint): string {
  return `<Amt Ccy="${currency}">${formatMoney({ amountMinor: amountMinor < 0n ? -amountMinor : amountMinor, currency })}</Amt>`
}

function balance(part: StatementPart, code: 'OPBD' | 'CLBD', isSeam: boolean, amountMinor: bigint, day: string): string {
  const subtype = isSeam ? '<SubTp><Cd>INTM</Cd></SubTp>' : ''
  return `<Bal><Tp><CdOrPrtry><Cd>${code}</Cd></CdOrPrtry>${subtype}</Tp>${amount(part, amountMinor)}` +
    `<CdtDbtInd>${amountMinor < 0n ? 'DBIT' : 'CRDT'}</CdtDbtInd><Dt>${element('Dt', day)}</Dt></Bal>`
}

function summary(part: StatementPart): string {
  const { creditMinor, debitMinor, entryCount, currency } = part
  const sum = (amountMinor: bigint): string => element('Sum', formatMoney({ amountMinor, currency }))
  return `<TxsSummry><TtlNtries>${element('NbOfNtries', String(entryCount))}${sum(creditMinor + debitMinor)}</TtlNtries>` +
    `<TtlCdtNtries>${sum(creditMinor)}</TtlCdtNtries><TtlDbtNtries>${sum(debitMinor)}</TtlDbtNtries></TxsSummry>`
}

function references({ document, reference }: StatementEntry): string {
  return `<Refs>${element('AcctSvcrRef', document)}${element('EndToEndId', reference !== '' && reference.length <= referenceMax ? reference : 'NOTPROVIDED')}</Refs>`
}

function remittance({ reference }: StatementEntry): string {
  if (reference.length <= referenceMax) return ''
  return `<RmtInf>${element('Ustrd', reference.slice(0, remittanceMax))}</RmtInf>`
}

/** The same for the same account and days, whoever asks and when; a part has its number in the message's. */
function statementId({ account, from, to }: StatementPart): string {
  return createHash('sha256').update(`${account} ${from} ${to}`).digest('hex').slice(0, referenceMax - 3)
}

function messageId(part: StatementPart): string {
  return createHash('sha256').update(`${statementId(part)} ${part.number} ${part.createdAtMs}`).digest('hex').slice(0, referenceMax - 3)
}
