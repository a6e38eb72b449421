import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { destructionCertificateSchema, signedDestructionCertificateSchema } from '@ngome/contracts'
import { parseSealedDataKey, type DataKey } from '@ngome/envelope'
import { ManualClock, systemRandom, type Tenant } from '@ngome/kernel'
import { merchantKeyLabel } from '../merchants/merchant-keys.ts'
import { openCustodian } from '../open-custodian.ts'
import { openTokenRoots } from '../root-keys/pkcs11/token-roots.ts'
import { unwrapKey } from '../store/wrapped-keys.ts'
import { tokenSuccession } from '../root-keys/token-succession.ts'
import { newDataKey, openRequest, sealedRecord } from '../testing/sealed-record.ts'
import { ckr, ScriptedToken } from '../testing/scripted-token.ts'
import { scriptedUri, TestCustodian, testSettings } from '../testing/test-custodian.ts'
import { destruction } from '../testing/test-destruction.ts'
import { beginRootRotation } from './rotate-root.ts'
import { findRunningRootRotation } from './rotations.ts'
import { workOnKeys } from './work-on-keys.ts'

const dayMs = 86_400_000
const startMs = 20_833 * dayMs + 1_000
const refused = { code: 'custodian/refused' }
const startRefused = { code: 'custodian/start_refused' }

type World = { test: TestCustodian; token: ScriptedToken; clock: ManualClock; tenant: Tenant; ours: DataKey; theirs: DataKey }

async function world(t: { after(fn: () => void): void }): Promise<World> {
  const [clock, token] = [new ManualClock(startMs), new ScriptedToken()]
  const custodian = await TestCustodian.open({ clock, token })
  t.after(() => custodian.remove())
  const [tenant, other, gateway] = [await custodian.tenant(), await custodian.tenant(), await custodian.gateway()]
  return {
    test: custodian, token, clock, tenant,
    ours: await newDataKey(custodian, gateway, tenant), theirs: await newDataKey(custodian, gateway, other),
  }
}

async function open({ test, clock }: World, dataKey: DataKey): Promise<void> {
  clock.advance(startMs + 2_000 - clock.nowMs())
  await test.call(await test.peer('dispatcher'), '/v1/open', openRequest(dataKey.sealed, [sealedRecord(clock, dataKey, 'x')]))
}

const rotate = async ({ test }: World) => test.call(await test.peer('operator'), '/v1/rotate-root-key', {})
const destructions = async ({ test }: World) => (await test.call(await test.peer('operator'), '/v1/destructions', {})).destructions

/** A destruction of one merchant whose wait is over. */
async function due(w: World): Promise<void> {
  await w.test.call(await w.test.peer('operator'), '/v1/destroy-merchant-keys', await destruction(w.test, w.tenant))
  w.clock.advance(7 * dayMs)
}

test('the successor is made in the token, takes over, and the old root is destroyed there', async (t) => {
  const w = await world(t)
  const before = w.test.custodian.root.describe()
  await rotate(w)
  assert.equal(w.token.keys.length, 2)
  await open(w, w.ours)
  await workOnKeys(w.test.custodian)
  const after = w.test.custodian.root.describe()
  assert.notEqual(after.id, before.id)
  assert.equal(w.token.keys.length, 1)
  assert.equal(existsSync(join(w.test.folder, 'root.next.id')), false)
  await open(w, w.ours)
  await w.test.custodian.root.check()
  await w.test.reopen()
  assert.deepEqual(w.test.custodian.root.describe(), after)
  await open(w, w.theirs)
  // The policy's turn, where nobody asks.
  w.clock.advance(365 * dayMs)
  await workOnKeys(w.test.custodian)
  assert.notEqual(w.test.custodian.root.describe().id, after.id)
  assert.equal(w.token.keys.length, 1)
})

test('other keys of the same name in the token are nobody\'s to destroy, and the root is told from them', async (t) => {
  const w = await world(t)
  await rotate(w)
  const [former] = w.token.keys
  assert.ok(former)
  const foreign = new ScriptedToken()
  const stranger = await TestCustodian.open({ clock: w.clock, token: foreign })
  stranger.remove()
  w.token.keys.push(...foreign.keys)
  await w.test.reopen()
  await workOnKeys(w.test.custodian)
  await rotate(w)
  await workOnKeys(w.test.custodian)
  assert.equal(w.token.keys.length, 2)
  assert.ok(foreign.keys[0] !== undefined && w.token.keys.includes(foreign.keys[0]))
  assert.ok(!w.token.keys.includes(former))
})

const forbidding: readonly (readonly [string, (token: ScriptedToken) => void])[] = [
  ['makes no keys', (token) => token.failures.set('C_GenerateKeyAsync', ckr(0x1b, 'CKR_ACTION_PROHIBITED'))],
  ['destroys no keys', (token) => token.failures.set('C_DestroyObject', ckr(0x1b, 'CKR_ACTION_PROHIBITED'))],
  ['only says that it destroys keys', (token) => { token.isForgetful = true }],
  ['opens no session that writes', (token) => token.failures.set('C_OpenSession to write', ckr(0xe2, 'CKR_TOKEN_WRITE_PROTECTED'))],
]
for (const [what, forbid] of forbidding) {
  test(`a token that ${what}: nothing is deleted, it is said why, and the token does not fill up`, async (t) => {
    const w = await world(t)
    await due(w)
    forbid(w.token)
    for (let looks = 0; looks < 5; looks++) await assert.rejects(workOnKeys(w.test.custodian), /root_has_no_successor: the token .* allow it in the HSM's policy/)
    await assert.rejects(rotate(w), refused)
    assert.equal(w.test.lastLog(1)[0]?.['reason'], 'root_has_no_successor')
    assert.equal((await destructions(w))[0]?.state, 'waiting')
    assert.ok(w.token.keys.length <= 2)
    await open(w, w.ours)
    await w.test.reopen()
    await open(w, w.ours)
    w.token.failures.clear()
    w.token.isForgetful = false
    w.clock.advance(7 * dayMs)
    await workOnKeys(w.test.custodian)
    assert.equal((await destructions(w))[0]?.state, 'done')
    assert.equal(w.token.keys.length, 1)
  })
}

test('a URI that names one key by its id is not replaced here, and it is said what to change', async (t) => {
  const w = await world(t)
  w.test.close()
  const id = w.token.keys[0]?.attributes.get(0x102)?.toString('hex')
  const { token } = w
  const custodian = await openCustodian({
    folder: w.test.folder, enrolmentKeyPath: w.test.enrolmentKeyPath, settings: testSettings, clock: w.clock, random: systemRandom,
    rootKey: { kind: 'pkcs11', uri: { ...scriptedUri, id, pinSource: join(w.test.folder, 'pin') } },
    openToken: (from) => openTokenRoots({ ...from, load: async () => token.cryptoki }), alarm: () => undefined,
  })
  assert.equal(custodian.succession.canMakeNext, false)
  await assert.rejects(custodian.succession.makeNext(), /names one key by its id=/)
  await custodian.store.close()
  await custodian.root.close()
})

test('a token that shows no key that it made has made none', async (t) => {
  const w = await world(t)
  const uri = { ...scriptedUri, pinSource: '' }
  const succession = tokenSuccession({
    token: { first: w.test.custodian.root, open: async () => undefined, make: async () => undefined, destroy: async () => true },
    uri, folder: w.test.folder, random: systemRandom, isKnownRoot: async () => false, destroyFormer: () => undefined,
  })
  await assert.rejects(succession.makeNext(), /shows no key that it made/)
})

test('a token that goes away while a successor is let go is opened again, with the root that stays', async (t) => {
  const w = await world(t)
  const next = await w.test.custodian.succession.makeNext()
  w.token.failures.set('C_EncryptInit', ckr(0x30))
  await next.close()
  w.token.failures.clear()
  w.clock.advance(2_000)
  await w.test.custodian.root.check()
  await w.test.custodian.succession.discardUnused()
  assert.equal(w.token.keys.length, 1)
  await open(w, w.ours)
})

test('a beginning that fails leaves nothing: the successor goes from the token, the root stays, and the next one begins', async (t) => {
  const w = await world(t)
  const { custodian } = w.test
  const before = custodian.root.describe()
  const beginAndFail = (meanwhile = (): void => undefined): Promise<unknown> => beginRootRotation(custodian, {
    caller: 'operator', cause: 'demand',
    along: async () => {
      meanwhile()
      throw new Error('the store is full')
    },
  })
  await assert.rejects(beginAndFail(), /the store is full/)
  assert.equal(w.token.keys.length, 1)
  assert.deepEqual(custodian.root.describe(), before)
  assert.equal(await findRunningRootRotation(custodian.store), undefined)
  // A token that goes away meanwhile keeps the successor: what is told is still the first failure.
  await assert.rejects(beginAndFail(() => w.token.failures.set('C_DestroyObject', ckr(0x30))), /the store is full/)
  assert.equal(w.token.keys.length, 2)
  assert.deepEqual(custodian.root.describe(), before)
  w.token.failures.clear()
  w.clock.advance(2_000)
  await open(w, w.ours)
  await rotate(w)
  await workOnKeys(custodian)
  assert.notEqual(custodian.root.describe().id, before.id)
  assert.equal(w.token.keys.length, 1)
  await open(w, w.ours)
})

test('a token that goes away amid a destruction: nothing half done, and it goes on when it is back', async (t) => {
  const w = await world(t)
  await due(w)
  const away = (): void => { for (const name of ['C_GenerateKeyAsync', 'C_DecryptInit', 'C_Initialize', 'C_DestroyObject']) w.token.failures.set(name, ckr(0x30)) }
  const back = (): void => {
    w.token.failures.clear()
    w.clock.advance(2_000)
  }
  away()
  await assert.rejects(workOnKeys(w.test.custodian), { code: 'custodian/unavailable' })
  assert.equal((await destructions(w))[0]?.state, 'waiting')
  back()
  // Away again at the end, when the old root is to go: the certificate waits for it.
  let destroyed = 0
  w.token.onCall = (name) => {
    if (name === 'C_DestroyObject' && ++destroyed === 2) away()
  }
  await assert.rejects(workOnKeys(w.test.custodian), { code: 'custodian/unavailable' })
  assert.equal((await destructions(w))[0]?.state, 'deleted')
  assert.equal(w.token.keys.length, 2)
  w.token.onCall = () => undefined
  back()
  await workOnKeys(w.test.custodian)
  assert.equal((await destructions(w))[0]?.state, 'done')
  assert.equal(w.token.keys.length, 1)
})

test('a token that keeps the old root after all: the rotation does not end, and no certificate is signed', async (t) => {
  const w = await world(t)
  await due(w)
  let destroyed = 0
  w.token.onCall = (name) => {
    if (name === 'C_DestroyObject' && ++destroyed === 2) w.token.isForgetful = true
  }
  await assert.rejects(workOnKeys(w.test.custodian), /does not destroy the root key/)
  await assert.rejects(workOnKeys(w.test.custodian), /does not destroy the root key/)
  assert.equal((await destructions(w))[0]?.state, 'deleted')
  w.token.onCall = () => undefined
  w.token.isForgetful = false
  await workOnKeys(w.test.custodian)
  assert.equal((await destructions(w))[0]?.state, 'done')
})

test('a backup from before a destruction opens nothing beside the live custodian, and a fresh one opens the others', async (t) => {
  const w = await world(t)
  const folders = [0, 1].map(() => mkdtempSync(join(tmpdir(), 'ngome-backup-')))
  t.after(() => { for (const folder of folders) rmSync(folder, { recursive: true }) })
  const [old = '', fresh = ''] = folders
  const backUp = async (to: string): Promise<void> => {
    w.test.close()
    cpSync(w.test.folder, to, { recursive: true })
    await w.test.reopen()
  }
  const restored = async (folder: string) => openCustodian({
    folder, enrolmentKeyPath: join(folder, 'enrolment.key'), settings: testSettings, clock: w.clock, random: systemRandom,
    rootKey: { kind: 'pkcs11', uri: { ...scriptedUri, pinSource: join(folder, 'pin') } },
    openToken: (from) => openTokenRoots({ ...from, load: async () => w.token.cryptoki }), alarm: () => undefined,
  })
  await backUp(old)
  // The backup is good, as long as its root is there.
  const good = await restored(old)
  await good.store.close()
  await good.root.close()
  await due(w)
  await workOnKeys(w.test.custodian)
  await backUp(fresh)
  await assert.rejects(restored(old), startRefused)
  await open(w, w.theirs)
  await assert.rejects(open(w, w.ours), refused)
  const custodian = await restored(fresh)
  t.after(async () => custodian.store.close())
  const keyOf = (dataKey: DataKey) => merchantKeyLabel(parseSealedDataKey(dataKey.sealed)?.merchantKeyId ?? assert.fail())
  await unwrapKey(custodian, keyOf(w.theirs))
  await assert.rejects(unwrapKey(custodian, keyOf(w.ours)), { code: 'custodian/key_unusable' })
  const { certificate } = signedDestructionCertificateSchema.parse(JSON.parse((await destructions(w))[0]?.certificate ?? ''))
  const said = destructionCertificateSchema.parse(JSON.parse(certificate))
  assert.deepEqual([said.root_kind, said.root_is_protected, said.root], ['hsm', true, custodian.root.describe().id])
  assert.match(said.not_proven.join(), /no clone or backup of the hardware module/)
})
