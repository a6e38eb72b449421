import { SaxesParser, type SaxesTagNS } from 'saxes'
import { CamtEntry } from './camt-entry.ts'
import type { ReportOfNetwork } from './csv-report.ts'
import { readInstant } from './read-instant.ts'
import type { ReportItem } from './report-row.ts'

/** A statement nests a dozen deep; its texts are at most 140 characters (ISO 20022, Max140Text), but for free ones. */
const depthMax = 32
const textLengthMax = 4_096
/** What may come without anything being complete: what a parser would have to hold. */
const pendingLengthMax = 1_048_576
const attributesMax = 16

class RefusedXml extends Error {}

/**
 * Reads entries of an ISO 20022 bank-to-customer statement (camt.053.001, any version) as it comes: amount, currency, credit or debit,
 * status, time, references. XML is taken without its dangers: no document type, so that there are no entities, no processing
 * instructions, bounds on depth, text and what is pending. What is not that ends the reading.
 */
export async function* readCamtReport(text: AsyncIterable<string>, network: ReportOfNetwork): AsyncGenerator<ReportItem> {
  const reader = new CamtReader(network)
  for await (const piece of text) {
    yield* reader.read(piece)
    if (reader.hasFailed) return
  }
  yield* reader.end()
}

class CamtReader {
  readonly #parser = new SaxesParser({ xmlns: true, position: true })
  readonly #network: ReportOfNetwork
  readonly #found: ReportItem[] = []
  readonly #path: string[] = []
  #text = ''
  #currency = ''
  #pending = 0
  #entry: CamtEntry | undefined
  #fromMs: number | undefined
  hasFailed = false

  constructor(network: ReportOfNetwork) {
    this.#network = network
    const parser = this.#parser
    parser.on('error', (error) => { throw new RefusedXml(`no XML: ${error.message.replace(/^[0-9:]+ /, '')}`) })
    parser.on('doctype', () => { throw new RefusedXml('a document type is refused: a statement has none') })
    parser.on('processinginstruction', () => { throw new RefusedXml('a processing instruction is refused: a statement has none') })
    parser.on('xmldecl', ({ encoding = 'utf-8' }) => {
      if (encoding.toLowerCase() !== 'utf-8') throw new RefusedXml('the encoding is UTF-8')
    })
    parser.on('opentag', (tag) => this.#open(tag))
    parser.on('text', (piece) => this.#add(piece))
    parser.on('cdata', (piece) => this.#add(piece))
    parser.on('closetag', (tag) => this.#close(tag.local))
  }

  * read(piece: string): Generator<ReportItem> {
    this.#pending += piece.length
    yield* this.#guarded(() => {
      if (piece.includes('\0')) throw new RefusedXml('a byte of zero is no text')
      this.#parser.write(piece)
      if (this.#pending > pendingLengthMax) throw new RefusedXml(`an element is at most ${pendingLengthMax} characters`)
    })
  }

  * end(): Generator<ReportItem> {
    yield* this.#guarded(() => { this.#parser.close() })
  }

  * #guarded(act: () => void): Generator<ReportItem> {
    try {
      act()
    } catch (cause) {
      if (!(cause instanceof RefusedXml)) throw cause
      this.hasFailed = true
      this.#found.push({ line: this.#parser.line, column: this.#parser.column + 1, problem: cause.message })
    }
    yield* this.#found.splice(0)
  }

  #open(tag: SaxesTagNS): void {
    this.#pending = 0
    if (this.#path.length >= depthMax) throw new RefusedXml(`elements nest at most ${depthMax} deep`)
    if (Object.keys(tag.attributes).length > attributesMax) throw new RefusedXml(`an element has at most ${attributesMax} attributes`)
    if (!/^urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.[0-9]{2}$/.test(tag.uri)) throw new RefusedXml('this is no statement of camt.053.001')
    this.#path.push(tag.local)
    this.#text = ''
    this.#currency = tag.attributes['Ccy']?.value ?? ''
    if (tag.local === 'Ntry') this.#entry = new CamtEntry(this.#parser.line, this.#network)
  }

  #add(piece: string): void {
    this.#text += piece
    if (this.#text.length > textLengthMax) throw new RefusedXml(`a text is at most ${textLengthMax} characters`)
  }

  #close(name: string): void {
    this.#pending = 0
    const path = this.#path.join('/')
    const text = this.#text.trim()
    this.#path.pop()
    this.#text = ''
    const at = path.lastIndexOf('/Ntry/')
    if (name === 'Ntry') {
      for (const found of this.#entry?.end() ?? []) this.#found.push(found)
      this.#entry = undefined
    } else if (this.#entry !== undefined && at >= 0) this.#entry.take(path.slice(at + 6), text, this.#currency)
    else this.#takePeriod(path, text)
  }

  #takePeriod(path: string, text: string): void {
    if (!/\/Stmt\/FrToDt\/(?:FrDtTm|ToDtTm)$/.test(path)) return
    const ms = readInstant(text, 'iso', this.#network.timeZone)
    if (ms === undefined) throw new RefusedXml('the statement\'s period is no instant')
    if (path.endsWith('FrDtTm')) this.#fromMs = ms
    else if (this.#fromMs !== undefined && this.#fromMs < ms) this.#found.push({ fromMs: this.#fromMs, toMs: ms })
  }
}
