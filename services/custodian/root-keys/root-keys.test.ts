import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { Secret, systemClock, systemRandom } from '@ngome/kernel'
import { openRootKeyFile } from './open-root-key-file.ts'
import type { KeyLabel } from './root-key.ts'
import { openRoots } from './open-roots.ts'
import { selfTestRootKey } from './self-test-root-key.ts'
import { softwareRootKey } from './software-root-key.ts'

const label: KeyLabel = { purpose: 'merchant', name: 'mek_1' }
const newRoot = () => softwareRootKey(new Secret(systemRandom.bytes(32)), systemRandom)
const unusable = { code: 'custodian/key_unusable' }

function folder(t: { after(fn: () => void): void }): string {
  const path = mkdtempSync(join(tmpdir(), 'ngome-root-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}

test('unwraps what it wrapped, under its label', async () => {
  await fc.assert(fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), fc.string(), async (bytes, name) => {
    const root = newRoot()
    const wrapped = await root.wrap({ ...label, name }, new Secret(bytes))
    const back = await root.unwrap({ ...label, name }, wrapped)
    assert.deepEqual(back.expose((value) => [...value]), [...bytes])
  }), { numRuns: 50 })
})

const otherLabels: readonly KeyLabel[] = [
  { ...label, name: 'mek_2' }, { ...label, name: '' }, { purpose: 'index', name: 'mek_1' }, { purpose: 'secret', name: 'mek_1' },
]

for (const other of otherLabels) {
  test(`does not unwrap a key of ${label.purpose}/${label.name} as ${other.purpose}/${other.name}`, async () => {
    const root = newRoot()
    const wrapped = await root.wrap(label, new Secret(new Uint8Array(32)))
    await assert.rejects(root.unwrap(other, wrapped), unusable)
  })
}

test('does not unwrap under another root', async () => {
  await assert.rejects(newRoot().unwrap(label, await newRoot().wrap(label, new Secret(new Uint8Array(32)))), unusable)
})

test('does not unwrap bytes with any bit flipped, cut or added', async () => {
  const root = newRoot()
  const wrapped = await root.wrap(label, new Secret(new Uint8Array(32)))
  for (let at = 0; at < wrapped.length; at++) {
    const changed = Buffer.from(wrapped)
    changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8))
    await assert.rejects(root.unwrap(label, changed), unusable)
    await assert.rejects(root.unwrap(label, wrapped.subarray(0, at)), unusable)
  }
  await assert.rejects(root.unwrap(label, Buffer.concat([wrapped, Uint8Array.of(0)])), unusable)
  await assert.rejects(root.unwrap(label, new Uint8Array(10_000).fill(1)), unusable)
})

test('wraps the same key differently each time', async () => {
  const root = newRoot()
  const key = new Secret(new Uint8Array(32))
  assert.notDeepEqual(await root.wrap(label, key), await root.wrap(label, key))
})

test('wraps keys, not nothing and not files', async () => {
  await assert.rejects(newRoot().wrap(label, new Secret(new Uint8Array())), RangeError)
  await assert.rejects(newRoot().wrap(label, new Secret(new Uint8Array(4_097))), RangeError)
})

test('is 32 bytes, and calls itself unprotected', () => {
  assert.throws(() => softwareRootKey(new Secret(new Uint8Array(16)), systemRandom), TypeError)
  const { id, ...is } = newRoot().describe()
  assert.deepEqual(is, { name: 'software-unprotected', isProtected: false })
  assert.match(id, /^[0-9a-f]{16}$/)
})

test('shows its key to no printer', () => {
  const root = softwareRootKey(new Secret(new Uint8Array(32).fill(0x41)), systemRandom)
  assert.doesNotMatch(inspect(root, { depth: 9, showHidden: true }) + JSON.stringify(root), /AAAA|65,|41 41/)
})

test('makes the file at first run with mode 0600 and reads it ever after', async (t) => {
  const path = folder(t)
  const first = openRootKeyFile(path, { mayCreate: true, random: systemRandom })
  assert.equal(statSync(join(path, 'root.key')).mode & 0o777, 0o600)
  const wrapped = await first.wrap(label, new Secret(Uint8Array.of(7)))
  const bytes = readFileSync(join(path, 'root.key'))
  const second = openRootKeyFile(path, { mayCreate: true, random: systemRandom })
  assert.deepEqual((await second.unwrap(label, wrapped)).expose((value) => [...value]), [7])
  assert.deepEqual(readFileSync(join(path, 'root.key')), bytes)
})

test('does not make a file where keys already need another', (t) => {
  const path = folder(t)
  assert.throws(() => openRootKeyFile(path, { mayCreate: false, random: systemRandom }), { code: 'custodian/start_refused' })
})

test('refuses a file of another length', (t) => {
  const path = folder(t)
  for (const length of [0, 31, 33]) {
    rmSync(join(path, 'root.key'), { force: true })
    writeFileSync(join(path, 'root.key'), new Uint8Array(length), { mode: 0o600 })
    assert.throws(() => openRootKeyFile(path, { mayCreate: true, random: systemRandom }), { code: 'custodian/start_refused' })
  }
})

for (const mode of [0o601, 0o602, 0o604, 0o610, 0o620, 0o640, 0o644, 0o660, 0o666, 0o777]) {
  test(`refuses a file of mode 0${mode.toString(8)}`, (t) => {
    const path = folder(t)
    openRootKeyFile(path, { mayCreate: true, random: systemRandom })
    chmodSync(join(path, 'root.key'), mode)
    assert.throws(() => openRootKeyFile(path, { mayCreate: true, random: systemRandom }), { code: 'custodian/start_refused' })
  })
}

test('still unwraps what the first format wrapped, under its label only', async () => {
  const bytes = Uint8Array.from({ length: 32 }, (_, at) => at)
  // Made by the program of version 0.1.0.
  const first = Buffer.from('0139884aa7e0e871f897f7f031532063e2bba6aa43ce692fc28e32ac46b3715f', 'hex')
  const root = softwareRootKey(new Secret(bytes), systemRandom)
  assert.deepEqual((await root.unwrap(label, first)).expose((value) => [...value]), [1, 2, 3])
  await assert.rejects(root.unwrap({ ...label, name: 'mek_2' }, first), unusable)
})

test('what it wraps names the format and the root', async () => {
  const root = newRoot()
  const wrapped = await root.wrap(label, new Secret(Uint8Array.of(1)))
  assert.equal(Buffer.from(wrapped.subarray(0, 9)).toString('hex'), `02${root.describe().id}`)
})

test('forgets its key when it is closed, and is always there until then', async (t) => {
  const root = openRootKeyFile(folder(t), { mayCreate: true, random: systemRandom })
  const wrapped = await root.wrap(label, new Secret(Uint8Array.of(1)))
  await root.check()
  assert.deepEqual(await root.attemptExport(), { isRefused: false, by: 'software-unprotected' })
  await root.close()
  await assert.rejects(root.unwrap(label, wrapped), unusable)
})

test('opens the token where the configuration names one, and makes no file beside it', async (t) => {
  const path = folder(t)
  const uri = {
    object: 'o', token: 't', id: undefined, serial: undefined, manufacturer: undefined, model: undefined,
    modulePath: join(path, 'no-module.so'), pinSource: join(path, 'pin'),
  }
  const setting = { kind: 'pkcs11', uri } as const
  await assert.rejects(
    openRoots({
      setting, previous: undefined, folder: path, isFirstRun: true, isPair: false, random: systemRandom, clock: systemClock,
      activeRoot: undefined, isKnownRoot: async () => false, needsFormer: async () => false,
    }), { code: 'custodian/start_refused' },
  )
  assert.equal(existsSync(join(path, 'root.key')), false)
})

test('its self-test says whether the key can be taken out, and never the key', async () => {
  const root = newRoot()
  assert.deepEqual(await selfTestRootKey(root), { outcome: 'allowed', code: 'software-unprotected' })
  const token = { ...root, attemptExport: async () => ({ isRefused: true, by: 'HSM' }) }
  assert.deepEqual(await selfTestRootKey(token), { outcome: 'refused', code: 'HSM' })
})
