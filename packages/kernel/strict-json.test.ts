import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { vectorsDir } from '@ngome/testkit'
import fc from 'fast-check'
import { parseStrictJson, type StrictJsonBounds, type StrictJsonRefusal } from './strict-json.ts'

const bounds: StrictJsonBounds = { depthMax: 32, nodesMax: 10_000 }

function read(text: string | Uint8Array, within = bounds): ReturnType<typeof parseStrictJson> {
  return parseStrictJson(typeof text === 'string' ? Buffer.from(text) : text, within)
}

/** The same value with ordinary prototypes, to compare with what JSON.parse gives. */
function ordinary(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordinary)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, ordinary(member)]))
}

suite('strict JSON reads', () => {
  const accepted: readonly (readonly [string, unknown])[] = [
    ['null', null], ['true', true], ['false', false], ['0', 0], ['-1', -1], ['12.5e-1', 1.25], ['1E+2', 100], ['"a"', 'a'],
    [' \t\r\n[ ] ', []], ['{ }', {}], ['[1, [2], {"a": null}]', [1, [2], { a: null }]],
    ['{"a":1,"b":{"a":2}}', { a: 1, b: { a: 2 } }],
    [String.raw`"\"\\\/\b\f\n\r\té\u00E9\ud83d\ude00"`, '"\\/\b\f\n\r\téé😀'], ['"😀"', '😀'], ['""', ''], ['{"":0}', { '': 0 }],
    ['999999999999999', 999_999_999_999_999], ['0.000000000000001', 1e-15], ['[0.0, 0e5]', [0, 0]],
  ]
  for (const [text, value] of accepted) {
    test(text.trim(), () => {
      const result = read(text)
      assert.ok(result.ok)
      assert.deepEqual(ordinary(result.value), value)
    })
  }

  test('objects that inherit nothing, so that no key reaches a prototype', () => {
    const result = read('{"a":{"toString":1}}')
    assert.ok(result.ok && typeof result.value === 'object' && result.value !== null && 'a' in result.value)
    for (const object of [result.value, result.value['a']]) {
      const inherited: unknown = Object.getPrototypeOf(object)
      assert.ok(Object.isFrozen(inherited) && Reflect.ownKeys(inherited as object).length === 0 && Object.getPrototypeOf(inherited) === null)
      for (const name of Object.getOwnPropertyNames(Object.prototype)) assert.ok(!(name in (object as object)) || name === 'toString')
    }
    assert.ok(!('toString' in result.value))
  })
})

suite('strict JSON refuses', () => {
  const refused: readonly (readonly [string, string | Uint8Array, StrictJsonRefusal, number])[] = [
    ['nothing', '', 'syntax', 0],
    ['white space only', '  ', 'syntax', 2],
    ['two documents', '{}{}', 'syntax', 2],
    ['a byte order mark', '\ufeff{}', 'syntax', 0],
    ['bytes that are not UTF-8', new Uint8Array([0x22, 0xff, 0x22]), 'not_utf8', 0],
    ['a surrogate in UTF-8', new Uint8Array([0x22, 0xed, 0xa0, 0x80, 0x22]), 'not_utf8', 0],
    ['an overlong sequence', new Uint8Array([0x22, 0xc0, 0xaf, 0x22]), 'not_utf8', 0],
    ['a repeated key', '{"a":1,"a":2}', 'duplicate_key', 7],
    ['a key repeated by its escape', String.raw`{"a":1,"\u0061":2}`, 'duplicate_key', 7],
    ['a key repeated deep inside', '[{"b":{"a":1,"c":2,"a":3}}]', 'duplicate_key', 19],
    ['__proto__', '{"__proto__":{"admin":true}}', 'forbidden_key', 1],
    ['__proto__ by its escape', String.raw`{"\u005f_proto__":1}`, 'forbidden_key', 1],
    ['constructor', '{"a":{"constructor":1}}', 'forbidden_key', 6],
    ['prototype', '{"prototype":1}', 'forbidden_key', 1],
    ['a lone high surrogate', String.raw`["\ud800"]`, 'lone_surrogate', 1],
    ['a lone low surrogate', String.raw`["a\udc00"]`, 'lone_surrogate', 1],
    ['a lone surrogate in a key', String.raw`{"\udead":1}`, 'lone_surrogate', 1],
    ['surrogates in the wrong order', String.raw`["\ude00\ud83d"]`, 'lone_surrogate', 1],
    ['an integer past what a double holds', '9007199254740993', 'number_range', 0],
    ['sixteen digits, even where a double happens to hold them', '1000000000000000', 'number_range', 0],
    ['sixteen digits after the point', '0.1234567890123456', 'number_range', 0],
    ['a number that overflows', '1e400', 'number_range', 0],
    ['a number that underflows to zero', '1e-400', 'number_range', 0],
    ['minus zero', '[-0]', 'number_range', 1],
    ['minus zero in disguise', '[-0.0e1]', 'number_range', 1],
    ['a leading zero', '01', 'syntax', 1],
    ['a plus sign', '+1', 'syntax', 0],
    ['a bare point', '.5', 'syntax', 0],
    ['a point without digits', '1.', 'syntax', 1],
    ['an exponent without digits', '1e', 'syntax', 1],
    ['hexadecimal', '0x1', 'syntax', 1],
    ['Infinity', 'Infinity', 'syntax', 0],
    ['NaN', 'NaN', 'syntax', 0],
    ['a trailing comma in an array', '[1,]', 'syntax', 3],
    ['a trailing comma in an object', '{"a":1,}', 'syntax', 7],
    ['a missing comma in an array', '[1 2]', 'syntax', 3],
    ['a missing comma in an object', '{"a":1 "b":2}', 'syntax', 7],
    ['a missing colon', '{"a" 1}', 'syntax', 5],
    ['a missing value', '{"a":}', 'syntax', 5],
    ['a bare key', '{a:1}', 'syntax', 1],
    ['single quotes', "{'a':1}", 'syntax', 1],
    ['a comment', '{}//', 'syntax', 2],
    ['an open array', '[1', 'syntax', 2],
    ['an open object', '{"a":1', 'syntax', 6],
    ['an open string', '"abc', 'syntax', 4],
    ['a string that ends in a backslash', '"\\', 'syntax', 2],
    ['a control character in a string', '"a\tb"', 'syntax', 2],
    ['a NUL in a string', '"\u0000"', 'syntax', 1],
    ['an unknown escape', String.raw`"\x41"`, 'syntax', 2],
    ['an escape named like an object’s method', String.raw`"\constructor"`, 'syntax', 2],
    ['an escape of three digits', String.raw`"\u00e"`, 'syntax', 3],
    ['a half word', 'nul', 'syntax', 0],
    ['a word that goes on', 'nullx', 'syntax', 4],
    ['a capital word', 'True', 'syntax', 0],
    ['white space of another kind', '\u00a0{}', 'syntax', 0],
    ['a vertical tab', '\u000b{}', 'syntax', 0],
  ]
  for (const [threat, text, reason, offset] of refused) {
    test(threat, () => assert.deepEqual(read(text), { ok: false, reason, offset }))
  }

  test('nesting past the bound, in arrays and objects, and not at it', () => {
    const within = { depthMax: 3, nodesMax: 100 }
    assert.ok(read('[[[1]]]', within).ok)
    assert.ok(read('{"a":{"a":{"a":1}}}', within).ok)
    assert.deepEqual(read('[[[[1]]]]', within), { ok: false, reason: 'too_deep', offset: 3 })
    assert.deepEqual(read('{"a":{"a":[{}]}}', within), { ok: false, reason: 'too_deep', offset: 11 })
    assert.equal(read(`${'['.repeat(100_000)}`).ok, false)
  })

  test('more values than the bound, and not as many', () => {
    const within = { depthMax: 3, nodesMax: 4 }
    assert.ok(read('[1,2,3]', within).ok)
    assert.deepEqual(read('[1,2,3,4]', within), { ok: false, reason: 'too_many', offset: 7 })
    assert.deepEqual(read('{"a":[],"b":[],"c":0,"d":0}', within), { ok: false, reason: 'too_many', offset: 25 })
  })

  test('nothing by an error of its own, but where a bound allows more than the stack holds, which is the caller’s bug', () => {
    assert.throws(() => read('['.repeat(1_000_000), { depthMax: 10_000_000, nodesMax: 10_000_000 }), RangeError)
  })

  test('a long number in a time that grows with its length only', () => {
    // With the square of its length it would be minutes.
    const startMs = performance.now()
    assert.equal(read(`[${'1'.repeat(1_000_000)}]`).ok, false)
    assert.equal(read(`"${'a'.repeat(1_000_000)}`).ok, false)
    assert.equal(read(`"${'\\n'.repeat(500_000)}"`).ok, true)
    assert.ok(performance.now() - startMs < 30_000)
  })
})

suite('whatever strict JSON accepts', () => {
  const same = (text: string): void => {
    const result = read(text)
    if (result.ok) assert.deepEqual(ordinary(result.value), JSON.parse(text))
  }

  test('JSON.parse reads as the same value', () => {
    fc.assert(fc.property(fc.json({ maxDepth: 6 }), same), { numRuns: 1000 })
  })

  test('JSON.parse reads as the same value, also of damaged documents', () => {
    const damaged = fc.tuple(fc.json(), fc.nat(), fc.nat(3), fc.string({ maxLength: 3 }))
      .map(([text, at, count, put]) => `${text.slice(0, at % (text.length + 1))}${put}${text.slice(at % (text.length + 1) + count)}`)
    fc.assert(fc.property(damaged, same), { numRuns: 3000 })
  })

  test('JSON.parse reads as the same value, also of what is made of JSON’s own characters', () => {
    const pieces = fc.constantFrom('{', '}', '[', ']', ',', ':', '"', '"a"', '1', '-', '.', 'e', '0', 'true', 'null', '\\', '\\u', ' ', '\n')
    fc.assert(fc.property(fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join('')), same), { numRuns: 5000 })
  })

  test('and whatever JSON.stringify writes of plain data, it accepts', () => {
    const safeNumber = fc.oneof(fc.integer({ min: -999_999, max: 999_999 }).filter((value) => !Object.is(value, -0)), fc.constant(0.5))
    const data = fc.letrec((tie) => ({
      value: fc.oneof({ depthSize: 'small' }, fc.constant(null), fc.boolean(), safeNumber, fc.string({ unit: 'grapheme' }), tie('list'), tie('map')),
      list: fc.array(tie('value'), { maxLength: 4 }),
      map: fc.dictionary(fc.string().filter((key) => !/^(__proto__|constructor|prototype)$/.test(key)), tie('value'), { maxKeys: 4, noNullPrototype: true }),
    })).value
    fc.assert(fc.property(data, (value) => {
      const result = read(JSON.stringify(value), { depthMax: 100, nodesMax: 10_000 })
      assert.ok(result.ok)
      assert.deepEqual(ordinary(result.value), value)
    }))
  })

  test('no bytes make it throw', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      read(bytes)
    }), { numRuns: 2000 })
  })
})

/** What JSONTestSuite must accept (y_) and these rules do not, with the rule. */
const stricter: Readonly<Record<string, StrictJsonRefusal>> = {
  'y_number_minus_zero.json': 'number_range', // parsers differ: 0 or -0
  'y_number_negative_zero.json': 'number_range', // the same
  'y_object_duplicated_key.json': 'duplicate_key', // parsers differ: the first or the last (RFC 8259 §4)
  'y_object_duplicated_key_and_value.json': 'duplicate_key', // the same key, though the value happens to be the same
}

const folder = vectorsDir()
suite('JSONTestSuite', { skip: folder === undefined ? 'no third-party vectors: set NGOME_VECTORS' : false }, () => {
  const files = folder === undefined ? [] : readdirSync(join(folder, 'json-test-suite', 'test_parsing')).filter((file) => file.endsWith('.json'))
  const result = (file: string): ReturnType<typeof parseStrictJson> =>
    parseStrictJson(readFileSync(join(folder ?? '', 'json-test-suite', 'test_parsing', file)), bounds)
  const ofKind = (kind: string): string[] => files.filter((file) => file.startsWith(kind))

  test('what must be accepted is, but for what stricter rules refuse by name', (t) => {
    const accepted = ofKind('y_').filter((file) => result(file).ok)
    const refused = ofKind('y_').filter((file) => !accepted.includes(file))
    assert.deepEqual(refused, Object.keys(stricter))
    for (const file of refused) {
      const outcome = result(file)
      assert.equal(outcome.ok ? undefined : outcome.reason, stricter[file])
    }
    assert.ok(accepted.length > 50)
    t.diagnostic(`${accepted.length} accepted, ${refused.length} refused by name`)
  })

  test('what must be refused is', (t) => {
    const mustRefuse = ofKind('n_')
    assert.ok(mustRefuse.length > 100)
    assert.deepEqual(mustRefuse.filter((file) => result(file).ok), [])
    t.diagnostic(`${mustRefuse.length} refused`)
  })

  test('what is left to each parser is refused, or read as JSON.parse reads it', (t) => {
    const open = ofKind('i_')
    assert.ok(open.length > 20)
    const accepted = open.filter((file) => result(file).ok)
    assert.deepEqual(accepted, [])
    t.diagnostic(`${open.length} refused`)
  })
})
