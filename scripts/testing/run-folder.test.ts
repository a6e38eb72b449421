import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { makeRunFolder } from './run-folder.ts'

test('a run has a place that it shares and one for all users, and both are gone after it', (t) => {
  const parent = mkdtempSync(join(tmpdir(), 'ngome-parent-'))
  t.after(() => rmSync(parent, { recursive: true }))
  const { folder, remove } = makeRunFolder(parent)
  assert.deepEqual([folder.shared, folder.temporary].map((path) => statSync(path).mode & 0o7777), [0o700, 0o1777])
  assert.equal(statSync(dirname(folder.shared)).mode & 0o777, 0o711)
  writeFileSync(join(folder.temporary, 'a'), '')
  remove()
  assert.deepEqual(readdirSync(parent), [])
})

test('what a run that was killed left is removed by the next one; what another run still uses, and what is no run\'s, stays', (t) => {
  const parent = mkdtempSync(join(tmpdir(), 'ngome-parent-'))
  t.after(() => rmSync(parent, { recursive: true }))
  const gone = spawnSync('true').pid
  const names = [`ngome-run-${gone}-abc`, `ngome-run-${process.ppid}-abc`, 'ngome-run-abc', `other-${gone}`]
  for (const name of names) mkdirSync(join(parent, name, 'tmp'), { recursive: true })
  makeRunFolder(parent).remove()
  assert.deepEqual(names.map((name) => existsSync(join(parent, name))), [false, true, true, true])
})

test('without being told where, it finds a place that this machine has', () => {
  const { folder, remove } = makeRunFolder()
  assert.ok(existsSync(folder.temporary))
  remove()
  assert.ok(!existsSync(folder.temporary))
})
