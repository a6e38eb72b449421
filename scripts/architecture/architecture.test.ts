import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { check } from './check.ts'
import type { Violation } from './edges.ts'
import { exceptions, exceptionsMax, withoutExceptions } from './exceptions.ts'
import { readModules } from './read-modules.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** Nine tenths of the tree of November 2026, 602 modules with 2,519 imports among them: with fewer, the reader has lost its eyes. */
const modulesMin = 540
const importsMin = 2_250

const modules = readModules(root)

test(`sees at least ${modulesMin} modules with their imports`, () => {
  assert.ok(modules.length >= modulesMin, `${modules.length} modules`)
  const inside = modules.flatMap(({ imports }) => imports).filter(({ target }) => target !== undefined)
  assert.ok(inside.length >= importsMin, `${inside.length} imports`)
})

test('no module breaks a rule of the architecture', () => {
  const told = withoutExceptions(check(modules), exceptions).map(({ rule, path, detail }) => `${rule}: ${path}: ${detail}`)
  assert.deepEqual(told, [])
})

test('the list of exceptions only shrinks', () => {
  assert.ok(exceptions.length <= exceptionsMax)
})

const lines = (count: number): string => Array.from({ length: count }, (_, at) => `  let a${at} = ${at}`).join('\n')

/** One threat a row: what somebody writes, and the rule that has to notice. */
const seeded: readonly { claim: string; files: Record<string, string>; rule: string; path: string }[] = [
  {
    claim: 'the kernel imports contracts',
    files: { 'packages/kernel/a.ts': 'import { x } from \'@ngome/contracts\'\nexport const y = x', 'packages/contracts/mod.ts': 'export { x } from \'./x.ts\'' },
    rule: 'edge', path: 'packages/kernel/a.ts',
  },
  {
    claim: 'a type alone is imported against the matrix',
    files: { 'packages/envelope/a.ts': 'import type { X } from \'@ngome/store\'\nexport type Y = X' },
    rule: 'edge', path: 'packages/envelope/a.ts',
  },
  {
    claim: 'a service imports another service by path',
    files: { 'services/gateway/a.ts': 'import { x } from \'../custodian/x.ts\'\nexport const y = x' },
    rule: 'edge', path: 'services/gateway/a.ts',
  },
  {
    claim: 'a service imports another service by name',
    files: { 'services/gateway/a.ts': 'import { x } from \'@ngome/service-custodian\'\nexport const y = x' },
    rule: 'edge', path: 'services/gateway/a.ts',
  },
  {
    claim: 'a service imports another service at run time',
    files: { 'services/gateway/a.ts': 'export const y = await import(\'../custodian/x.ts\')' },
    rule: 'edge', path: 'services/gateway/a.ts',
  },
  {
    claim: 'an import reaches past mod.ts',
    files: { 'services/gateway/a.ts': 'import { x } from \'@ngome/kernel/secret.ts\'\nexport const y = x', 'packages/kernel/mod.ts': 'export { x } from \'./x.ts\'' },
    rule: 'edge', path: 'services/gateway/a.ts',
  },
  {
    claim: 'the product stands on the test kit',
    files: { 'services/gateway/a.ts': 'import { x } from \'@ngome/testkit\'\nexport const y = x', 'packages/testkit/mod.ts': 'export { x } from \'./x.ts\'' },
    rule: 'edge', path: 'services/gateway/a.ts',
  },
  {
    claim: 'an export re-exports against the matrix',
    files: { 'packages/kernel/a.ts': 'export { x } from \'@ngome/store\'\nexport const y = 1', 'packages/store/mod.ts': 'export { x } from \'./x.ts\'' },
    rule: 'edge', path: 'packages/kernel/a.ts',
  },
  {
    claim: 'the product stands on a room\'s machinery of tests',
    files: { 'services/gateway/a.ts': 'import { x } from \'./testing/x.ts\'\nexport const y = x', 'services/gateway/testing/x.ts': 'export const x = 1' },
    rule: 'edge', path: 'services/gateway/a.ts',
  },
  {
    claim: 'a benchmark reaches into a room that it has no row for',
    files: { 'bench/a.ts': 'import { x } from \'../cli/x.ts\'\nexport const y = x' },
    rule: 'edge', path: 'bench/a.ts',
  },
  { claim: 'what is imported is computed', files: { 'services/gateway/a.ts': 'export const load = (name: string) => import(name)' }, rule: 'computed-import', path: 'services/gateway/a.ts' },
  { claim: 'a room has no row', files: { 'packages/sundries/a.ts': 'export const x = 1' }, rule: 'room', path: 'packages/sundries' },
  {
    claim: 'two files import each other',
    files: { 'packages/kernel/a.ts': 'import { b } from \'./b.ts\'\nexport const a = b', 'packages/kernel/b.ts': 'import { a } from \'./a.ts\'\nexport const b = a' },
    rule: 'cycle', path: 'packages/kernel/a.ts',
  },
  {
    claim: 'three files go in a circle of types',
    files: {
      'packages/kernel/a.ts': 'import type { B } from \'./b.ts\'\nexport type A = B',
      'packages/kernel/b.ts': 'import type { C } from \'./c.ts\'\nexport type B = C',
      'packages/kernel/c.ts': 'import type { A } from \'./a.ts\'\nexport type C = A',
    },
    rule: 'cycle', path: 'packages/kernel/a.ts',
  },
  { claim: 'a file has 401 lines', files: { 'packages/kernel/a.ts': `export const x = 1\n${'//\n'.repeat(400)}` }, rule: 'file-length', path: 'packages/kernel/a.ts' },
  { claim: 'a function has 71 lines', files: { 'packages/kernel/a.ts': `export function long(): void {\n${lines(69)}\n}\n` }, rule: 'function-length', path: 'packages/kernel/a.ts#long' },
  { claim: 'an arrow function has 71 lines', files: { 'packages/kernel/a.ts': `export const long = (): void => {\n${lines(69)}\n}\n` }, rule: 'function-length', path: 'packages/kernel/a.ts#long' },
  { claim: 'a method has 71 lines', files: { 'packages/kernel/a.ts': `export class A {\nlong(): void {\n${lines(69)}\n}\n}\n` }, rule: 'function-length', path: 'packages/kernel/a.ts#long' },
  { claim: 'mod.ts holds logic', files: { 'packages/kernel/mod.ts': 'export { a } from \'./a.ts\'\nexport const b = 1', 'packages/kernel/a.ts': 'export const a = 1' }, rule: 'mod', path: 'packages/kernel/mod.ts' },
  { claim: 'a second file gathers exports', files: { 'packages/kernel/all.ts': 'export { a } from \'./a.ts\'', 'packages/kernel/a.ts': 'export const a = 1' }, rule: 'mod', path: 'packages/kernel/all.ts' },
  { claim: 'a file has a default export', files: { 'packages/kernel/a.ts': 'export default 1' }, rule: 'default-export', path: 'packages/kernel/a.ts' },
  { claim: 'a name is exported as default', files: { 'packages/kernel/a.ts': 'const a = 1\nexport { a as default }' }, rule: 'default-export', path: 'packages/kernel/a.ts' },
  { claim: 'a room reads the environment', files: { 'services/gateway/a.ts': 'export const x = process.env[\'HOME\']' }, rule: 'ambient-environment', path: 'services/gateway/a.ts' },
  { claim: 'a room imports the environment', files: { 'services/gateway/a.ts': 'import { env } from \'node:process\'\nexport const x = env' }, rule: 'ambient-environment', path: 'services/gateway/a.ts' },
  { claim: 'a room reads the clock on the wall', files: { 'services/gateway/a.ts': 'export const x = Date.now()' }, rule: 'ambient-time', path: 'services/gateway/a.ts' },
  { claim: 'a room makes a date of now', files: { 'services/gateway/a.ts': 'export const x = new Date()' }, rule: 'ambient-time', path: 'services/gateway/a.ts' },
  { claim: 'a room throws dice', files: { 'services/gateway/a.ts': 'export const x = Math.random()' }, rule: 'ambient-randomness', path: 'services/gateway/a.ts' },
  { claim: 'a room takes its own random bytes', files: { 'services/gateway/a.ts': 'import { randomBytes } from \'node:crypto\'\nexport const x = randomBytes(8)' }, rule: 'ambient-randomness', path: 'services/gateway/a.ts' },
  { claim: 'a room trusts every peer', files: { 'services/gateway/a.ts': 'export const x = { rejectUnauthorized: false }' }, rule: 'unverified-tls', path: 'services/gateway/a.ts' },
  { claim: 'the custodian imports pg', files: { 'services/custodian/a.ts': 'import pg from \'pg\'\nexport const x = pg' }, rule: 'custodian-database', path: 'services/custodian/a.ts' },
  { claim: 'the custodian\'s PostgreSQL adapter imports the application\'s store', files: { 'services/custodian/store/postgres/a.ts': 'import { x } from \'@ngome/store\'\nexport const y = x', 'packages/store/mod.ts': 'export { x } from \'./x.ts\'' }, rule: 'custodian-database', path: 'services/custodian/store/postgres/a.ts' },
  { claim: 'the custodian\'s SQLite adapter imports pg', files: { 'services/custodian/store/sqlite/a.ts': 'import pg from \'pg\'\nexport const x = pg' }, rule: 'custodian-database', path: 'services/custodian/store/sqlite/a.ts' },
  { claim: 'the custodian imports the store', files: { 'services/custodian/a.ts': 'import { x } from \'@ngome/store\'\nexport const y = x', 'packages/store/mod.ts': 'export { x } from \'./x.ts\'' }, rule: 'custodian-database', path: 'services/custodian/a.ts' },
  { claim: 'the dispatcher opens a SQLite file', files: { 'services/dispatcher/a.ts': 'import { DatabaseSync } from \'node:sqlite\'\nexport const x = DatabaseSync' }, rule: 'sqlite', path: 'services/dispatcher/a.ts' },
  { claim: 'the gateway imports the opening of records', files: { 'services/gateway/a.ts': 'import { openRecord } from \'@ngome/envelope\'\nexport const x = openRecord' }, rule: 'gateway-opens', path: 'services/gateway/a.ts' },
  { claim: 'the dispatcher opens sealed data keys itself', files: { 'services/dispatcher/a.ts': 'import { openSealedDataKey } from \'@ngome/envelope\'\nexport const x = openSealedDataKey' }, rule: 'unseals', path: 'services/dispatcher/a.ts' },
  { claim: 'the gateway connects outwards', files: { 'services/gateway/a.ts': 'import { request } from \'node:https\'\nexport const x = request' }, rule: 'gateway-egress', path: 'services/gateway/a.ts' },
  { claim: 'somebody fetches past the egress guard', files: { 'services/dispatcher/a.ts': 'export const x = await fetch(\'https://example.com\')' }, rule: 'egress', path: 'services/dispatcher/a.ts' },
  { claim: 'a service starts a process', files: { 'services/gateway/a.ts': 'import { spawn } from \'node:child_process\'\nexport const x = spawn' }, rule: 'child-process', path: 'services/gateway/a.ts' },
  { claim: 'a service starts a worker', files: { 'services/gateway/a.ts': 'import { Worker } from \'node:worker_threads\'\nexport const x = Worker' }, rule: 'worker', path: 'services/gateway/a.ts' },
  { claim: 'code is made of a string', files: { 'services/gateway/a.ts': 'export const x = new Function(\'return 1\')' }, rule: 'dynamic-code', path: 'services/gateway/a.ts' },
  { claim: 'the kernel reads a file', files: { 'packages/kernel/a.ts': 'import { readFileSync } from \'node:fs\'\nexport const x = readFileSync' }, rule: 'kernel-io', path: 'packages/kernel/a.ts' },
  { claim: 'a line hides from the coverage', files: { 'packages/kernel/a.ts': 'export const x = 1 /* node:coverage ignore next */' }, rule: 'coverage-hole', path: 'packages/kernel/a.ts' },
]

for (const { claim, files, rule, path } of seeded) {
  test(`notices that ${claim}`, (t) => {
    const found = violationsOf(files, t)
    assert.ok(found.some((violation) => violation.rule === rule && violation.path === path), JSON.stringify(found))
  })
}

/** The same words where they are harmless. */
const harmless: readonly { claim: string; files: Record<string, string> }[] = [
  { claim: 'a banned word in a comment', files: { 'services/gateway/a.ts': '// Never Date.now() here.\nexport const x = 1' } },
  { claim: 'the environment in main.ts', files: { 'services/gateway/main.ts': 'console.log(process.env[\'HOME\'])' } },
  { claim: 'an allowed edge', files: { 'services/gateway/a.ts': 'import { x } from \'@ngome/kernel\'\nexport const y = x', 'packages/kernel/mod.ts': 'export { x } from \'./x.ts\'' } },
  { claim: 'a date of a known instant', files: { 'services/gateway/a.ts': 'export const x = new Date(0)' } },
]

for (const { claim, files } of harmless) {
  test(`lets pass ${claim}`, (t) => {
    assert.deepEqual(violationsOf(files, t).filter(({ rule }) => rule !== 'room'), [])
  })
}

test('notices a row of the matrix whose room is gone', () => {
  assert.ok(check([]).some(({ rule, path }) => rule === 'room' && path === 'packages/kernel'))
})

test('an exception covers its violation and no larger one', () => {
  const violation = (size: number): Violation => ({ rule: 'file-length', path: 'a.ts', detail: '', size })
  const exception = { rule: 'file-length', path: 'a.ts', size: 420, why: 'a table' }
  assert.deepEqual(withoutExceptions([violation(420)], [exception]), [])
  assert.equal(withoutExceptions([violation(421)], [exception]).length, 2)
})

test('an exception that allows more than is there is refused', () => {
  const exception = { rule: 'file-length', path: 'a.ts', size: 420, why: 'a table' }
  assert.deepEqual(withoutExceptions([{ rule: 'file-length', path: 'a.ts', detail: '', size: 410 }], [exception]).map(({ rule }) => rule), ['exception'])
  assert.deepEqual(withoutExceptions([], [exception]).map(({ rule }) => rule), ['exception'])
})

function violationsOf(files: Record<string, string>, t: { after: (undo: () => void) => void }): Violation[] {
  const folder = mkdtempSync(join(tmpdir(), 'ngome-architecture-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return check(readModules(folder))
}
