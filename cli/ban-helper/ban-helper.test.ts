import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { findProgram } from '../launcher/find-program.ts'
import { runProgram } from '../launcher/run-program.ts'

const root = resolve(import.meta.dirname, '../..')

test('the kernel refuses who is ordered to be banned, on the gateway\u2019s port, until the end; and nobody else', async (t) => {
  const [unshare, ...others] = ['unshare', 'nft', 'setpriv', 'ip'].map((name) => findProgram(name))
  if (process.getuid?.() !== 0 || unshare === undefined || others.includes(undefined)) return t.skip('needs root, and unshare, nft, setpriv and ip (util-linux, nftables, iproute2)')
  const folder = mkdtempSync(join(tmpdir(), 'ngome-bans-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  chmodSync(folder, 0o755)
  const scene = join(root, 'cli', 'testing', 'ban-scene.ts')
  const { code, stdout, stderr } = await runProgram([unshare, '--net', process.execPath, '--disable-warning=ExperimentalWarning', scene, folder, root])
  assert.equal(code, 0, stderr)
  assert.deepEqual(JSON.parse(stdout), {
    before: 'open', banned: 'silence', 'another port': 'open', 'a neighbour': 'open', 'never banned': 'open',
    'its /64': 'silence', 'another /64': 'open', 'after its end': 'open', pardoned: 'open', 'by a helper that was started again': 'silence',
  })
  assert.match(readFileSync(join(folder, 'ban-helper.log'), 'utf8'), /orders were not obeyed/)
})
