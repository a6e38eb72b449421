import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { allCommands } from './commands.ts'
import { printList } from './print-list.ts'

function printed(items: readonly string[], linesOf: (item: string) => string | readonly string[] = (item) => item) {
  const said = { out: [] as string[], err: [] as string[] }
  printList({ out: (line) => void said.out.push(line), err: (line) => void said.err.push(line) }, items, linesOf, 'there is none')
  return said
}

test('a list is its lines, none of which an item can break or colour', () => {
  assert.deepEqual(printed(['a', 'b\n\u001b[31mc']), { out: ['a', 'b\\u000a\\u001b[31mc'], err: [] })
  assert.deepEqual(printed(['a', 'b'], (item) => [item, `  ${item}`]), { out: ['a', '  a', 'b', '  b'], err: [] })
})

test('an empty list says so, where a program that reads the list does not read it', () => {
  assert.deepEqual(printed([]), { out: [], err: ['there is none'] })
})

/** One set, or none, which it says by itself. */
const others: readonly string[] = ['tls pins list']

describe('says in one line that there is none:', async () => {
  const lists = (await allCommands()).filter(({ name, summary }) => name.endsWith(' list') || summary.startsWith('List '))
  test('every list is here', () => { assert.ok(lists.length > 10) })
  for (const { name } of lists.filter((one) => !others.includes(one.name))) {
    test(name, () => {
      assert.match(readFileSync(join(import.meta.dirname, `${name.replaceAll(' ', '-')}.ts`), 'utf8'), /\bprintList\(context, /)
    })
  }
})
