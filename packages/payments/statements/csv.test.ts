import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { csv } from './csv.ts'

const cells: readonly (readonly [string | number | null, string])[] = [
  ['plain', '"plain"'], [null, '""'], [-1.5, '"-1.5"'], ['a"b', '"a""b"'], ['a,b', '"a,b"'],
  ['=HYPERLINK("x")', '"\'=HYPERLINK(""x"")"'], ['+1', '"\'+1"'], ['-1', '"\'-1"'], ['@SUM', '"\'@SUM"'], ['\tx', '"\'\tx"'], ['\rx', '"\'\rx"'],
]
for (const [value, written] of cells) test(`${JSON.stringify(value)} is written ${JSON.stringify(written)}`, () => assert.equal(csv([[value]]), `${written}\r\n`))

test('no text begins a cell as a formula, and every cell is read back as it was', () => {
  fc.assert(fc.property(fc.array(fc.array(fc.string(), { minLength: 1, maxLength: 4 }), { maxLength: 5 }), (rows) => {
    const read = [...csv(rows).matchAll(/"((?:[^"]|"")*)"(,|\r\n)/g)].map(([, cell = '']) => cell.replaceAll('""', '"'))
    const flat = rows.flat()
    assert.equal(read.length, flat.length)
    for (const [at, cell] of read.entries()) {
      assert.ok(!/^[=+\-@\t\r]/.test(cell))
      assert.equal(cell.replace(/^'(?=[=+\-@\t\r])/, ''), flat[at]?.replace(/^'(?=[=+\-@\t\r])/, ''))
    }
  }))
})
