import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, describe, test } from 'node:test'
import { systemRandom as random } from '@ngome/kernel'
import { readOwnFile, writeOwnFile } from './own-file.ts'

const root = resolve(import.meta.dirname, '../../..')
const folder = mkdtempSync(join(tmpdir(), 'ngome-own-file-'))
after(() => rmSync(folder, { recursive: true }))

let count = 0
function newFolder(): string {
  const path = join(folder, String(count++))
  mkdirSync(path)
  return path
}
const modeOf = (path: string): number => statSync(path).mode & 0o777

/** A process as the launcher starts ours: Node's permission model, and one folder that it may write in. */
function inProcess(own: string, script: string): { readonly status: number | null; readonly said: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [
    '--permission', '--allow-net', `--allow-fs-read=${root}`, `--allow-fs-read=${own}`, `--allow-fs-write=${own}`, '--no-experimental-sqlite',
    '--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', `
      import { systemRandom as random } from '${join(root, 'packages/kernel/mod.ts')}'
      import { readOwnFile, writeOwnFile } from '${join(import.meta.dirname, 'own-file.ts')}'
      ${script}`,
  ], { encoding: 'utf8', timeout: 20_000 })
  return { status, said: stdout + stderr }
}

describe('a process under the permission model', () => {
  test('writes a file in its folder that only it reads, again in the place of the one before, and reads it', () => {
    const own = newFolder()
    const { status, said } = inProcess(own, `
      process.umask(0)
      for (const text of ['first', 'second, and longer']) writeOwnFile(${JSON.stringify(join(own, 'key'))}, text, { random })
      console.log(readOwnFile(${JSON.stringify(join(own, 'key'))}), readOwnFile(${JSON.stringify(join(own, 'none'))}))`)
    assert.equal(status, 0, said)
    assert.equal(said.trim(), 'second, and longer undefined')
    assert.equal(modeOf(join(own, 'key')), 0o600)
    assert.deepEqual(readdirSync(own), ['key'], 'no draft is left')
  })

  test('writes in no other folder', () => {
    const [own, other] = [newFolder(), newFolder()]
    const { status, said } = inProcess(own, `writeOwnFile(${JSON.stringify(join(other, 'key'))}, 'x', { random })`)
    assert.equal(status, 1, said)
    assert.match(said, /ERR_ACCESS_DENIED/)
    assert.deepEqual(readdirSync(other), [])
  })
})

test('a link in the place of the file is replaced, and what it leads to is not touched', () => {
  const own = newFolder()
  const target = join(folder, 'target')
  writeFileSync(target, 'theirs')
  symlinkSync(target, join(own, 'key'))
  writeOwnFile(join(own, 'key'), 'ours', { random })
  assert.deepEqual([readFileSync(target, 'utf8'), readOwnFile(join(own, 'key'))], ['theirs', 'ours'])
})

test('a file for others is theirs under any umask', () => {
  const path = join(newFolder(), 'ca.pem')
  const before = process.umask(0o077)
  try {
    writeOwnFile(path, 'public', { random, mode: 0o644 })
  } finally {
    process.umask(before)
  }
  assert.equal(modeOf(path), 0o644)
})

test('a draft that cannot take its place is not left behind', () => {
  const own = newFolder()
  mkdirSync(join(own, 'key'))
  assert.throws(() => writeOwnFile(join(own, 'key'), 'x', { random }), { code: 'EISDIR' })
  assert.deepEqual(readdirSync(own), ['key'])
})

describe('a secret is not read', () => {
  for (const mode of [0o640, 0o604, 0o660, 0o602]) {
    test(`from a file that others have a part in (${mode.toString(8)})`, () => {
      const path = join(newFolder(), 'key')
      writeFileSync(path, 'x')
      chmodSync(path, mode)
      assert.throws(() => readOwnFile(path), { code: 'config/invalid' })
    })
  }
})
