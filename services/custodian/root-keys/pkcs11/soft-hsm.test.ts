import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test, type TestContext } from 'node:test'
import { Secret, systemClock, systemRandom } from '@ngome/kernel'
import { loadConfig } from '@ngome/runtime'
import { SoftHsm, softHsmIsMissing } from '@ngome/testkit'
import type { KeyLabel, RootKey } from '../root-key.ts'
import { openTokenRoots } from './token-roots.ts'

const skip = softHsmIsMissing()
const label: KeyLabel = { purpose: 'merchant', name: 'mek_1' }
const away = { code: 'custodian/unavailable' }
const refused = { code: 'custodian/start_refused' }

type Open = (mayCreate?: boolean, object?: string) => Promise<RootKey>

/** A module is loaded once into a process, so that the tests of this file share it: one token each, one after the other. */
function softHsm(t: TestContext): { readonly hsm: SoftHsm; readonly open: Open } {
  const hsm = new SoftHsm()
  const folder = mkdtempSync(join(tmpdir(), 'ngome-root-'))
  process.env['SOFTHSM2_CONF'] = hsm.confPath
  const opened: RootKey[] = []
  t.after(async () => {
    for (const root of opened) await root.close()
    hsm.remove()
    rmSync(folder, { recursive: true })
  })
  return { hsm, open: async (mayCreate = true, object = 'ngome-root') => {
    const { custodian } = loadConfig({ NGOME_CONFIG: '', NGOME_DATA: folder, NGOME_ROOT_KEY: hsm.uri(object) })
    assert.ok(custodian.rootKey.kind === 'pkcs11')
    const { uri } = custodian.rootKey
    const { first: root } = await openTokenRoots({ uri, folder, mayCreate, random: systemRandom, clock: systemClock })
    opened.push(root)
    return root
  } }
}

test('SoftHSM: the key is made in the token, and after a restart unwraps what it wrapped', { skip }, async (t) => {
  const { open } = softHsm(t)
  const first = await open()
  const wrapped = await first.wrap(label, new Secret(Uint8Array.of(7)))
  await first.close()
  const root = await open(false)
  assert.deepEqual((await root.unwrap(label, wrapped)).expose((bytes) => [...bytes]), [7])
  assert.deepEqual(root.describe(), { ...first.describe(), name: 'pkcs11 ngome-test', isProtected: true })
  assert.deepEqual(await root.attemptExport(), { isRefused: true, by: 'SoftHSM v2, CKR_ATTRIBUTE_SENSITIVE' })
  const forged = Buffer.from(wrapped).fill(0, 30, 31)
  forged[30] = (wrapped[30] ?? 0) ^ 1
  await assert.rejects(root.unwrap(label, forged), { code: 'custodian/key_unusable' })
  assert.deepEqual((await root.unwrap(label, wrapped)).expose((bytes) => [...bytes]), [7])
})

test('SoftHSM: a token that is taken away fails closed, and back again is taken up within 10 seconds', { skip }, async (t) => {
  const { hsm, open } = softHsm(t)
  const root = await open()
  const wrapped = await root.wrap(label, new Secret(Uint8Array.of(7)))
  hsm.takeAway()
  await assert.rejects(root.unwrap(label, wrapped), away)
  await assert.rejects(root.wrap(label, new Secret(Uint8Array.of(7))), away)
  await assert.rejects(root.check(), away)
  hsm.giveBack()
  const backAt = performance.now()
  while (await root.check().then(() => false, () => true)) await sleep(100)
  assert.ok(performance.now() - backAt < 10_000)
  await root.unwrap(label, wrapped)
})

test('SoftHSM: slots that were renumbered do not matter, a second token of that label does', { skip }, async (t) => {
  const { hsm, open } = softHsm(t)
  const first = await open()
  const wrapped = await first.wrap(label, new Secret(Uint8Array.of(7)))
  await first.close()
  hsm.addToken('another')
  const root = await open(false)
  await root.unwrap(label, wrapped)
  await root.close()
  hsm.addToken(hsm.label)
  await assert.rejects(open(false), /two tokens/)
})

test('SoftHSM: a key that was imported is refused', { skip }, async (t) => {
  const { hsm, open } = softHsm(t)
  hsm.importKey('brought-along', systemRandom.bytes(32))
  await assert.rejects(open(false, 'brought-along'), refused)
})

test('SoftHSM: a wrong PIN and a PIN that others can read are refused', { skip }, async (t) => {
  const { hsm, open } = softHsm(t)
  hsm.writePin('0000')
  await assert.rejects(open(), /refused the PIN/)
  hsm.writePin(hsm.pin)
  await open()
  chmodSync(hsm.pinPath, 0o640)
  await assert.rejects(open(), refused)
})
