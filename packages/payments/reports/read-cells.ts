import type { ReportProblem } from './report-row.ts'

/** What a row may hold: past any network's report, far below what would be felt. */
const rowLengthMax = 16_384
const cellsMax = 128

export type CellsOfRow = { readonly line: number; readonly cells: readonly string[] }

/**
 * Reads CSV (RFC 4180) as it comes: quotes, doubled quotes, line feeds within quotes, CRLF or LF; rows that are empty are left
 * out. What is no CSV ends the reading: nothing behind it could be trusted to begin where it seems to.
 */
export async function* readCells(text: AsyncIterable<string>, separator: string): AsyncGenerator<CellsOfRow | ReportProblem> {
  const row = new RowReader(separator)
  for await (const piece of text) {
    for (const found of row.read(piece)) {
      yield found
      if ('problem' in found) return
    }
  }
  yield* row.end()
}

class RowReader {
  readonly #separator: string
  #cells: string[] = []
  #cell = ''
  #length = 0
  #line = 1
  #startedAt = 1
  /** `closed`: after a quote within quotes, which ends the cell or is half of a doubled one. */
  #within: 'start' | 'plain' | 'quoted' | 'closed' = 'start'
  #isAfterReturn = false

  constructor(separator: string) {
    this.#separator = separator
  }

  * read(piece: string): Generator<CellsOfRow | ReportProblem> {
    for (const character of piece) {
      const problem = this.#problemOf(character)
      if (problem !== undefined) {
        yield { line: this.#line, column: this.#cells.length + 1, problem }
        return
      }
      if (this.#take(character)) yield* this.#row()
    }
  }

  * end(): Generator<CellsOfRow | ReportProblem> {
    if (this.#within === 'quoted') yield { line: this.#line, column: this.#cells.length + 1, problem: 'the file ends within quotes' }
    else yield* this.#row()
  }

  #problemOf(character: string): string | undefined {
    if (character === '\0') return 'a byte of zero is no text'
    if (++this.#length > rowLengthMax) return `a row is at most ${rowLengthMax} characters`
    if (this.#cells.length >= cellsMax) return `a row has at most ${cellsMax} cells`
    if (this.#isAfterReturn && character !== '\n') return 'a carriage return stands before a line feed, or in quotes'
    const isEnd = character === this.#separator || character === '\n' || character === '\r'
    if (this.#within === 'closed' && character !== '"' && !isEnd) return 'after the closing quote the cell ends'
    return this.#within === 'plain' && character === '"' ? 'a quote stands in quotes, doubled' : undefined
  }

  /** @returns whether the row is over */
  #take(character: string): boolean {
    this.#isAfterReturn = false
    if (character === '\n') this.#line++
    if (this.#within === 'quoted') {
      if (character === '"') this.#within = 'closed'
      else this.#cell += character
      return false
    }
    if (character === '"') {
      if (this.#within === 'closed') this.#cell += '"'
      this.#within = 'quoted'
      return false
    }
    if (character === this.#separator) this.#endCell()
    else if (character === '\r') this.#isAfterReturn = true
    else if (character === '\n') return true
    else {
      this.#cell += character
      this.#within = 'plain'
    }
    return false
  }

  #endCell(): void {
    this.#cells.push(this.#cell)
    this.#cell = ''
    this.#within = 'start'
  }

  * #row(): Generator<CellsOfRow> {
    this.#endCell()
    const [line, cells] = [this.#startedAt, this.#cells]
    this.#cells = []
    this.#length = 0
    this.#startedAt = this.#line
    if (cells.some((cell) => cell.trim() !== '')) yield { line, cells }
  }
}
