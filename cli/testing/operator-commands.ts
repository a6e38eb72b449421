import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { existsSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { spkiPinSchema } from '@ngome/contracts'
import type { Platform } from '@ngome/testkit'
import { typeLine } from './type-line.ts'

type Ran = Awaited<ReturnType<Platform['run']>>
/** What is typed behind `ngome`, the exit code, and what is read on either output. */
type Row = readonly [typed: readonly string[], code: number, says: RegExp]

const strangeMerchant = 'mer_01h455vb4pex5vsknk084sn02q'
const strangePin = Buffer.alloc(32).toString('base64')

/** Types each row, in order, and reads the answer as an operator does: a failure says what to do next. */
async function typeAll({ run }: Pick<Platform, 'run'>, rows: readonly Row[]): Promise<readonly Ran[]> {
  const answers: Ran[] = []
  for (const [typed, code, says] of rows) {
    const ran = await run(...typed)
    const seen = `ngome ${typed.join(' ')}\n${ran.stdout}${ran.stderr}`
    assert.equal(ran.code, code, seen)
    assert.match(ran.stdout + ran.stderr, says, seen)
    answers.push(ran)
  }
  return answers
}

function runner(platform: Platform): Pick<Platform, 'run'> {
  return { run: (...args) => typeLine(platform, ...args) }
}

/** A merchant's own keys: made, added, listed, revoked, and what is refused leaves nothing behind. */
export async function tryMerchantKeys(platform: Platform): Promise<void> {
  const { merchant, folder } = platform
  const [made, weak, refused] = ['merchant.pem', 'weak.pub', 'refused.pem'].map((name) => join(folder, name)) as [string, string, string]
  writeFileSync(weak, generateKeyPairSync('rsa', { modulusLength: 2_048 }).publicKey.export({ type: 'spki', format: 'pem' }))
  const keys = (verb: string, ...more: readonly string[]): readonly string[] => ['merchants', 'keys', verb, merchant, ...more]
  const [, key] = await typeAll(runner(platform), [
    [keys('list'), 0, /has no such key in test: ngome merchants keys add, or make/],
    [keys('make', '--private-key', made, '--algorithm', 'ed25519'), 0, /^msk_[0-9a-z]{26} {2}ed25519 {2}sign {2}.*merchant\.pem is its private half/],
    [keys('make', '--private-key', made), 2, /is there already: a key is never overwritten\nngome merchants keys make --help says what it takes/],
    [keys('make', '--private-key', refused, '--algorithm', 'ed25519', '--use', 'encrypt'), 2, /only signs: take --algorithm rsa/],
    [['merchants', 'keys', 'make', strangeMerchant, '--private-key', refused, '--algorithm', 'ed25519'], 1, /must be a merchant of the test world/],
    [keys('add', '--public-key', made), 2, /that is a private key: it stays with the merchant/],
    [keys('add', '--public-key', weak), 1, /the key RSA with 3072 to 8192 bits/],
  ])
  assert.equal(statSync(made).mode & 0o777, 0o600)
  assert.equal(existsSync(refused), false)
  const id = key?.stdout.slice(0, 'msk_'.length + 26) ?? ''
  await typeAll(runner(platform), [
    [keys('list'), 0, new RegExp(`^${id} {2}ed25519 {2}sign {2}20`)],
    [keys('revoke', strangePin), 2, /not the id of a merchant's key/],
    [keys('revoke', id), 0, /is revoked\n$/],
    [keys('revoke', id), 0, /is revoked, as it was before/],
    [keys('list'), 0, new RegExp(`^${id} {2}ed25519 {2}sign {2}revoked\n$`)],
  ])
}

/** A key of the API rolls over to a successor once, and a merchant's limits are its own until they are not. */
export async function tryKeysAndLimits(platform: Platform): Promise<void> {
  const { merchant } = platform
  const issued = await typeLine(platform, 'keys', 'issue', '--json')
  const { key } = JSON.parse(issued.stdout) as { key: string }
  const limits = (...more: readonly string[]): readonly string[] => ['merchants', 'limits', merchant, ...more]
  await typeAll(runner(platform), [
    [['keys', 'issue', strangeMerchant], 1, /must be a merchant of the test world, as ngome merchants list shows/],
    [['keys', 'roll', platform.key], 2, /no id of a key.*ngome keys list/],
    [['keys', 'roll', key, '--overlap', '1y'], 2, /--overlap is a time such as/],
    [['keys', 'roll', key, '--overlap', '30m'], 0, /^ngome_sk_test_[^]* works until 20[^]* takes its place/],
    [['keys', 'roll', key], 1, /it ends before the overlap would: issue another with ngome keys issue/],
    [limits(), 2, /give --rate and --burst, or --default/],
    [limits('--rate', '0', '--burst', '1'), 2, /--rate is a whole number from 1 to/],
    [limits('--rate', '900', '--burst', '1800', '--world', 'live'), 0, /has 900 tokens a second and 1800 at once in live/],
    [limits('--default', '--world', 'live'), 0, /has the limits of the configuration in live\n$/],
    [limits('--default'), 0, /, as before/],
    [['merchants', 'limits', strangeMerchant, '--default'], 1, /there is no merchant/],
  ])
}

/** Pins are published with a backup or not at all, and the calendar has what comes. */
export async function tryPins(platform: Platform): Promise<void> {
  const backup = join(platform.folder, 'backup.pem')
  const pins = (verb: string, ...more: readonly string[]): readonly string[] => ['tls', 'pins', verb, ...more]
  await typeAll(runner(platform), [
    [['tls', 'pins', '--help'], 0, /tls pins add [^]*tls pins remove /],
    [['tls', 'calendar', '--help'], 0, /^usage: ngome tls calendar/],
    [pins('list'), 0, /no pins are published: ngome tls pins add/],
    [pins('add'), 2, /would lock apps out: it has no backup for today[^]*--backup-key/],
    [pins('add', '--backup-key', backup, '--next', strangePin), 0, /take it offline, and keep it|version 1, 3 pins/],
    [pins('remove', 'nonsense'), 2, /there is no such pin: ngome tls pins list/],
    [pins('remove', strangePin), 0, /^version 2, 2 pins, until 20/],
  ])
  const { stdout } = await typeLine(platform, 'tls', 'pins', 'list', '--json')
  const { pins: published } = JSON.parse(stdout) as { pins: readonly { role: string; spki_sha256: string }[] }
  const kept = published.find(({ role }) => role === 'backup')?.spki_sha256
  await typeAll(runner(platform), [
    [pins('remove', spkiPinSchema.parse(kept)), 2, /would lock apps out/],
    [['tls', 'calendar'], 0, /pin set ends {8}version 2\n[^]*backup pin ends {5}/],
  ])
}
