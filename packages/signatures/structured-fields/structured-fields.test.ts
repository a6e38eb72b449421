import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { vectorsDir } from '@ngome/testkit'
import fc from 'fast-check'
import { z } from 'zod'
import { parseDictionary, parseItem, parseList } from './parse-structured.ts'
import { serializeDictionary, serializeItem, serializeList } from './serialize-structured.ts'
import type { BareItem, Dictionary, InnerList, Item, List, Member, Parameters } from './values.ts'

const vectors = vectorsDir()
const folder = vectors === undefined ? '' : join(vectors, 'structured-fields')
const skip = vectors === undefined && 'the third-party vectors are not here (NGOME_VECTORS)'

const recordSchema = z.object({
  name: z.string(),
  raw: z.array(z.string()).optional(),
  header_type: z.enum(['item', 'list', 'dictionary']),
  expected: z.unknown().optional(),
  must_fail: z.boolean().default(false),
  can_fail: z.boolean().default(false),
  canonical: z.array(z.string()).optional(),
})
type Vector = z.output<typeof recordSchema>
const decimalSchema = z.strictObject({ __type: z.literal('decimal'), value: z.number() })
const typedSchema = z.strictObject({ __type: z.enum(['token', 'binary', 'date', 'displaystring']), value: z.union([z.string(), z.number(), decimalSchema]) })
const pairs = z.array(z.tuple([z.string(), z.unknown()]))

const files = skip === false ? [...readdirSync(folder), ...readdirSync(join(folder, 'serialisation-tests')).map((name) => join('serialisation-tests', name))]
  .filter((name) => name.endsWith('.json')) : []
let counted = 0

suite('the tests of the structured fields specification', { skip }, () => {
  for (const file of files) {
    test(file, () => {
      for (const vector of readVectors(file)) {
        counted++
        checkVector(vector, file.startsWith('serialisation-tests'))
      }
    })
  }
  test('are all there', () => {
    assert.ok(files.length >= 23 && counted >= 1_500, `${files.length} files, ${counted} records`)
  })
})

/** JSON alone does not tell 1.0 from 1; the text that it was read from does. */
function readVectors(file: string): Vector[] {
  const parsed: unknown = JSON.parse(readFileSync(join(folder, file), 'utf8'), (_key: string, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' && context?.source?.includes('.') === true ? { __type: 'decimal', value } : value)
  return z.array(recordSchema).parse(parsed)
}

function checkVector(vector: Vector, isSerialising: boolean): void {
  const { name, raw, must_fail: mustFail, can_fail: canFail } = vector
  if (isSerialising) {
    if (mustFail) assert.throws(() => serialized(vector.header_type, expectedOf(vector)), RangeError, name)
    else assert.deepEqual(serialized(vector.header_type, expectedOf(vector)), vector.canonical?.[0], name)
    return
  }
  assert.ok(raw !== undefined)
  const parse = { item: parseItem, list: parseList, dictionary: parseDictionary }[vector.header_type]
  const found = parse(raw)
  if (mustFail || (canFail && found === undefined)) {
    assert.equal(found, undefined, name)
    return
  }
  const expected = expectedOf(vector)
  assert.deepEqual(found, expected, name)
  assert.equal(serialized(vector.header_type, expected), (vector.canonical ?? raw)[0] ?? '', name)
}

function serialized(type: Vector['header_type'], value: Item | List | Dictionary): string {
  if (type === 'item') return serializeItem(value as Item)
  return type === 'list' ? serializeList(value as List) : serializeDictionary(value as Dictionary)
}

function expectedOf({ header_type: type, expected }: Vector): Item | List | Dictionary {
  if (type === 'item') return itemOf(expected)
  if (type === 'list') return z.array(z.unknown()).parse(expected).map(memberOf)
  return new Map(pairs.parse(expected).map(([key, member]) => [key, memberOf(member)]))
}

function memberOf(member: unknown): Member {
  const [value, parameters] = z.tuple([z.unknown(), z.unknown()]).parse(member)
  return Array.isArray(value) ? { items: value.map(itemOf), parameters: parametersOf(parameters) } satisfies InnerList : itemOf(member)
}

function itemOf(item: unknown): Item {
  const [value, parameters] = z.tuple([z.unknown(), z.unknown()]).parse(item)
  return { value: bareOf(value), parameters: parametersOf(parameters) }
}

function parametersOf(parameters: unknown): Parameters {
  return new Map(pairs.parse(parameters).map(([key, value]) => [key, bareOf(value)]))
}

function bareOf(value: unknown): BareItem {
  if (typeof value === 'boolean') return { type: 'boolean', value }
  if (typeof value === 'number') return { type: 'integer', value }
  if (typeof value === 'string') return { type: 'string', value }
  const decimal = decimalSchema.safeParse(value)
  if (decimal.success) return { type: 'decimal', value: decimal.data.value }
  const { __type: type, value: inner } = typedSchema.parse(value)
  if (type === 'date') return { type: 'date', value: typeof inner === 'number' ? inner : decimalSchema.parse(inner).value }
  const text = z.string().parse(inner)
  if (type === 'binary') return { type: 'binary', value: fromBase32(text) }
  return { type: type === 'token' ? 'token' : 'display-string', value: text }
}

function fromBase32(text: string): Uint8Array {
  const bits = Array.from(text.replaceAll('=', ''), (letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0')).join('')
  return Buffer.from(Array.from({ length: Math.floor(bits.length / 8) }, (_, at) => Number.parseInt(bits.slice(at * 8, at * 8 + 8), 2)))
}

const key = fc.stringMatching(/^[a-z*][a-z0-9_.*-]{0,12}$/)
const bare: fc.Arbitrary<BareItem> = fc.oneof(
  fc.integer().map((value) => ({ type: 'integer', value }) as const),
  fc.integer({ min: -999_999_999, max: 999_999_999 }).map((value) => ({ type: 'decimal', value: value / 1_000 + 0 }) as const),
  fc.stringMatching(/^[\x20-\x7e]{0,20}$/).map((value) => ({ type: 'string', value }) as const),
  fc.stringMatching(/^[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]{0,12}$/).map((value) => ({ type: 'token', value }) as const),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => ({ type: 'binary', value: Buffer.from(bytes) }) as const),
  fc.boolean().map((value) => ({ type: 'boolean', value }) as const),
  fc.integer().map((value) => ({ type: 'date', value }) as const),
  fc.string({ unit: 'grapheme', maxLength: 12 }).map((value) => ({ type: 'display-string', value }) as const),
)
const parameters = fc.array(fc.tuple(key, bare), { maxLength: 3 }).map((entries) => new Map(entries))
const item = fc.record({ value: bare, parameters }, { noNullPrototype: true })
const member: fc.Arbitrary<Member> = fc.oneof(item, fc.record({ items: fc.array(item, { maxLength: 4 }), parameters }, { noNullPrototype: true }))
const dictionary = fc.array(fc.tuple(key, member), { minLength: 1, maxLength: 5 }).map((entries) => new Map(entries))

test('what was written is read again, and every text that is read has one canonical form', () => {
  fc.assert(fc.property(dictionary, (value) => {
    assert.deepEqual(parseDictionary([serializeDictionary(value)]), value)
  }), { numRuns: 500 })
})

test('any text is read or refused, and never throws', () => {
  const noise = fc.array(fc.constantFrom(...Array.from('ab1-.*"\\:;=,()?@%+/ \t\u0000\u00e9')), { maxLength: 30 }).map((letters) => letters.join(''))
  fc.assert(fc.property(fc.oneof(noise, fc.string({ unit: 'binary' })), (text) => {
    const dictionaryRead = parseDictionary([text])
    if (dictionaryRead !== undefined) assert.deepEqual(parseDictionary([serializeDictionary(dictionaryRead)]), dictionaryRead)
    const listRead = parseList([text])
    if (listRead !== undefined) assert.deepEqual(parseList([serializeList(listRead)]), listRead)
    const itemRead = parseItem([text])
    if (itemRead !== undefined) assert.deepEqual(parseItem([serializeItem(itemRead)]), itemRead)
  }), { numRuns: 2_000 })
})
