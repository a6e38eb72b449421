/** What is asked of a connection here. */
export type Waiting = {
  readonly destroyed: boolean
  on(event: 'error', listener: () => void): unknown
}

/**
 * Begins so many handshakes in one turn of the event loop, the others in the turns after it: each costs as much as several
 * requests, and whoever has a connection would wait until all who came at once have theirs.
 */
export class HandshakeLine<S extends Waiting> {
  readonly #perTurn: number
  readonly #begin: (socket: S) => void
  readonly #atTurnEnd: (end: () => void) => void
  // Bounded by the connections that there may be.
  readonly #waiting: S[] = []
  #left: number
  #isInTurn = false

  /** @param atTurnEnd calls back once when this turn of the event loop is over */
  constructor(perTurn: number, begin: (socket: S) => void, atTurnEnd: (end: () => void) => void = (end) => void setImmediate(end)) {
    this.#perTurn = this.#left = perTurn
    this.#begin = begin
    this.#atTurnEnd = atTurnEnd
  }

  get size(): number {
    return this.#waiting.length
  }

  add(socket: S): void {
    if (!this.#isInTurn) this.#beginTurn()
    if (this.#left > 0 && this.#waiting.length === 0) {
      this.#left--
      this.#begin(socket)
      return
    }
    // Until TLS has it nobody else would hear that it was reset.
    socket.on('error', () => undefined)
    this.#waiting.push(socket)
  }

  #beginTurn(): void {
    this.#isInTurn = true
    this.#left = this.#perTurn
    this.#atTurnEnd(() => this.#endTurn())
  }

  #endTurn(): void {
    this.#isInTurn = false
    if (this.#waiting.length === 0) return
    this.#beginTurn()
    while (this.#left > 0) {
      const socket = this.#waiting.shift()
      if (socket === undefined) return
      if (socket.destroyed) continue
      this.#left--
      this.#begin(socket)
    }
  }
}
