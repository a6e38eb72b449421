/** A JSON value as {@link parseStrictJson} gives it: objects inherit nothing. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue }

export type StrictJsonBounds = {
  /** How deep arrays and objects may nest. */
  readonly depthMax: number
  /** How many members and elements the whole document may have. */
  readonly nodesMax: number
}

/** Two parsers that disagree about a body are an attacker's gap, so whatever any of them might read otherwise is refused. */
export type StrictJsonRefusal =
  | 'not_utf8' | 'syntax' | 'duplicate_key' | 'forbidden_key' | 'too_deep' | 'too_many' | 'number_range' | 'lone_surrogate'

export type StrictJsonResult =
  | { readonly ok: true; readonly value: JsonValue }
  | { readonly ok: false; readonly reason: StrictJsonRefusal; readonly offset: number }

/**
 * Parses RFC 8259 JSON, and refuses what RFC 8259 leaves to each parser's taste: duplicate keys, keys that reach
 * JavaScript's prototypes, lone surrogates (RFC 7493 §2.1), numbers that a double does not hold exactly (§2.2), a byte
 * order mark, and nesting or size past the bounds.
 *
 * @param bytes the document, UTF-8
 * @returns the value, or the reason with the offset, in UTF-16 units of the decoded text
 */
export function parseStrictJson(bytes: Uint8Array, bounds: StrictJsonBounds): StrictJsonResult {
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch {
    return { ok: false, reason: 'not_utf8', offset: 0 }
  }
  const reader = new Reader(text, bounds)
  try {
    return { ok: true, value: reader.document() }
  } catch (refusal) {
    if (refusal instanceof Refused) return { ok: false, reason: refusal.reason, offset: refusal.offset }
    throw refusal
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const forbiddenKeys = new Set(['__proto__', 'constructor', 'prototype'])
const numberPattern = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
/**
 * Objects that inherit nothing, since what they inherit from is empty and stays so. V8 keeps those without any prototype as
 * hash tables, which whoever reads them pays for.
 */
const Members = function () {} as unknown as new () => Record<string, JsonValue>
Members.prototype = Object.freeze(Object.create(null) as Record<string, never>)
const quote = 0x22
const backslash = 0x5c
/** What is below it is a control character, which RFC 8259 §7 wants escaped; the end of the text is not a number at all. */
const firstPrintable = 0x20
const escapes: Readonly<Record<string, string>> = {
  '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t',
}
/** A number of more digits than this is not held exactly by a double. */
const significantDigitsMax = 15

class Refused extends Error {
  readonly reason: StrictJsonRefusal
  readonly offset: number

  constructor(reason: StrictJsonRefusal, offset: number) {
    super(reason)
    this.reason = reason
    this.offset = offset
  }
}

class Reader {
  readonly #text: string
  readonly #bounds: StrictJsonBounds
  #at = 0
  #nodes = 0

  constructor(text: string, bounds: StrictJsonBounds) {
    this.#text = text
    this.#bounds = bounds
  }

  document(): JsonValue {
    this.#space()
    const value = this.#value(0)
    this.#space()
    if (this.#at !== this.#text.length) this.#refuse('syntax')
    return value
  }

  #value(depth: number): JsonValue {
    if (++this.#nodes > this.#bounds.nodesMax) this.#refuse('too_many')
    switch (this.#text[this.#at]) {
      case '{': return this.#object(depth + 1)
      case '[': return this.#array(depth + 1)
      case '"': return this.#string()
      case 't': return this.#word('true', true)
      case 'f': return this.#word('false', false)
      case 'n': return this.#word('null', null)
      default: return this.#number()
    }
  }

  #object(depth: number): JsonValue {
    if (depth > this.#bounds.depthMax) this.#refuse('too_deep')
    const members = new Members()
    this.#at++
    this.#space()
    if (this.#take('}')) return members
    for (;;) {
      const keyAt = this.#at
      if (this.#text[this.#at] !== '"') this.#refuse('syntax')
      const key = this.#string()
      if (forbiddenKeys.has(key)) this.#refuse('forbidden_key', keyAt)
      if (key in members) this.#refuse('duplicate_key', keyAt)
      this.#space()
      if (!this.#take(':')) this.#refuse('syntax')
      this.#space()
      members[key] = this.#value(depth)
      this.#space()
      if (this.#take('}')) return members
      if (!this.#take(',')) this.#refuse('syntax')
      this.#space()
    }
  }

  #array(depth: number): JsonValue {
    if (depth > this.#bounds.depthMax) this.#refuse('too_deep')
    const elements: JsonValue[] = []
    this.#at++
    this.#space()
    if (this.#take(']')) return elements
    for (;;) {
      elements.push(this.#value(depth))
      this.#space()
      if (this.#take(']')) return elements
      if (!this.#take(',')) this.#refuse('syntax')
      this.#space()
    }
  }

  #string(): string {
    const startAt = this.#at++
    let value = ''
    let plainAt = this.#at
    let isAscii = true
    for (;;) {
      const code = this.#text.charCodeAt(this.#at)
      if (code > 0x7f) isAscii = false
      if (code === quote || code === backslash) {
        value += this.#text.slice(plainAt, this.#at++)
        if (code === quote) break
        value += this.#escape()
        plainAt = this.#at
        isAscii = false
      } else if (code >= firstPrintable) this.#at++
      else this.#refuse('syntax')
    }
    if (!isAscii && !value.isWellFormed()) this.#refuse('lone_surrogate', startAt)
    return value
  }

  #escape(): string {
    const letterAt = this.#at
    const letter = this.#text[this.#at++] ?? ''
    if (letter === 'u') {
      const hex = this.#text.slice(this.#at, this.#at + 4)
      if (!/^[0-9a-fA-F]{4}$/.test(hex)) this.#refuse('syntax')
      this.#at += 4
      return String.fromCharCode(Number.parseInt(hex, 16))
    }
    return escapes[letter] ?? this.#refuse('syntax', letterAt)
  }

  #number(): number {
    numberPattern.lastIndex = this.#at
    const match = numberPattern.exec(this.#text)?.[0]
    if (match === undefined) this.#refuse('syntax')
    const digits = match.replace(/[eE].*$/, '').replace(/[-.]/g, '').replace(/^0+/, '')
    const value = Number(match)
    const isLost = digits.length > significantDigitsMax || !Number.isFinite(value) || (value === 0 && digits !== '')
    if (isLost || Object.is(value, -0)) this.#refuse('number_range')
    this.#at += match.length
    return value
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) this.#refuse('syntax')
    this.#at += word.length
    return value
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false
    this.#at++
    return true
  }

  #space(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at)
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return
      this.#at++
    }
  }

  #refuse(reason: StrictJsonRefusal, offset = this.#at): never {
    throw new Refused(reason, offset)
  }
}
