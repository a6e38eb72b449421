import assert from 'node:assert/strict'
import {
  chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemRandom } from '@ngome/kernel'
import { assertPrivateFile, createPrivateFile, readPrivateFile, removeUnfinishedFiles, replacePublicFile } from './private-file.ts'

const refused = { code: 'custodian/start_refused' }

function folder(t: { after(fn: () => void): void }): string {
  const path = mkdtempSync(join(tmpdir(), 'ngome-store-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}

test('a private file appears whole, once, and is never replaced', (t) => {
  const path = join(folder(t), 'key')
  createPrivateFile(path, Buffer.from('first'), systemRandom)
  createPrivateFile(path, Buffer.from('second'), systemRandom)
  assert.equal(Buffer.from(readPrivateFile(path)).toString(), 'first')
  assert.equal(readdirSync(join(path, '..')).length, 1)
})

test('a private file is not made where its folder is missing or its place is taken by something else', (t) => {
  const path = folder(t)
  assert.throws(() => createPrivateFile(join(path, 'no', 'key'), new Uint8Array(1), systemRandom), /ENOENT/)
  const random = { bytes: (length: number) => new Uint8Array(length) }
  mkdirSync(join(path, `key.${'00'.repeat(8)}.unfinished`))
  assert.throws(() => createPrivateFile(join(path, 'key'), new Uint8Array(1), random), /EEXIST/)
})

test('a name that cannot be linked leaves nothing behind', (t) => {
  const path = folder(t)
  assert.throws(() => createPrivateFile(join(path, 'x'.repeat(250)), new Uint8Array(1), systemRandom), /ENAMETOOLONG/)
  assert.deepEqual(readdirSync(path), [])
})

test('a public file is replaced in one step', (t) => {
  const path = join(folder(t), 'ca.pem')
  replacePublicFile(path, 'one', systemRandom)
  replacePublicFile(path, 'two', systemRandom)
  assert.equal(readFileSync(path, 'utf8'), 'two')
  assert.equal(statSync(path).mode & 0o777, 0o644)
})

test('what a killed start left is removed, and nothing else', (t) => {
  const path = folder(t)
  for (const name of ['root.key', 'root.key.00.unfinished', 'a.unfinished']) writeFileSync(join(path, name), '')
  removeUnfinishedFiles(path)
  assert.deepEqual(readdirSync(path), ['root.key'])
})

test('refuses to read what is missing, a link, a folder, too large, or open to others', (t) => {
  const path = folder(t)
  createPrivateFile(join(path, 'key'), new Uint8Array(4), systemRandom)
  symlinkSync(join(path, 'key'), join(path, 'link'))
  mkdirSync(join(path, 'folder'), { mode: 0o600 })
  createPrivateFile(join(path, 'large'), new Uint8Array(4_097), systemRandom)
  writeFileSync(join(path, 'open'), '', { mode: 0o644 })
  for (const name of ['missing', 'link', 'folder', 'large', 'open']) {
    assert.throws(() => readPrivateFile(join(path, name)), refused, name)
    if (name !== 'large') assert.throws(() => assertPrivateFile(join(path, name)), refused, name)
  }
  assert.ok(existsSync(join(path, 'key')))
})

test('refuses a file of another user', { skip: process.getuid?.() === 0 ? false : 'only root can give a file away' }, (t) => {
  const path = join(folder(t), 'key')
  createPrivateFile(path, new Uint8Array(4), systemRandom)
  chownSync(path, 12_345, 12_345)
  assert.throws(() => readPrivateFile(path), refused)
})
