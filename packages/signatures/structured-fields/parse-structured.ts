import { parseBareItem } from './parse-bare-item.ts'
import { Scanner, NotStructured } from './scanner.ts'
import type { BareItem, Dictionary, InnerList, Item, List, Member, Parameters } from './values.ts'

/**
 * Parses a field that is an Item (RFC 9651 §4.2).
 * @param lines the values of the field's lines, in order
 * @returns `undefined` where it is none; the whole field fails with its smallest part
 */
export function parseItem(lines: readonly string[]): Item | undefined {
  return parseWhole(lines, readItem)
}

/** As {@link parseItem}, for a List. */
export function parseList(lines: readonly string[]): List | undefined {
  return parseWhole(lines, readList)
}

/** As {@link parseItem}, for a Dictionary. Of a key that comes twice the last value counts, in the place of the first. */
export function parseDictionary(lines: readonly string[]): Dictionary | undefined {
  return parseWhole(lines, readDictionary)
}

function parseWhole<T>(lines: readonly string[], read: (scanner: Scanner) => T): T | undefined {
  try {
    const scanner = new Scanner(lines.join(', '))
    scanner.skipSpaces()
    const value = read(scanner)
    scanner.skipSpaces()
    return scanner.isAtEnd ? value : undefined
  } catch (error) {
    if (error instanceof NotStructured) return undefined
    throw error
  }
}

/** RFC 9651 §4.2.1 */
function readList(scanner: Scanner): List {
  const members: Member[] = []
  while (!scanner.isAtEnd) {
    members.push(readMember(scanner))
    readComma(scanner)
  }
  return members
}

/** RFC 9651 §4.2.2 */
function readDictionary(scanner: Scanner): Dictionary {
  const members = new Map<string, Member>()
  while (!scanner.isAtEnd) {
    const key = readKey(scanner)
    members.set(key, scanner.take('=') ? readMember(scanner) : { value: isTrue, parameters: readParameters(scanner) })
    readComma(scanner)
  }
  return members
}

/** What stands between two members; a comma with nothing behind it is a failure. */
function readComma(scanner: Scanner): void {
  scanner.skipWhitespace()
  if (scanner.isAtEnd) return
  scanner.expect(',')
  scanner.skipWhitespace()
  if (scanner.isAtEnd) throw new NotStructured()
}

function readMember(scanner: Scanner): Member {
  return scanner.next === '(' ? readInnerList(scanner) : readItem(scanner)
}

/** RFC 9651 §4.2.1.2 */
function readInnerList(scanner: Scanner): InnerList {
  scanner.expect('(')
  const items: Item[] = []
  for (;;) {
    scanner.skipSpaces()
    if (scanner.take(')')) return { items, parameters: readParameters(scanner) }
    items.push(readItem(scanner))
    if (scanner.next !== ' ' && scanner.next !== ')') throw new NotStructured()
  }
}

/** RFC 9651 §4.2.3 */
function readItem(scanner: Scanner): Item {
  return { value: parseBareItem(scanner), parameters: readParameters(scanner) }
}

/** RFC 9651 §4.2.3.2 */
function readParameters(scanner: Scanner): Parameters {
  const parameters = new Map<string, BareItem>()
  while (scanner.take(';')) {
    scanner.skipSpaces()
    parameters.set(readKey(scanner), scanner.take('=') ? parseBareItem(scanner) : isTrue)
  }
  return parameters
}

/** RFC 9651 §4.2.3.3 */
function readKey(scanner: Scanner): string {
  return scanner.match(keyPattern)
}

const keyPattern = /[a-z*][a-z0-9_.*-]*/y
const isTrue: BareItem = { type: 'boolean', value: true }
