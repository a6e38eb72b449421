import assert from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test, type TestContext } from 'node:test'
import { systemClock, systemRandom } from '@ngome/kernel'
import { loadConfig, type Pkcs11Uri } from '@ngome/runtime'
import { SoftHsm, softHsmIsMissing } from '@ngome/testkit'
import { rotateRootKey } from '../../key-life/rotate-root-key.ts'
import { workOnKeys } from '../../key-life/work-on-keys.ts'
import { openCustodian } from '../../open-custodian.ts'
import { CustodianProcess } from '../../testing/custodian-process.ts'
import { CustodianServer } from '../../testing/custodian-server.ts'
import { openRequest, sealedRecord } from '../../testing/sealed-record.ts'
import { testSettings } from '../../testing/test-custodian.ts'
import { openTokenRoots } from './token-roots.ts'

const skip = softHsmIsMissing()

/** The module is loaded once into a process: the tests of this file have one token each, one after the other. */
function softHsm(t: TestContext): { readonly hsm: SoftHsm; readonly uri: Pkcs11Uri; readonly folder: string } {
  const [hsm, folder] = [new SoftHsm(), mkdtempSync(join(tmpdir(), 'ngome-hsm-rotation-'))]
  process.env['SOFTHSM2_CONF'] = hsm.confPath
  t.after(() => {
    hsm.remove()
    rmSync(folder, { recursive: true })
  })
  const { custodian: { rootKey } } = loadConfig({ NGOME_CONFIG: '', NGOME_DATA: folder, NGOME_ROOT_KEY: hsm.uri() })
  assert.ok(rootKey.kind === 'pkcs11')
  return { hsm, uri: rootKey.uri, folder }
}

test('SoftHSM: the successor is made in the token and the old root destroyed there; a backup from before does not start', { skip }, async (t) => {
  const { uri, folder } = softHsm(t)
  const live = join(folder, 'live')
  const start = (from: string) => openCustodian({
    folder: from, enrolmentKeyPath: join(folder, 'enrolment.key'), rootKey: { kind: 'pkcs11', uri }, settings: testSettings,
    clock: systemClock, random: systemRandom, alarm: () => undefined,
  })
  const end = async ({ store, root }: Awaited<ReturnType<typeof start>>): Promise<void> => {
    await store.close()
    await root.close()
  }
  writeFileSync(join(folder, 'enrolment.key'), systemRandom.bytes(32), { mode: 0o600 })
  mkdirSync(live, { mode: 0o700 })
  const first = await start(live)
  const former = first.root.describe().id
  await end(first)
  cpSync(live, join(folder, 'old'), { recursive: true })
  const custodian = await start(live)
  await rotateRootKey(custodian, { role: 'operator', serial: '01' })
  await workOnKeys(custodian)
  assert.notEqual(custodian.root.describe().id, former)
  await custodian.root.check()
  await end(custodian)
  const token = await openTokenRoots({ uri, folder: live, mayCreate: false, random: systemRandom, clock: systemClock })
  assert.equal(await token.open(former), undefined)
  await token.first.close()
  await assert.rejects(start(join(folder, 'old')), { code: 'custodian/start_refused' })
  await end(await start(live))
  // Killed between the key and its taking up: what the note names goes, and nothing else.
  const again = await start(live)
  await (await again.succession.makeNext()).close()
  await end(again)
  const last = await start(live)
  assert.equal(last.root.describe().id, again.root.describe().id)
  await last.root.check()
  await end(last)
})

test('SoftHSM: one of a pair replaces the root and is killed; the other finishes, and both open under the new root', { skip, timeout: 120_000 }, async (t) => {
  const { hsm, uri, folder } = softHsm(t)
  const made = await openTokenRoots({ uri, folder, mayCreate: true, random: systemRandom, clock: systemClock })
  const former = made.first.describe().id
  await made.first.close()
  const server = await CustodianServer.start()
  t.after(() => server.stop())
  const pair = { database: await server.database(), rootKey: systemRandom.bytes(32), enrolmentKey: systemRandom.bytes(32) }
  const [one, other] = [await CustodianProcess.create(t, pair), await CustodianProcess.create(t, pair)]
  for (const custodian of [one, other]) {
    custodian.settings = { NGOME_ROOT_KEY: hsm.uri(), SOFTHSM2_CONF: hsm.confPath }
    custodian.flags = ['--allow-addons', `--allow-fs-read=${hsm.folder}`]
  }
  // One after the other: while one process writes SoftHSM's files another may find no token for a moment, and ends to be started again.
  for (const custodian of [one, other]) await custodian.ready()
  const { client: atOne, dataKeys: [dataKey] } = await one.dispatcherWithDataKeys(1)
  assert.ok(dataKey)
  atOne.close()
  const { client: operator } = await one.client('operator')
  const atOther = (await other.client('dispatcher')).client
  t.after(() => atOther.close())
  const open = () => atOther.call('/v1/open', openRequest(dataKey.sealed, [sealedRecord(systemClock, dataKey, 'x')]))
  await open()
  await operator.call('/v1/rotate-root-key', {})
  await one.kill()
  operator.close()
  await open()
  const { client: looker } = await other.client('operator')
  t.after(() => looker.close())
  const from = performance.now()
  for (;;) {
    const { rotations } = await looker.call('/v1/rotations', {})
    if (rotations[0]?.state === 'done') break
    assert.ok(performance.now() - from < 30_000, other.output)
    await sleep(200)
  }
  await open()
  await one.ready()
  const token = await openTokenRoots({ uri, folder, mayCreate: false, random: systemRandom, clock: systemClock })
  assert.equal(await token.open(former), undefined)
  await token.first.close()
})
