import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { sabotages } from './sabotages.ts'

const msMax = 120_000

/** What failed in each suite, by the suite's name. */
const failed = new Map<string, readonly string[]>()

before(async () => {
  const output = await tap()
  let names: string[] = []
  for (const line of output.split('\n')) {
    const match = /^( *)(ok|not ok) [0-9]+ - (.*?)(?: # .*)?$/.exec(line)
    if (match === null) continue
    const [, indent = '', result, escaped = ''] = match
    const name = escaped.replaceAll('\\', '')
    if (indent === '') {
      failed.set(name.replace(/ conforms$/, ''), names)
      names = []
    } else if (result === 'not ok') names.push(name)
  }
})

test('the suite passes a connector that keeps its promises', () => {
  assert.deepEqual(failed.get('honest'), [])
})
for (const { name, noticedBy } of sabotages) {
  test(`the suite notices a connector where ${name}`, () => {
    assert(failed.get(name)?.some((failure) => noticedBy.test(failure)), `${failed.get(name)?.join('\n')}`)
  })
}

/** Runs the suites as tests of their own; it ends with a failure, which is what is looked for. */
function tap(): Promise<string> {
  const patterns = sabotages.map(({ noticedBy }) => `--test-name-pattern=${String(noticedBy)}`)
  return new Promise((resolve) => {
    // A surrounding test run tells its children how to report, which this one does its own way.
    execFile(process.execPath, ['--test-reporter=tap', ...patterns, join(import.meta.dirname, 'sabotaged.ts')], { timeout: msMax, env: {}, maxBuffer: 16_777_216 }, (_, stdout) => {
      resolve(stdout)
    })
  })
}
