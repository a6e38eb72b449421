import type { ReportOfNetwork } from './csv-report.ts'
import { readAmount } from './read-amount.ts'
import { readInstant } from './read-instant.ts'
import { readNetworkReference, readReference } from './read-reference.ts'
import type { MovementDirection, MovementStatus, ReportItem } from './report-row.ts'

/** What an entry, or one transaction of it, says. */
type Facts = Map<string, string>

/** As many transactions as one entry may hold together. */
const transactionsMax = 10_000
const decimal = { mark: '.', group: '' } as const
const statuses: Readonly<Record<string, MovementStatus>> = { BOOK: 'succeeded', PDNG: 'pending' }

/** Elements of interest, by their path below `Ntry` or below `TxDtls`; versions before 08 have a status without `Cd`. */
const names = new Map([
  ['Amt', 'amount'], ['AmtDtls/TxAmt/Amt', 'amount'], ['CdtDbtInd', 'sign'], ['RvslInd', 'reversal'], ['Sts', 'status'], ['Sts/Cd', 'status'],
  ['BookgDt/Dt', 'booked'], ['BookgDt/DtTm', 'booked'], ['ValDt/Dt', 'valued'], ['ValDt/DtTm', 'valued'], ['RltdDts/AccptncDtTm', 'accepted'],
  ['AcctSvcrRef', 'servicer'], ['NtryRef', 'entry'], ['Refs/AcctSvcrRef', 'servicer'], ['Refs/EndToEndId', 'end_to_end'], ['Refs/InstrId', 'instruction'],
  ['Refs/TxId', 'transaction'], ['Refs/UETR', 'uetr'],
])

/** One `Ntry` as it is read; its transactions are movements of their own, and take from it what they do not say themselves. */
export class CamtEntry {
  readonly #line: number
  readonly #network: ReportOfNetwork
  readonly #own: Facts = new Map()
  readonly #transactions: Facts[] = []
  #current: Facts = new Map()

  constructor(line: number, network: ReportOfNetwork) {
    this.#line = line
    this.#network = network
  }

  /** @param path below `Ntry` */
  take(path: string, text: string, currency: string): void {
    const inDetails = /^NtryDtls\/TxDtls(?:\/(.*))?$/.exec(path)
    if (inDetails !== null && inDetails[1] === undefined) {
      if (this.#transactions.length < transactionsMax) this.#transactions.push(this.#current)
      this.#current = new Map()
      return
    }
    const facts = inDetails === null ? this.#own : this.#current
    const name = names.get(inDetails?.[1] ?? path)
    if (name === undefined || text === '') return
    facts.set(name, text)
    if (name === 'amount') facts.set('currency', currency)
  }

  end(): readonly ReportItem[] {
    if (this.#transactions.length >= transactionsMax) return [this.#problem(`an entry holds fewer than ${transactionsMax} transactions`)]
    if (this.#own.get('status') === 'INFO') return [{ line: this.#line, skipped: true }]
    // An entry of several transactions is only their sum: each must say its own amount.
    const several = this.#transactions.length > 1
    return (several ? this.#transactions : [this.#transactions[0] ?? new Map<string, string>()]).map((details) => this.#read(details, several))
  }

  #read(details: Facts, mustSayAmount: boolean): ReportItem {
    const fact = (name: string): string => details.get(name) ?? this.#own.get(name) ?? ''
    const { currency, timeZone } = this.#network
    if (mustSayAmount && !details.has('amount')) return this.#problem('each of several transactions says its amount')
    if (fact('currency') !== currency) return this.#problem(`this network settles in ${currency}`)
    const amount = readAmount(fact('amount'), currency, decimal)
    if (amount === undefined || amount.isNegative) return this.#problem(`no amount of ${currency} above zero`)
    const occurredAtMs = readInstant(fact('accepted') || fact('valued') || fact('booked'), 'iso', timeZone)
    if (occurredAtMs === undefined) return this.#problem('no instant')
    const way = wayOf(fact('sign'), fact('reversal'), fact('status'))
    if (way === undefined) return this.#problem('neither credit nor debit, or no status')
    const networkReference = readNetworkReference(fact('transaction') || fact('servicer') || fact('entry'))
    if (networkReference === undefined) return this.#problem('no reference of the network\'s own (TxId, AcctSvcrRef, NtryRef)')
    return { line: this.#line, occurredAtMs, ...way, amountMinor: amount.amountMinor, ...referenceOf(fact), networkReference }
  }

  #problem(problem: string): ReportItem {
    return { line: this.#line, column: 1, problem }
  }
}

/** A debit that is a reversal takes back a credit. */
function wayOf(sign: string, reversal: string, status: string): { direction: MovementDirection; status: MovementStatus } | undefined {
  const booked = Object.hasOwn(statuses, status) ? statuses[status] : undefined
  const isReversal = reversal === 'true' || reversal === '1'
  if (booked === undefined || (sign !== 'CRDT' && sign !== 'DBIT')) return undefined
  const isIncoming = (sign === 'CRDT') !== isReversal
  return { direction: isIncoming ? 'collection' : 'outgoing', status: isReversal && booked === 'succeeded' ? 'reversed' : booked }
}

function referenceOf(fact: (name: string) => string): ReturnType<typeof readReference> {
  const read = ['end_to_end', 'instruction', 'uetr'].map((name) => readReference(fact(name)))
  return read.find(({ reference, payment }) => reference !== null || payment !== null) ?? { reference: null, payment: null }
}
