import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chownSync, existsSync, linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemRandom } from '@ngome/kernel'
import { loadConfig, newCertificateRequest, parseAuthorities } from '@ngome/runtime'
import { TestAuthority } from '@ngome/testkit'
import { readForeignFile } from './private-file.ts'
import { writeProviderCredentials } from './provider-credentials.ts'
import { followAuthority, publishAuthority } from './publish-authority.ts'

const authority = await TestAuthority.create()
const leaf = await authority.issue((await newCertificateRequest('gateway')).csr, 'gateway')
const needsRoot = process.getuid?.() !== 0 && 'needs root'
const refused = { code: 'launcher/failed' }

/** What the owner of a folder may put where we expect a file with this content. */
const planted: readonly (readonly [what: string, plant: (path: string, content: string) => void, skip: string | false])[] = [
  ['a link to a file of ours', (path, content) => {
    writeFileSync(`${path}.target`, content)
    symlinkSync(`${path}.target`, path)
  }, false],
  ['a pipe that nobody writes to', (path) => assert.equal(spawnSync('mkfifo', [path]).status, 0), process.platform === 'win32' && 'no mkfifo'],
  ['a folder', (path) => mkdirSync(path), false],
  ['a device', (path) => symlinkSync('/dev/zero', path), false],
  ['a file past any sensible size', (path, content) => writeFileSync(path, content.padEnd(64 * 1024 + 1)), false],
  ['another user\'s file', (path, content) => {
    writeFileSync(path, content)
    chownSync(path, 1_900_000_001, 1_900_000_001)
  }, needsRoot],
  ['a hard link to another user\'s file', (path, content) => {
    writeFileSync(`${path}.target`, content)
    chownSync(`${path}.target`, 1_900_000_001, 1_900_000_001)
    linkSync(`${path}.target`, path)
  }, needsRoot],
]

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'ngome-foreign-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

describe('in place of a file of another process, the launcher refuses', { timeout: 60_000 }, () => {
  for (const [what, plant, skip] of planted) {
    test(`${what}: the authority's certificate`, { skip, timeout: 10_000 }, (t) => {
      const folder = folderFor(t)
      plant(join(folder, 'ca.pem'), authority.pem)
      assert.throws(() => publishAuthority(join(folder, 'ca.pem'), join(folder, 'public.pem'), undefined), refused)
      assert.equal(existsSync(join(folder, 'public.pem')), false)
    })

    test(`${what}: the credentials of networks`, { skip, timeout: 10_000 }, async (t) => {
      const dataDir = folderFor(t)
      mkdirSync(join(dataDir, 'dispatcher'))
      plant(join(dataDir, 'dispatcher', 'providers.json'), '{}')
      const config = loadConfig({ NGOME_DATA: dataDir }, { workingDir: dataDir })
      await assert.rejects(writeProviderCredentials(config, undefined, systemRandom), refused)
    })
  }
})

test('what the custodian put beside its certificate is not published, and only an authority\'s certificate is', (t) => {
  const folder = folderFor(t)
  const [from, to] = [join(folder, 'ca.pem'), join(folder, 'public.pem')]
  writeFileSync(from, `${authority.pem}\nroot:$6$secret\n`)
  publishAuthority(from, to, undefined)
  assert.equal(readFileSync(to, 'utf8').trim(), authority.pem.trim())
  assert.equal(statSync(to).mode & 0o777, 0o644)
  for (const content of ['', 'root:$6$secret\n', leaf, `${authority.pem}\n${leaf}`, `${authority.pem}\n${authority.pem}`]) {
    writeFileSync(from, content)
    assert.throws(() => publishAuthority(from, join(folder, 'other.pem'), undefined), refused)
  }
  assert.equal(existsSync(join(folder, 'other.pem')), false)
})

test('while the authority is replaced both are copied, as soon as the custodian has them', async (t) => {
  const folder = folderFor(t)
  const [from, to] = [join(folder, 'ca.pem'), join(folder, 'public.pem')]
  const next = await TestAuthority.create('The next')
  const told: string[] = []
  const both = `${authority.pem}\n${next.pem}\n`
  writeFileSync(from, `${authority.pem}\n`)
  const stop = followAuthority({ from, to, owner: undefined, tell: (line) => void told.push(line) }, publishAuthority(from, to, undefined), 10)
  t.after(stop)
  const until = async (isSo: () => boolean): Promise<void> => { while (!isSo()) await sleep(5) }
  writeFileSync(from, 'half written')
  await until(() => told.length === 1)
  assert.match(told[0] ?? '', /cannot be copied/)
  assert.equal(readFileSync(to, 'utf8').trim(), authority.pem.trim(), 'what was there stays')
  writeFileSync(from, both)
  await until(() => told.length === 2)
  assert.deepEqual(parseAuthorities(readFileSync(to, 'utf8'))?.length, 2)
})

test('a file of the expected user is read whole, one that is not there is none', { skip: needsRoot }, (t) => {
  const path = join(folderFor(t), 'file')
  assert.equal(readForeignFile(path, 1_900_000_001), undefined)
  writeFileSync(path, 'x'.repeat(64 * 1024))
  chownSync(path, 1_900_000_001, 1_900_000_001)
  assert.equal(readForeignFile(path, 1_900_000_001)?.length, 64 * 1024)
})
