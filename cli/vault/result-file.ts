import { createReadStream } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'

/** What came of one line of the file: its token, or why it was refused. Neither holds anything of the value. */
export type LineResult = {
  readonly line: number
  readonly id: string | null
  readonly error: { readonly pointer: string; readonly detail: string } | null
}

/**
 * The results, a line each, in the order of the file: how far an import came is how many stand here. One that was cut
 * off in the middle of a line, or of a chunk, is cut back to the last whole chunk.
 */
export class ResultFile {
  readonly #file: FileHandle
  /** Where each line ends: `ends[n]` is the length of the file with n lines. */
  readonly #ends: number[]

  private constructor(file: FileHandle, ends: number[]) {
    this.#file = file
    this.#ends = ends
  }

  static async open(path: string): Promise<ResultFile> {
    // Readable by its owner alone: tokens are no secret, and still nobody else's business.
    const file = await open(path, 'a+', 0o600)
    const ends = await lineEnds(path)
    // A line that a crash cut off has no end, and nothing may be written behind it.
    await file.truncate(ends.at(-1) ?? 0)
    return new ResultFile(file, ends)
  }

  get lineCount(): number {
    return this.#ends.length - 1
  }

  async cutTo(lineCount: number): Promise<void> {
    await this.#file.truncate(this.#ends[lineCount] ?? 0)
    this.#ends.length = lineCount + 1
  }

  /** A chunk's results in one write; what is not on disk after a crash is asked for again. */
  async append(results: readonly LineResult[]): Promise<void> {
    let at = this.#ends.at(-1) ?? 0
    const texts = results.map((result) => `${JSON.stringify(result)}\n`)
    await this.#file.appendFile(texts.join(''))
    for (const text of texts) this.#ends.push(at += Buffer.byteLength(text))
  }

  async close(): Promise<void> {
    await this.#file.close()
  }
}

async function lineEnds(path: string): Promise<number[]> {
  const ends = [0]
  let read = 0
  for await (const bytes of createReadStream(path) as AsyncIterable<Buffer>) {
    for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, at + 1)) ends.push(read + at + 1)
    read += bytes.length
  }
  return ends
}
