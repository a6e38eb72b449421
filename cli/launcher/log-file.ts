import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs'

/** A log turns over at this size, and one older generation stays: two of each process are a bound on the disk. */
const logBytesMax = 16 * 1024 * 1024
/** What is kept in memory to show why a process did not start. */
const tailLinesMax = 20

/** One process's log lines, appended to a file that turns over. */
export class LogFile {
  readonly path: string
  #fd: number
  #bytes: number
  #tail: string[] = []

  constructor(path: string) {
    this.path = path
    this.#fd = openSync(path, 'a', 0o600)
    this.#bytes = fstatSync(this.#fd).size
  }

  append(chunk: Buffer): void {
    if (this.#bytes > logBytesMax) this.#turnOver()
    // Synchronous, so that the last words of a process are on the disk before we say that it died.
    writeSync(this.#fd, chunk)
    this.#bytes += chunk.length
    this.#tail = [...this.#tail, ...chunk.toString('utf8').split('\n').filter((line) => line !== '')].slice(-tailLinesMax)
  }

  /** The last lines that this launcher saw. */
  tail(): readonly string[] {
    return this.#tail
  }

  close(): void {
    closeSync(this.#fd)
  }

  #turnOver(): void {
    closeSync(this.#fd)
    renameSync(this.path, `${this.path}.1`)
    this.#fd = openSync(this.path, 'a', 0o600)
    this.#bytes = 0
  }
}
