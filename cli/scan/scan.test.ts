import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { newApiKey, parseApiKey } from '@ngome/access'
import { keyKinds } from '@ngome/contracts'
import { Secret, systemClock, systemRandom, worlds, type ApiKeyId } from '@ngome/kernel'
import fc from 'fast-check'
import { Misuse, type Context } from '../command.ts'
import { keysScan } from '../keys-scan.ts'
import { KeyScanner } from './key-scanner.ts'

const from = { clock: systemClock, random: systemRandom }
function newKey(kind: (typeof keyKinds)[number] = 'secret', world: (typeof worlds)[number] = 'test'): { readonly id: ApiKeyId; readonly text: string } {
  const key = newApiKey({ world, kind, ...from })
  return { id: key.id, text: key.text.expose((text) => text) }
}

function folderOf(t: { after(fn: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'ngome-scan-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function scan(path: string, options: { readonly git?: boolean } = {}): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const [out, err]: [string[], string[]] = [[], []]
  const context: Context = {
    env: {}, root: '/', ...from, out: (line) => out.push(line), err: (line) => err.push(line), isTerminal: false,
    askSecret: async () => new Secret(''), interrupted: new AbortController().signal, onReload: () => undefined,
  }
  const code = await keysScan.run(context, { operands: { path }, options, isJson: false })
  return { code, out: out.join('\n'), err: err.join('\n') }
}

const off = (text: string): string => text.slice(0, 60) + (text[60] === 'a' ? 'b' : 'a') + text.slice(61)

describe('a folder', () => {
  test('is searched whole; a key is named by file, line and id, and never printed', async (t) => {
    const folder = folderOf(t)
    const [one, other, missed] = [newKey(), newKey('publishable', 'live'), newKey()]
    mkdirSync(join(folder, 'deep', 'er'), { recursive: true })
    writeFileSync(join(folder, 'deep', 'er', '.env'), `A=1\nKEY=${one.text}\n`)
    writeFileSync(join(folder, 'page.bin'), Buffer.concat([Buffer.alloc(200_000, 7), Buffer.from(`${other.text}${other.text}`)]))
    writeFileSync(join(folder, 'wrong.txt'), `${off(missed.text)} ${missed.text.slice(1)} ${missed.text.slice(0, -1)}\n`)
    symlinkSync('/', join(folder, 'link'))
    const { code, out, err } = await scan(folder)
    assert.equal(code, 1)
    assert.deepEqual(out.split('\n').toSorted(), [
      `${join(folder, 'deep/er/.env')}:2  ${one.id}`, `${join(folder, 'page.bin')}:1  ${other.id}`, `${join(folder, 'page.bin')}:1  ${other.id}`,
    ])
    assert.ok(err.includes(`ngome keys revoke ${one.id}`) && err.includes(`ngome keys revoke ${other.id}`))
    for (const { text } of [one, other, missed]) assert.ok(!`${out}${err}`.includes(text.slice(41, 60)))
  })

  test('without keys is clean, one that is not there is not', async (t) => {
    const folder = folderOf(t)
    writeFileSync(join(folder, 'a'), `ngome_sk_test_${'0'.repeat(26)}_${'A'.repeat(49)}`)
    assert.equal((await scan(folder)).code, 0)
    assert.equal((await scan(join(folder, 'absent'))).code, 1)
  })
})

describe('a git history', () => {
  test('is searched with what was deleted, rewritten and written into messages', async (t) => {
    const folder = folderOf(t)
    const git = (...args: string[]): string =>
      execFileSync('git', ['-C', folder, '-c', 'user.name=A', '-c', 'user.email=a@example.com', ...args], { stdio: ['ignore', 'pipe', 'ignore'] }).toString()
    git('init', '-q')
    const [deleted, dropped, message] = [newKey(), newKey(), newKey()]
    writeFileSync(join(folder, 'config.json'), `{\n "key": "${deleted.text}"\n}`)
    git('add', '.')
    git('commit', '-qm', 'first')
    const first = git('rev-parse', 'HEAD').trim()
    git('rm', '-q', 'config.json')
    git('commit', '-qm', `now with ${message.text}`)
    writeFileSync(join(folder, 'x'), dropped.text)
    git('add', '.')
    git('commit', '-qm', 'dropped')
    git('reset', '-q', '--hard', 'HEAD~1')
    assert.equal((await scan(folder)).code, 0)
    const { code, out } = await scan(folder, { git: true })
    assert.equal(code, 1)
    assert.ok(out.includes(`commit ${first} config.json:2  ${deleted.id}`), out)
    for (const { id, text } of [deleted, dropped, message]) assert.ok(out.includes(id) && !out.includes(text))
  })

  test('that is none is said to be none', async (t) => {
    await assert.rejects(scan(folderOf(t), { git: true }), Misuse)
  })
})

test('wherever the pieces of a text end, each key is found once, in its line', () => {
  const keys = [newKey(), newKey('publishable')]
  const text = `x\n\n${keys[0]?.text ?? ''}${keys[1]?.text ?? ''}\nngome_sk_test_\n${off(keys[0]?.text ?? '')}\n${keys[1]?.text ?? ''}`
  fc.assert(fc.property(fc.array(fc.nat(text.length), { maxLength: 30 }), (cuts) => {
    const scanner = new KeyScanner()
    const ends = [0, ...cuts.toSorted((a, b) => a - b), text.length]
    const found = ends.slice(1).flatMap((end, at) => scanner.push(Buffer.from(text.slice(ends[at], end))))
    assert.deepEqual(found, [{ key: keys[0]?.id, line: 3 }, { key: keys[1]?.id, line: 3 }, { key: keys[1]?.id, line: 6 }])
  }), { numRuns: 300 })
})

describe('the rules for other scanners', () => {
  const folder = join(import.meta.dirname, '../../docs/secret-scanning')
  const patternIn = (file: string, line: RegExp): RegExp => new RegExp(line.exec(readFileSync(join(folder, file), 'utf8'))?.[1] ?? 'x{0}y')
  const rules = {
    'gitleaks.toml': patternIn('gitleaks.toml', /^regex = '''(.*)'''$/m),
    'trufflehog.yaml': patternIn('trufflehog.yaml', /^ +key: '(.*)'$/m),
    'github-custom-pattern.txt': patternIn('github-custom-pattern.txt', /^Secret format: (.*)$/m),
  }
  for (const [file, pattern] of Object.entries(rules)) {
    test(`${file} finds new keys of every kind, in every place`, () => {
      for (const kind of keyKinds) {
        for (const world of worlds) {
          const { text } = newKey(kind, world)
          for (const around of [text, `KEY=${text}`, `"${text}"`, `Authorization: Bearer ${text}\r\n`]) assert.ok(pattern.test(around), around)
        }
      }
    })

    test(`${file} finds nothing that is no key by its form`, () => {
      const { text } = newKey()
      const misses = [
        text.slice(0, -1), text.replace('_sk_', '_xk_'), text.replace('_test_', '_prod_'), text.replace('ngome', 'ngomo'), text.slice(0, 14) + '8' + text.slice(15),
        text.toUpperCase(), text.slice(0, 45) + '.' + text.slice(46), text.slice(0, -1) + '!',
      ]
      for (const miss of misses) {
        assert.equal(parseApiKey(miss), undefined)
        assert.equal(pattern.test(miss), false, miss)
      }
    })
  }
})
