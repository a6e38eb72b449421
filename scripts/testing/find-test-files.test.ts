import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { findTestFiles, longFiles, waitingFiles } from './find-test-files.ts'

/** Split, so that this file is not taken for one that starts it. */
const starts = ['Platform', 'create()'].join('.')
const project = fileURLToPath(new URL('../..', import.meta.url))

test('what starts the platform is one group, what mostly waits another, each file is in one, and the longest come first', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'ngome-find-'))
  t.after(() => rmSync(root, { recursive: true }))
  for (const [file, text] of [
    ['cli/up.test.ts', `const platform = await ${starts}`], ['cli/help.test.ts', 'const a = 1'],
    ['cli/forwards.test.ts', `await ${starts}`], ['packages/kernel/a.test.ts', '// The Platform is not started here.'],
    ['simulation/simulation.test.ts', ''], ['simulation/repetitions.test.ts', ''],
    ['cli/node_modules/x/a.test.ts', ''],
  ] as const) {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), text)
  }
  assert.deepEqual(findTestFiles(root, []), {
    side: ['simulation/repetitions.test.ts', 'simulation/simulation.test.ts', 'cli/help.test.ts', 'packages/kernel/a.test.ts'],
    platform: ['cli/up.test.ts'], waiting: ['cli/forwards.test.ts'],
  })
  assert.deepEqual(findTestFiles(root, ['help', 'up']), { side: ['cli/help.test.ts'], platform: ['cli/up.test.ts'], waiting: [] })
})

test('every file that is said to wait or to be long is there, and some of this project start the platform', () => {
  const { side, platform, waiting } = findTestFiles(project, [])
  assert.deepEqual([...waitingFiles, ...longFiles].filter((file) => !existsSync(join(project, file))), [])
  assert.deepEqual(side.slice(0, longFiles.length), longFiles)
  assert.ok(waiting.length > 2 && platform.includes('cli/up.test.ts') && platform.includes('cli/staff.test.ts'))
})
