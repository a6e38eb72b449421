import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { coverageGaps, coveragePercent, LineCounts } from './coverage.ts'
import { runTestFile } from './run-test-file.ts'

const room = 'packages/kernel'

function roomWith(files: Record<string, string>, t: { after: (undo: () => void) => void }): string {
  const root = mkdtempSync(join(tmpdir(), 'ngome-coverage-'))
  t.after(() => rmSync(root, { recursive: true }))
  mkdirSync(join(root, room), { recursive: true })
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, room, name), text)
  return root
}

test('a room whose every line runs in some test passes', (t) => {
  const root = roomWith({ 'a.ts': '', 'main.ts': '', 'mod.ts': '', 'a.test.ts': '' }, t)
  const counts = new LineCounts()
  const path = join(root, room, 'a.ts')
  counts.add([{ path, lines: [{ line: 1, count: 1 }, { line: 2, count: 0 }] }])
  counts.add([{ path, lines: [{ line: 1, count: 0 }, { line: 2, count: 3 }] }])
  assert.deepEqual(coverageGaps(root, room, counts), [])
  assert.equal(coveragePercent(root, room, counts), 100)
})

test('a line that never ran is named', (t) => {
  const root = roomWith({ 'a.ts': '' }, t)
  const counts = new LineCounts()
  counts.add([{ path: join(root, room, 'a.ts'), lines: [1, 2, 3, 5].map((line) => ({ line, count: line === 1 ? 1 : 0 })) }])
  assert.deepEqual(coverageGaps(root, room, counts), ['packages/kernel/a.ts lines 2-3, 5 are run by no test'])
})

test('a file that no test loads is a gap, although no report knows it', (t) => {
  const root = roomWith({ 'a.ts': '', 'forgotten.ts': '' }, t)
  const counts = new LineCounts()
  counts.add([{ path: join(root, room, 'a.ts'), lines: [{ line: 1, count: 1 }] }])
  assert.deepEqual(coverageGaps(root, room, counts), ['packages/kernel/forgotten.ts is loaded by no test'])
})

test('what tests are made of may have lines that run only where one fails', (t) => {
  const root = roomWith({ 'a.ts': '' }, t)
  mkdirSync(join(root, room, 'testing'))
  writeFileSync(join(root, room, 'testing', 'fixture.ts'), '')
  const counts = new LineCounts()
  counts.add([{ path: join(root, room, 'a.ts'), lines: [{ line: 1, count: 1 }] }])
  assert.deepEqual(coverageGaps(root, room, counts), [])
})

test('a room without files is a gap', (t) => {
  assert.equal(coverageGaps(roomWith({}, t), room, new LineCounts()).length, 1)
})

test('a real run reports the line that it did not reach', async (t) => {
  const root = roomWith({
    'a.ts': 'export function sign(x: number): number {\n  if (x < 0) {\n    return -1\n  }\n  return 1\n}\n',
    'a.test.ts': 'import { test } from \'node:test\'\nimport { sign } from \'./a.ts\'\ntest(\'one\', () => { sign(1) })\n',
  }, t)
  const result = await runTestFile(`${room}/a.test.ts`, { root, timeMsMax: 20_000, hasCoverage: true })
  const counts = new LineCounts()
  counts.add(result.coverage)
  assert.deepEqual(coverageGaps(root, room, counts), ['packages/kernel/a.ts lines 3-4 are run by no test'])
})

test('asks for no line of a file that holds types only', (t) => {
  const root = roomWith({
    'a.ts': 'export const a = 1\n',
    'types.ts': "import type { A } from './a.ts'\n\n/** Words. */\nexport type B = A // more\n",
    'both.ts': 'export type B = number\nexport const b: B = 1\n',
  }, t)
  const counts = new LineCounts()
  counts.add([{ path: join(root, room, 'a.ts'), lines: [{ line: 1, count: 1 }] }])
  assert.deepEqual(coverageGaps(root, room, counts), [`${room}/both.ts is loaded by no test`])
})
