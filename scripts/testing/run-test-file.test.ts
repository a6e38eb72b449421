import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { runningInGroup } from './process-group.ts'
import { runTestFile, type FileResult } from './run-test-file.ts'

const head = 'import { test } from \'node:test\'\n'

async function resultOf(text: string, t: { after: (undo: () => void) => void }, timeMsMax = 20_000): Promise<FileResult> {
  const root = mkdtempSync(join(tmpdir(), 'ngome-run-'))
  t.after(() => rmSync(root, { recursive: true }))
  writeFileSync(join(root, 'a.test.ts'), text)
  return runTestFile('a.test.ts', { root, timeMsMax, hasCoverage: false })
}

test('counts passed, failed and skipped tests, subtests too', async (t) => {
  const { passed, failed, skipped, failures, skips } = await resultOf(`${head}
    test('a', async (t) => { await t.test('b', () => {}) })
    test('c', () => { throw new Error('why') })
    test('d', { skip: 'no moon' }, () => {})
    test('e', { todo: 'later' }, () => {})`, t)
  assert.deepEqual({ passed, failed, skipped }, { passed: 2, failed: 1, skipped: 2 })
  assert.deepEqual(failures.map(({ name, reason }) => [name, reason.includes('why')]), [['c', true]])
  assert.deepEqual(skips.map(({ reason }) => reason), ['no moon', 'later'])
})

/** Every way for a file to end badly without a failing test in it. */
const bad: readonly { claim: string; text: string; reason: RegExp; timeMsMax?: number }[] = [
  { claim: 'a file that hangs is killed', text: `${head}test('a', () => { for (;;) {} })`, reason: /did not end within its bound/, timeMsMax: 1_500 },
  { claim: 'a file without a test fails', text: 'export const x = 1', reason: /holds no test/ },
  { claim: 'a file that exits half way fails', text: `${head}test('a', () => { process.exit(0) })`, reason: /without a summary/ },
  {
    claim: 'a file that leaves a process behind fails',
    text: `import { spawn } from 'node:child_process'\n${head}test('a', () => { spawn('sleep', ['60'], { stdio: 'ignore' }).unref() })`,
    reason: /left 1 process/,
  },
]

for (const { claim, text, reason, timeMsMax } of bad) {
  test(claim, async (t) => {
    const { failed, failures } = await resultOf(text, t, timeMsMax)
    assert.ok(failed > 0)
    assert.match(failures.map((failure) => failure.reason).join('\n'), reason)
  })
}

test('a file that does not load fails', async (t) => {
  const { failed, passed } = await resultOf('import \'./nowhere.ts\'', t)
  assert.equal(passed, 0)
  assert.ok(failed > 0)
})

test('a test sees no configuration of the one who runs it', async (t) => {
  process.env['NGOME_GATEWAY__PORT'] = '1'
  t.after(() => delete process.env['NGOME_GATEWAY__PORT'])
  const { failed } = await resultOf(`${head}test('a', () => { if ('NGOME_GATEWAY__PORT' in process.env) throw new Error('seen') })`, t)
  assert.equal(failed, 0)
})

test('a run that is ended by a signal leaves none of its files running', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'ngome-run-'))
  t.after(() => rmSync(root, { recursive: true }))
  const started = join(root, 'pid')
  writeFileSync(join(root, 'a.test.ts'), `import { writeFileSync } from 'node:fs'\n${head}
    test('a', () => new Promise(() => { writeFileSync(${JSON.stringify(started)}, String(process.pid)); setInterval(() => {}, 1000) }))`)
  const run = spawn(process.execPath, ['--input-type=module', '-e', `
    import { runTestFile } from ${JSON.stringify(import.meta.resolve('./run-test-file.ts'))}
    process.once('SIGTERM', () => process.exit(1))
    await runTestFile('a.test.ts', ${JSON.stringify({ root, timeMsMax: 60_000, hasCoverage: false })})`], { stdio: 'ignore' })
  t.after(() => run.kill('SIGKILL'))
  const pid = await pidIn(started)
  assert.deepEqual(runningInGroup(pid), [pid])
  run.kill('SIGTERM')
  await once(run, 'exit')
  for (let look = 0; look < 200 && runningInGroup(pid).length > 0; look++) await sleep(50)
  assert.deepEqual(runningInGroup(pid), [])
})

async function pidIn(file: string): Promise<number> {
  for (let look = 0; look < 600; look++) {
    const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
    if (text !== '') return Number(text)
    await sleep(50)
  }
  throw new Error('the file did not start')
}
