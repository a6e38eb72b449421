import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { Fault, ManualClock, Secret, systemRandom } from '@ngome/kernel'
import { parsePkcs11Uri } from '@ngome/runtime'
import { ckr, ScriptedToken, tokenInfo } from '../../testing/scripted-token.ts'
import type { KeyLabel, RootKey } from '../root-key.ts'
import { cka, ckf } from './cryptoki.ts'
import { openTokenRoots } from './token-roots.ts'

const label: KeyLabel = { purpose: 'merchant', name: 'mek_1' }
const secret = () => new Secret(Uint8Array.of(1, 2, 3))
const away = { code: 'custodian/unavailable' }
const unusable = { code: 'custodian/key_unusable' }
const refused = (message: RegExp) => (error: unknown) => error instanceof Fault && error.code === 'custodian/start_refused' && message.test(error.message)

type Bench = {
  readonly token: ScriptedToken
  readonly clock: ManualClock
  readonly folder: string
  writePin(pin: string): void
  open(more?: { mayCreate?: boolean; attributes?: string; answerMs?: number }): Promise<RootKey>
}

function bench(t: TestContext): Bench {
  const folder = mkdtempSync(join(tmpdir(), 'ngome-pkcs11-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const pinPath = join(folder, 'pin')
  const writePin = (pin: string) => writeFileSync(pinPath, pin, { mode: 0o600 })
  writePin('1234\n')
  const token = new ScriptedToken()
  const clock = new ManualClock(1_800_000_000_000)
  return {
    token, clock, folder, writePin,
    open: async ({ mayCreate = true, attributes = 'token=ngome;object=root', answerMs = 1_000 } = {}) => {
      const parsed = parsePkcs11Uri(`pkcs11:${attributes}?module-path=/m.so&pin-source=file:${pinPath}`)
      assert.ok(parsed.ok)
      return (await openTokenRoots({ uri: parsed.uri, folder, mayCreate, random: systemRandom, clock, load: async () => token.cryptoki, answerMs })).first
    },
  }
}

test('makes its key in the token once, finds it ever after, and unwraps what it wrapped under its label', async (t) => {
  const b = bench(t)
  const first = await b.open()
  const wrapped = await first.wrap(label, secret())
  await first.close()
  const root = await b.open({ mayCreate: false })
  assert.deepEqual((await root.unwrap(label, wrapped)).expose((bytes) => [...bytes]), [1, 2, 3])
  assert.equal(b.token.keys.length, 1)
  assert.deepEqual(root.describe(), { name: 'pkcs11 ngome', isProtected: true, id: first.describe().id })
  assert.equal(wrapped[0], 0x03)
  assert.equal(Buffer.from(wrapped.subarray(1, 9)).toString('hex'), root.describe().id)
})

test('does not unwrap under another label, nor bytes that were changed, cut, or wrapped by another root', async (t) => {
  const root = await bench(t).open()
  const wrapped = await root.wrap(label, secret())
  for (const other of [{ ...label, name: 'mek_2' }, { ...label, purpose: 'index' as const }]) await assert.rejects(root.unwrap(other, wrapped), unusable)
  for (let at = 0; at < wrapped.length; at++) {
    const changed = Buffer.from(wrapped)
    changed[at] = (changed[at] ?? 0) ^ 1
    await assert.rejects(root.unwrap(label, changed), unusable)
    await assert.rejects(root.unwrap(label, wrapped.subarray(0, at)), unusable)
  }
  await assert.rejects((await bench(t).open()).unwrap(label, wrapped), unusable)
  await root.unwrap(label, wrapped)
})

test('wraps keys of any length up to the longest, each time differently, and nothing else', async (t) => {
  const root = await bench(t).open()
  await fc.assert(fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 4096 }), async (bytes) => {
    const back = await root.unwrap(label, await root.wrap(label, new Secret(bytes)))
    assert.deepEqual(back.expose((value) => Buffer.from(value)), Buffer.from(bytes))
  }), { numRuns: 30 })
  assert.notDeepEqual(await root.wrap(label, secret()), await root.wrap(label, secret()))
  for (const length of [0, 4097]) await assert.rejects(root.wrap(label, new Secret(new Uint8Array(length))), RangeError)
})

const wrongKeys: readonly (readonly [string, number, Buffer, RegExp])[] = [
  ['was imported', cka.local, Buffer.of(0), /imported/],
  ['is extractable', cka.extractable, Buffer.of(1), /may be taken out/],
  ['was once extractable', cka.neverExtractable, Buffer.of(0), /could once be taken out/],
  ['is not sensitive', cka.sensitive, Buffer.of(0), /may be read/],
  ['was once not sensitive', cka.alwaysSensitive, Buffer.of(0), /could once be read/],
  ['is a session object', cka.token, Buffer.of(0), /not kept/],
  ['is there without login', cka.private, Buffer.of(0), /without a login/],
  ['is of 128 bits', cka.valueLength, Buffer.of(16), /256 bits/],
  ['has no length that is a number', cka.valueLength, Buffer.alloc(9), /256 bits/],
  ['is no AES key', cka.keyType, Buffer.of(0x10), /no AES key/],
  ['wraps keys of the token', cka.wrap, Buffer.of(1), /may wrap/],
  ['unwraps keys into the token', cka.unwrap, Buffer.of(1), /may unwrap/],
  ['does not say whether it may leave', cka.neverExtractable, Buffer.alloc(0), /could once be taken out/],
  ['has no id', cka.id, Buffer.alloc(0), /CKA_ID/],
]
for (const [what, type, value, message] of wrongKeys) {
  test(`refuses a key that ${what}, at every opening`, async (t) => {
    const b = bench(t)
    const root = await b.open()
    b.token.keys[0]?.attributes.set(type, value)
    await assert.rejects(b.open(), refused(message))
    b.token.keys.length = 0
    await assert.rejects(root.check(), away)
  })
}

test('refuses a missing key where the store needs it, and two keys of one label unless the id tells them apart', async (t) => {
  const b = bench(t)
  await assert.rejects(b.open({ mayCreate: false }), refused(/missing, and the store needs it/))
  await b.open({ attributes: 'token=ngome;object=root;id=%01' })
  await b.open({ attributes: 'serial=17;object=root;id=%02' })
  assert.equal(b.token.keys.length, 2)
  await assert.rejects(b.open(), refused(/twice/))
  await b.open({ attributes: 'token=ngome;object=root;id=%02', mayCreate: false })
})

test('finds the token by its names whatever its slot, and takes neither another nor one of two', async (t) => {
  const b = bench(t)
  const root = await b.open({ attributes: 'token=ngome;serial=17;manufacturer=us;model=scripted;object=root' })
  b.token.slots = [{ info: tokenInfo('other') }, { info: tokenInfo('broken') }, { info: tokenInfo('ngome', { label: 'ngome\0\0' }) }]
  b.token.failures.set('C_DecryptInit', ckr(0x30))
  await assert.rejects(root.check(), away)
  b.token.failures.clear()
  b.clock.advance(1_000)
  await root.check()
  for (const slots of [[], [tokenInfo('other')], [tokenInfo('ngome', { flags: 0 })]]) {
    b.token.slots = slots.map((info) => ({ info }))
    await assert.rejects(b.open(), /is away/)
  }
  b.token.slots = [tokenInfo('ngome'), tokenInfo('ngome', { serialNumber: '18' })].map((info) => ({ info }))
  await assert.rejects(b.open(), /two tokens/)
  await assert.rejects(b.open({ attributes: 'serial=99;object=root' }), /the token 99 is away/)
})

test('a token that goes away fails closed at once, is asked once a second, and comes back by itself', async (t) => {
  const b = bench(t)
  const root = await b.open()
  const wrapped = await root.wrap(label, secret())
  for (const name of ['C_DecryptInit', 'C_EncryptInit', 'C_Initialize']) b.token.failures.set(name, ckr(0x82))
  await assert.rejects(root.unwrap(label, wrapped), away)
  const attempts = b.token.count('C_Initialize')
  for (let times = 0; times < 20; times++) await assert.rejects(root.unwrap(label, wrapped), away)
  await assert.rejects(root.wrap(label, secret()), away)
  assert.equal(b.token.count('C_Initialize'), attempts)
  b.clock.advance(1_000)
  await assert.rejects(root.check(), away)
  assert.equal(b.token.count('C_Initialize'), attempts + 1)
  b.token.failures.clear()
  b.clock.advance(1_000)
  await root.unwrap(label, wrapped)
})

test('a module that was left initialised is taken as it is, and one that cannot end is begun anew', async (t) => {
  const b = bench(t)
  b.token.failures.set('C_Initialize', ckr(0x191))
  b.token.failures.set('C_Finalize', ckr(0x190))
  await (await b.open()).close()
})

test('a wrap that the token refuses, while it answers otherwise, is no wrap', async (t) => {
  const b = bench(t)
  const root = await b.open()
  b.token.failures.set('C_EncryptInit', ckr(0x68))
  await assert.rejects(root.wrap(label, secret()), away)
  b.token.failures.clear()
  await root.wrap(label, secret())
})

test('a wrong PIN is tried once, also by a process that is started again and again; a corrected one opens', async (t) => {
  const b = bench(t)
  await (await b.open()).close()
  b.writePin('9999')
  const before = b.token.count('C_Login')
  for (let starts = 0; starts < 5; starts++) await assert.rejects(b.open(), refused(/refused the PIN .* not tried again/))
  assert.equal(b.token.count('C_Login'), before + 1)
  assert.ok(!readdirSync(b.folder).some((name) => name === '9999'))
  b.writePin('1234')
  await b.open()
  assert.deepEqual(readdirSync(b.folder), ['pin'])
})

test('a PIN that was changed under a running custodian is tried once; its corrected file is taken up by itself', async (t) => {
  const b = bench(t)
  const root = await b.open()
  b.token.pin = '5678'
  b.token.failures.set('C_DecryptInit', ckr(0x101))
  await assert.rejects(root.check(), away)
  b.token.failures.clear()
  const before = b.token.count('C_Login')
  for (let times = 0; times < 5; times++) {
    b.clock.advance(2_000)
    await assert.rejects(root.check(), away)
  }
  assert.equal(b.token.count('C_Login'), before + 1)
  b.writePin('5678')
  b.clock.advance(2_000)
  await root.check()
})

test('a memory of a refused PIN that was cut still counts', async (t) => {
  const b = bench(t)
  writeFileSync(join(b.folder, 'root-key.refused-pin'), 'x', { mode: 0o600 })
  await assert.rejects(b.open(), refused(/refused the PIN/))
  assert.equal(b.token.count('C_Login'), 0)
})

test('a PIN is not tried where it is the last try, where the token is locked, or where there is none', async (t) => {
  const b = bench(t)
  b.token.slots = [{ info: tokenInfo('ngome', { flags: ckf.tokenInitialized | ckf.pinFinalTry }) }]
  await assert.rejects(b.open(), refused(/one try left/))
  b.token.slots = [{ info: tokenInfo('ngome', { flags: ckf.tokenInitialized | ckf.pinLocked }) }]
  await assert.rejects(b.open(), refused(/locked its PIN/))
  b.token.slots = [{ info: tokenInfo('ngome') }]
  b.writePin('\n')
  await assert.rejects(b.open(), refused(/holds no PIN/))
  assert.equal(b.token.count('C_Login'), 0)
})

test('a login that fails for another reason than the PIN is tried again', async (t) => {
  const b = bench(t)
  b.token.failures.set('C_Login', ckr(0x30, 'CKR_DEVICE_ERROR'))
  await assert.rejects(b.open(), (error: unknown) => error instanceof Fault && error.code === 'custodian/unavailable' && /CKR_DEVICE_ERROR/.test(error.message))
  b.token.failures.clear()
  await b.open()
})

test('a token without AES-GCM is refused at the start', async (t) => {
  const b = bench(t)
  b.token.failures.set('C_EncryptInit', ckr(0x70, 'CKR_MECHANISM_INVALID'))
  await assert.rejects(b.open(), refused(/AES-GCM/))
})

test('a token that comes back with another key under the same names is refused', async (t) => {
  const b = bench(t)
  const root = await b.open()
  const [key] = b.token.keys.splice(0)
  const other = bench(t)
  await other.open()
  b.token.failures.set('C_DecryptInit', ckr(0x82))
  await assert.rejects(root.check(), away)
  b.token.failures.clear()
  b.token.keys.push(...other.token.keys)
  b.clock.advance(1_000)
  await assert.rejects(root.check(), /another root key/)
  if (key !== undefined) b.token.keys.splice(0, 1, key)
  b.clock.advance(1_000)
  await root.check()
})

test('a call that hangs fails after its time, nothing else is asked of the module meanwhile, and then it goes on', async (t) => {
  const b = bench(t)
  const root = await b.open({ answerMs: 20 })
  const wrapped = await root.wrap(label, secret())
  let release = (): void => undefined
  b.token.hang = new Promise<void>((resolve) => { release = resolve })
  await assert.rejects(root.unwrap(label, wrapped), away)
  const { length } = b.token.calls
  b.clock.advance(5_000)
  await assert.rejects(root.check(), /hangs: restart the custodian/)
  await assert.rejects(root.wrap(label, secret()), away)
  assert.equal(b.token.calls.length, length)
  b.token.hang = undefined
  release()
  await sleep(1)
  b.clock.advance(5_000)
  await root.unwrap(label, wrapped)
})

test('its own attempt to take the key out is refused by the token; one that gives it out is told', async (t) => {
  const b = bench(t)
  const root = await b.open()
  b.token.failures.set('CKA_VALUE', ckr(0x11))
  assert.deepEqual(await root.attemptExport(), { isRefused: true, by: 'scripted, CKR_ATTRIBUTE_SENSITIVE' })
  b.token.failures.clear()
  assert.deepEqual(await root.attemptExport(), { isRefused: true, by: 'scripted, no value' })
  b.token.keys[0]?.attributes.set(cka.value, Buffer.alloc(32, 7))
  const { isRefused, by } = await root.attemptExport()
  assert.deepEqual([isRefused, by], [false, 'scripted, CKA_VALUE was readable'])
  b.token.failures.set('CKA_VALUE', ckr(0x30))
  await assert.rejects(root.attemptExport())
})

test('a root that is closed is closed, and closing twice is no harm', async (t) => {
  const root = await bench(t).open()
  await root.close()
  await root.close()
  await assert.rejects(root.check(), away)
})
