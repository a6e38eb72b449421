import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ManualClock, systemRandom } from '@ngome/kernel'
import { workOnKeys } from '../key-life/work-on-keys.ts'
import { openCustodian } from '../open-custodian.ts'
import { ScriptedToken } from '../testing/scripted-token.ts'
import { scriptedUri, TestCustodian, testSettings } from '../testing/test-custodian.ts'
import { openTokenRoots } from './pkcs11/token-roots.ts'

const uri = { ...scriptedUri, pinSource: '' }

function opening(test: TestCustodian, token: ScriptedToken, isMoving: boolean, more: Partial<typeof uri> = {}) {
  return openCustodian({
    folder: test.folder, enrolmentKeyPath: test.enrolmentKeyPath, settings: testSettings, clock: test.clock, random: systemRandom,
    rootKey: { kind: 'pkcs11', uri: { ...uri, pinSource: join(test.folder, 'pin'), ...more } },
    ...(isMoving ? { previousRootKey: { kind: 'file' } } : {}),
    openToken: (from) => openTokenRoots({ ...from, load: async () => token.cryptoki }), alarm: () => undefined,
  })
}

async function world(t: { after(fn: () => void): void }): Promise<{ test: TestCustodian; token: ScriptedToken; path: string }> {
  const custodian = await TestCustodian.open({ clock: new ManualClock(1_800_000_000_000) })
  t.after(() => custodian.remove())
  await custodian.tenant()
  custodian.close()
  const token = new ScriptedToken()
  writeFileSync(join(custodian.folder, 'pin'), token.pin, { mode: 0o600 })
  return { test: custodian, token, path: join(custodian.folder, 'root.key') }
}

test('the root moves from the file to a token while the custodian runs, and the file is gone after it', async (t) => {
  const { test, token, path } = await world(t)
  const first = await opening(test, token, true)
  assert.deepEqual([first.root.describe().name, token.keys.length], ['pkcs11 ngome', 1])
  assert.ok(existsSync(path))
  await first.root.check()
  await first.store.close()
  // Killed before anything was wrapped anew: the next start goes on, and makes no other key in the token.
  const second = await opening(test, token, true)
  assert.equal(token.keys.length, 1)
  await second.store.get('SELECT 1')
  await workOnKeys(second)
  assert.equal(existsSync(path), false)
  await second.succession.destroyPrevious([])
  await second.store.close()
  await second.root.close()
  for (const isMoving of [true, false]) {
    const after = await opening(test, token, isMoving)
    assert.equal(await after.store.get(`SELECT 1 FROM wrapped_keys WHERE root <> ?`, after.root.describe().id), undefined)
    assert.equal(after.succession.canMakeNext, true)
    await after.store.close()
  }
})

test('a token that is named without the file that holds the keys is refused, and the file stays', async (t) => {
  const { test, token, path } = await world(t)
  await assert.rejects(opening(test, token, false), { code: 'custodian/start_refused' })
  assert.ok(existsSync(path))
})

test('a custodian that closes in the middle of a rotation lets go of both roots', async (t) => {
  const { test, token } = await world(t)
  const custodian = await opening(test, token, true)
  const { root } = custodian
  const label = { purpose: 'statement', name: 'v1' } as const
  const row = await custodian.store.get(`SELECT wrapped FROM wrapped_keys WHERE purpose = 'statement'`)
  await root.unwrap(label, row?.['wrapped'] as Uint8Array)
  assert.equal((await root.attemptExport()).isRefused, true)
  await root.close()
  await assert.rejects(root.unwrap(label, row?.['wrapped'] as Uint8Array), { code: 'custodian/unavailable' })
  await custodian.store.close()
})
