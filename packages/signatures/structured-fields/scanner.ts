/** Thrown inside the parser alone: the text is no structured field. */
export class NotStructured extends Error {}

/** Reads a text from its start to its end, once. */
export class Scanner {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length
  }

  /** The next character; empty at the end. */
  get next(): string {
    return this.#text.charAt(this.#at)
  }

  /** Takes this character where it is the next. */
  take(character: string): boolean {
    if (this.next !== character) return false
    this.#at++
    return true
  }

  /** @throws NotStructured where another is next */
  expect(character: string): void {
    if (!this.take(character)) throw new NotStructured()
  }

  /**
   * Takes what a sticky pattern matches here.
   * @throws NotStructured where it matches nothing
   */
  match(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    if (found === undefined) throw new NotStructured()
    this.#at += found.length
    return found
  }

  skipSpaces(): void {
    while (this.next === ' ') this.#at++
  }

  /** Spaces and tabs (OWS of RFC 9110). */
  skipWhitespace(): void {
    while (this.next === ' ' || this.next === '\t') this.#at++
  }
}
