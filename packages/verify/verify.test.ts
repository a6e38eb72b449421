import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Fault, ManualClock } from '@ngome/kernel'
import { isBuilt, readCatalog, type Control } from './catalog.ts'
import { explain } from './explain.ts'
import { judge } from './judge.ts'
import { NotReached, type Probe } from './probe.ts'
import { probes } from './probes.ts'
import { keepResults, readResults } from './results.ts'
import { runProbes, type ProbeResult } from './run-probes.ts'
import { table } from './table.ts'
import { holds, type Status, type Verdict } from './verdict.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const catalog = readCatalog(join(root, 'controls'))
/** The promises' own list, where the project's surroundings have it. */
const promisesFile = join(root, '..', 'shared', 'promises.md')
const ids = [...range('K', 11), ...range('R', 57)]
/** The rows that one machine can keep in part only, whatever the code does. */
const partialOnOneMachine = ['K5', 'R7', 'R18', 'R19', 'R23']

function range(letter: string, count: number): string[] {
  return Array.from({ length: count }, (_, at) => `${letter}${at + 1}`)
}

test('the catalog holds every promise, once', () => {
  assert.deepEqual(catalog.map(({ id }) => id), ids)
})

if (existsSync(promisesFile)) test('the catalog holds every row of the promises\' own list', () => {
  const rows = readFileSync(promisesFile, 'utf8').split('\n').filter((line) => /^\| [KR][0-9]/.test(line))
  const listed = rows.flatMap((line) => (line.split('|')[1] ?? '').split(',').map((id) => id.trim()))
  assert.deepEqual(listed.toSorted(), ids.toSorted())
})

test('every room of a built promise exists, and every probe of it', () => {
  const built = catalog.filter(isBuilt)
  assert.ok(built.length >= 13)
  for (const { id, room, probes: named } of built) {
    assert.ok(statSync(join(root, room)).isDirectory(), `${id}: ${room}`)
    for (const probe of named) assert.ok(probes.some((each) => each.id === probe), `${id}: ${probe}`)
  }
})

test('every probe is named by a promise, has a file that exists, and says what it does', () => {
  const named = new Set(catalog.filter(isBuilt).flatMap((control) => control.probes))
  for (const { id, source, does } of probes) {
    assert.ok(named.has(id), id)
    assert.ok(source.endsWith(`probes/${id}.ts`), source)
    assert.match(does, /^[A-Z].*\.$/s, id)
  }
})

test('what one machine cannot keep whole is at most partial', () => {
  for (const control of catalog) {
    if (partialOnOneMachine.includes(control.id) && isBuilt(control)) assert.ok(control.atMost !== undefined, control.id)
  }
})

const badCatalogs: readonly { claim: string; text: string }[] = [
  { claim: 'is not JSON\'s idea of a list', text: '{}' },
  { claim: 'has a field that nobody knows', text: '[{"id":"R1","promise":"x","room":"cli","probes":["a"],"intervalS":60,"note":"x"}]' },
  { claim: 'lists no probe', text: '[{"id":"R1","promise":"x","room":"cli","probes":[],"intervalS":60}]' },
  { claim: 'states a promise twice', text: '[{"id":"R1","promise":"x","room":"cli","built":false,"area":"x"},{"id":"R1","promise":"x","room":"cli","built":false,"area":"x"}]' },
]
for (const { claim, text } of badCatalogs) {
  test(`refuses a catalog that ${claim}`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'ngome-catalog-'))
    writeFileSync(join(folder, 'x.json'), text)
    assert.throws(() => readCatalog(folder), (error) => error instanceof Fault && error.code === 'config/invalid')
    rmSync(folder, { recursive: true })
  })
}

const control = (changes: object = {}): Control => ({ id: 'R1', promise: 'x', room: 'cli', probes: ['a', 'b'], intervalS: 60, ...changes })
const result = (probe: string, status: Status, atMs = 0): ProbeResult => {
  return { probe, status, evidence: `${probe} saw ${status}`, checkedAt: new Date(atMs).toISOString() }
}

/** Two probes' findings and the row that follows. */
const verdicts: readonly (readonly [Status, Status, Status])[] = [
  ['holds', 'holds', 'holds'],
  ['holds', 'partial', 'partial'],
  ['partial', 'unchecked', 'unchecked'],
  ['holds', 'unchecked', 'unchecked'],
  ['holds', 'fails', 'fails'],
  ['unchecked', 'fails', 'fails'],
  ['partial', 'fails', 'fails'],
]
for (const [a, b, expected] of verdicts) {
  test(`a row of ${a} and ${b} ${expected}`, () => {
    assert.equal(judge([control()], [result('a', a), result('b', b)], 0)[0]?.status, expected)
  })
}

test('a row that is built in part is unchecked, and names the rest', () => {
  const [row] = judge([control({ toBuild: ['the other half'] })], [result('a', 'holds'), result('b', 'holds')], 0)
  assert.equal(row?.status, 'unchecked')
  assert.match(row?.evidence ?? '', /not built: the other half/)
})

test('a row that is not built is unchecked, and names who will build it', () => {
  const [row] = judge([{ id: 'R3', promise: 'x', room: 'packages/sdk', built: false, area: 'the SDK' }], [], 0)
  assert.deepEqual(row, { id: 'R3', status: 'unchecked', scope: 'not built', evidence: 'not built: the SDK', checkedAt: null })
})

test('a row is never better than its deployment allows', () => {
  const [row] = judge([control({ atMost: 'one machine' })], [result('a', 'holds'), result('b', 'holds')], 0)
  assert.equal(row?.status, 'partial')
  assert.match(row?.scope ?? '', /one machine/)
})

test('a failure shows through a part that is not built', () => {
  assert.equal(judge([control({ toBuild: ['x'] })], [result('a', 'fails'), result('b', 'holds')], 0)[0]?.status, 'fails')
})

test('a result older than its interval is unchecked, and the row is as old as its oldest look', () => {
  const results = [result('a', 'holds', 1_000), result('b', 'holds', 30_000)]
  assert.equal(judge([control()], results, 61_000)[0]?.status, 'holds')
  assert.equal(judge([control()], results, 61_001)[0]?.status, 'unchecked')
  assert.equal(judge([control()], results, 61_000)[0]?.checkedAt, new Date(1_000).toISOString())
})

test('a probe that has not run leaves its row unchecked', () => {
  assert.equal(judge([control()], [result('a', 'holds')], 0)[0]?.status, 'unchecked')
})

test('a row has exactly the documented fields', () => {
  const [row] = judge([control()], [result('a', 'holds'), result('b', 'holds')], 0)
  assert.deepEqual(Object.keys(row ?? {}), ['id', 'status', 'scope', 'evidence', 'checkedAt'])
})

const probe = (id: string, run: () => Promise<Verdict>, timeMsMax = 1_000): Probe<null> => ({ id, source: '', does: '', timeMsMax, run })

test('a probe that breaks or does not reach its target is unchecked, and the others go on', async () => {
  const results = await runProbes([
    probe('breaks', () => Promise.reject(new Error('oops'))),
    probe('away', () => Promise.reject(new NotReached('nobody there'))),
    probe('fine', () => Promise.resolve(holds('seen'))),
  ], null, new ManualClock(5))
  const found = results.map(({ probe: id, status }) => `${id} ${status}`).toSorted()
  assert.deepEqual(found, ['away unchecked', 'breaks unchecked', 'fine holds'])
  assert.ok(results.every(({ checkedAt }) => checkedAt === new Date(5).toISOString()))
})

test('a probe that hangs is unchecked after its bound', async () => {
  const [found] = await runProbes([probe('hangs', async () => {
    await sleep(5_000, undefined, { ref: false })
    return holds('never')
  }, 50)], null, new ManualClock(0))
  assert.equal(found?.status, 'unchecked')
})

test('results are kept for their owner alone, and read again', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ngome-results-'))
  const path = join(folder, 'operator', 'verify.json')
  assert.deepEqual(readResults(path), [])
  keepResults(path, [result('a', 'holds')])
  assert.deepEqual(readResults(path), [result('a', 'holds')])
  assert.equal(statSync(path).mode & 0o777, 0o600)
  writeFileSync(path, '{"results":[{"probe":"a","status":"fine"}]}')
  assert.deepEqual(readResults(path), [])
  rmSync(folder, { recursive: true })
})

test('the table names every row and counts them', () => {
  const text = table(judge(catalog, [], 0))
  for (const id of ids) assert.match(text, new RegExp(`^. ${id} `, 'm'))
  assert.match(text, /^0 holds, 0 partial, 0 fails, 68 unchecked$/m)
})

test('the explanation leads to the room and to each probe\'s file', () => {
  const r5 = catalog.find(({ id }) => id === 'R5')
  assert.ok(r5)
  const text = explain(r5, probes, root)
  assert.match(text, /room: packages\/envelope/)
  for (const id of isBuilt(r5) ? r5.probes : []) assert.ok(existsSync(join(root, `packages/verify/probes/${id}.ts`)) && text.includes(`packages/verify/probes/${id}.ts`))
  const unbuilt = catalog.find((row) => !isBuilt(row))
  assert.ok(unbuilt && /not built/.test(explain(unbuilt, probes, root)))
})
