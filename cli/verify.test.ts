import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Platform } from '@ngome/testkit'
import type { Row } from '@ngome/verify'

const main = fileURLToPath(new URL('main.ts', import.meta.url))
/**
 * What stands today, on one machine; a row that gets better belongs here at once. Without an HSM the root key is a file,
 * which R7 must say; `hsm.test.ts` looks with one.
 */
const kept = { holds: [
  'K1', 'K2', 'K3', 'K4', 'K8', 'K9', 'K10', 'R1', 'R2', 'R3', 'R4', 'R5', 'R6', 'R9', 'R10', 'R11', 'R12', 'R13', 'R20', 'R54', 'R55', 'R56',
], partial: ['K5', 'K11', 'R8', 'R29'], fails: ['R7'] }

let platform: Platform

const folder = mkdtempSync(join(tmpdir(), 'ngome-verify-'))
/** A network of cards beside the sandbox's, so that a card is searched for that was paid by. */
const cards = {
  NGOME_NETWORKS__CARD__CONNECTOR: 'card-acquirer', NGOME_NETWORKS__CARD__WORLD: 'test', NGOME_NETWORKS__CARD__CURRENCY: 'EUR',
  NGOME_NETWORKS__CARD__DIRECTIONS: 'collection,refund', NGOME_NETWORKS__CARD__ENQUIRY_INTERVAL_S: '1', NGOME_NETWORKS__CARD__SETTLE_AFTER_S: '2',
}
before(async () => {
  platform = await Platform.start(cards)
})
after(async () => {
  rmSync(folder, { recursive: true })
  await platform.remove()
})

function ngome(...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...args], {
    encoding: 'utf8', env: platform.environment(), timeout: 150_000,
  })
}

function rowsOf(stdout: string): readonly Row[] {
  return JSON.parse(stdout) as readonly Row[]
}

test('on a platform that runs, each promise that is built is seen to hold, as far as one machine can', () => {
  // A backup key is a person's to keep, so that no platform begins with pins.
  const pinned = ngome('tls', 'pins', 'add', '--backup-key', join(folder, 'backup.pem'))
  assert.equal(pinned.status, 0, pinned.stderr)
  const { status, stdout, stderr } = ngome('verify', '--json')
  const rows = rowsOf(stdout)
  const told = rows.filter((row) => row.status !== 'unchecked').map(({ id, status: found, evidence }) => `${id} ${found}: ${evidence}`).join('\n')
  assert.equal(status, 1, `${told}\n${stderr}`)
  assert.equal(rows.length, 68)
  for (const [expected, ids] of Object.entries(kept)) {
    assert.deepEqual(rows.filter((row) => row.status === expected).map(({ id }) => id), ids, told)
  }
  assert.match(rows.find(({ id }) => id === 'R5')?.evidence ?? '', /card was asked for a payment by the card/)
})

test('with --strict what is unchecked is a failure, and --stored judges without a look', () => {
  const { status, stdout } = ngome('verify', '--stored', '--json')
  assert.equal(status, 1)
  assert.deepEqual(rowsOf(stdout).filter((row) => row.status === 'fails').map(({ id }) => id), kept.fails)
  assert.equal(ngome('verify', '--stored', '--strict', '--json').status, 1)
})

test('the probes leave no key behind that works', () => {
  const merchants = JSON.parse(ngome('merchants', 'list', '--json').stdout) as readonly { merchant: string; name: string }[]
  const probes = merchants.filter(({ name }) => name.startsWith('Ngome verify'))
  assert.equal(probes.length, 7)
  for (const { merchant } of probes) {
    const { stdout } = ngome('keys', 'list', merchant)
    assert.match(stdout, /revoked/)
    assert.doesNotMatch(stdout, /valid/)
  }
})

test('a root key that others may read fails its promise, and the command', (t) => {
  const key = join(platform.dataFolder, 'custodian', 'root.key')
  chmodSync(key, 0o644)
  t.after(() => chmodSync(key, 0o600))
  const { status, stdout } = ngome('verify', '--json')
  assert.equal(status, 1)
  assert.deepEqual(rowsOf(stdout).filter((row) => row.status === 'fails').map(({ id }) => id), ['K5', ...kept.fails])
  // The second look: it is proven from the checkpoint that the first one kept.
  assert.match(rowsOf(stdout).find(({ id }) => id === 'R37')?.evidence ?? '', /all [0-9]+ rows of the last look in their places, our own refused attempt proven/)
})

test('a promise that does not exist is misuse', () => {
  assert.equal(ngome('verify', '--explain', 'R99').status, 2)
  assert.match(ngome('verify', '--explain', 'R5').stdout, /packages\/verify\/probes\/planted-value-is-nowhere\.ts/)
})

test('where the platform is stopped, everything is unchecked, at once, and nothing holds', async () => {
  await platform.stop()
  const startedAtMs = performance.now()
  const { status, stdout } = ngome('verify', '--json')
  assert.equal(status, 0)
  // What lies in files is still there to look at; whoever serves is not.
  const seen = rowsOf(stdout).filter((row) => row.status !== 'unchecked')
  assert.deepEqual(seen, [])
  assert.ok(performance.now() - startedAtMs < 60_000)
})
