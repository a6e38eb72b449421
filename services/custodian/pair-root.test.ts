import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { DataKey } from '@ngome/envelope'
import { ManualClock, systemRandom, type Tenant } from '@ngome/kernel'
import { checkLog } from './log/check-log.ts'
import { beginDueDestructions } from './key-life/carry-out-destructions.ts'
import { rotateRootKey } from './key-life/rotate-root-key.ts'
import { workOnKeys } from './key-life/work-on-keys.ts'
import { CustodianServer } from './testing/custodian-server.ts'
import { newDataKey, openRequest, sealedRecord } from './testing/sealed-record.ts'
import { ckr, ScriptedToken } from './testing/scripted-token.ts'
import { TestCustodian, type Peer } from './testing/test-custodian.ts'
import { destruction } from './testing/test-destruction.ts'

const dayMs = 86_400_000
const startMs = 20_833 * dayMs + 1_000
/** As long as a twin is given to follow. */
const followMs = 5_000
let server: CustodianServer

before(async () => {
  server = await CustodianServer.start()
})
after(() => server.stop())

type World = {
  one: TestCustodian; other: TestCustodian; token: ScriptedToken; clock: ManualClock
  tenant: Tenant; ours: DataKey; theirs: DataKey; dispatcher: Peer
}

/** Two custodians on one database and one token. */
async function world(t: { after(fn: () => unknown): void }): Promise<World> {
  const [clock, token] = [new ManualClock(startMs), new ScriptedToken()]
  // Somebody made the root before: neither of a pair does.
  const maker = await TestCustodian.open({ clock, token })
  maker.remove()
  const pair = { database: await server.database(), rootKey: new Uint8Array(), enrolmentKey: systemRandom.bytes(32) }
  const [one, other] = await Promise.all([TestCustodian.open({ clock, pair, token }), TestCustodian.open({ clock, pair, token })])
  t.after(() => one.remove())
  t.after(() => other.remove())
  const [tenant, neighbour, gateway] = [await one.tenant(), await other.tenant(), await one.gateway()]
  return {
    one, other, token, clock, tenant, dispatcher: await one.peer('dispatcher'),
    ours: await newDataKey(one, gateway, tenant), theirs: await newDataKey(one, gateway, neighbour),
  }
}

const opens = async ({ clock, dispatcher }: World, test: TestCustodian, dataKey: DataKey): Promise<void> => {
  await test.call(dispatcher, '/v1/open', openRequest(dataKey.sealed, [sealedRecord(clock, dataKey, 'x')]))
}
const rotate = async ({ one }: World, test = one) => rotateRootKey(test.custodian, await one.peer('operator'))
const states = async ({ one }: World, table: string) => (await one.store.all(`SELECT state FROM ${table} ORDER BY id`)).map((row) => row['state'])
const reason = async ({ one }: World) => (await one.store.get('SELECT reason FROM log ORDER BY sequence DESC LIMIT 1'))?.['reason']

test('one replaces the root; the other opens, registers and follows, and the old root goes when it has', async (t) => {
  const w = await world(t)
  const [former] = w.token.keys
  await rotate(w)
  await opens(w, w.other, w.ours)
  await w.other.tenant()
  await opens(w, w.one, w.theirs)
  await Promise.all([workOnKeys(w.one.custodian), workOnKeys(w.other.custodian)])
  assert.deepEqual(await states(w, 'rotations'), ['running'])
  w.other.custodian.dataKeys.clear()
  await opens(w, w.other, w.ours)
  assert.equal(w.token.keys.length, 2)
  w.clock.advance(followMs)
  await Promise.all([workOnKeys(w.one.custodian), workOnKeys(w.other.custodian)])
  await Promise.all([workOnKeys(w.one.custodian), workOnKeys(w.other.custodian)])
  assert.deepEqual(await states(w, 'rotations'), ['done'])
  assert.ok(former !== undefined && !w.token.keys.includes(former))
  await w.one.custodian.root.check()
  assert.equal(w.one.custodian.root.describe().id, w.other.custodian.root.describe().id)
  for (const test of [w.one, w.other]) {
    assert.equal(test.custodian.root.holdsOthers(), false)
    test.custodian.dataKeys.clear()
    await opens(w, test, w.ours)
    await test.custodian.root.check()
  }
  assert.equal((await checkLog(w.one.store)).ok, true)
})

test('both begin at once: one rotation, one successor, and nothing too many in the token', async (t) => {
  const w = await world(t)
  const begun = await Promise.allSettled([rotate(w), rotate(w, w.other)])
  assert.equal(begun.filter(({ status }) => status === 'fulfilled').length, 1)
  assert.equal(w.token.keys.length, 2)
  w.clock.advance(followMs)
  for (const test of [w.one, w.other]) await workOnKeys(test.custodian)
  assert.deepEqual(await states(w, 'rotations'), ['done'])
  assert.equal(w.token.keys.length, 1)
})

test('from the deletion on neither opens a record of the destroyed keys, also with its data key at hand; then the certificate', async (t) => {
  const w = await world(t)
  await w.one.call(await w.one.peer('operator'), '/v1/destroy-merchant-keys', await destruction(w.one, w.tenant))
  await w.one.commit((transaction) => transaction.run('UPDATE destructions SET due_at_ms = 0'))
  for (const test of [w.one, w.other]) for (const key of [w.ours, w.theirs]) await opens(w, test, key)
  assert.ok(w.other.custodian.dataKeys.size >= 2)
  assert.equal(await beginDueDestructions(w.one.custodian), true)
  // The other has not looked yet, and has the data key in its memory.
  assert.ok(w.other.custodian.dataKeys.size >= 2)
  for (const test of [w.other, w.one]) {
    await assert.rejects(opens(w, test, w.ours), { code: 'custodian/refused' })
    assert.equal(await reason(w), 'merchant_key_destroyed')
    await opens(w, test, w.theirs)
  }
  await workOnKeys(w.other.custodian)
  w.clock.advance(followMs)
  await workOnKeys(w.one.custodian)
  await workOnKeys(w.other.custodian)
  assert.equal(w.other.custodian.dataKeys.size, 0)
  assert.deepEqual(await states(w, 'destructions'), ['deleted'])
  // Had the other been stopped, all that it held has ended by now.
  w.clock.advance(4 * 60_000)
  await Promise.all([workOnKeys(w.one.custodian), workOnKeys(w.other.custodian)])
  assert.deepEqual(await states(w, 'destructions'), ['done'])
  for (const test of [w.one, w.other]) {
    await assert.rejects(opens(w, test, w.ours), { code: 'custodian/refused' })
    await opens(w, test, w.theirs)
  }
  const row = await w.one.store.get('SELECT certificate FROM destructions')
  assert.match(String(row?.['certificate']), /Data keys that the other custodian had at hand/)
})

for (const dead of ['the one that began it', 'the other'] as const) {
  test(`${dead} dies amid a rotation: who is left finishes it, and the returning one catches up`, async (t) => {
    const w = await world(t)
    await rotate(w)
    const [gone, left] = dead === 'the other' ? [w.other, w.one] : [w.one, w.other]
    gone.close()
    w.clock.advance(followMs)
    await workOnKeys(left.custodian)
    assert.deepEqual((await left.store.all('SELECT state FROM rotations')).map((row) => row['state']), ['done'])
    await gone.reopen()
    assert.equal(gone.custodian.root.describe().id, left.custodian.root.describe().id)
    await opens(w, gone, w.ours)
    assert.equal(w.token.keys.length, 1)
  })
}

test('a successor that cannot be opened is not passed over: the other says so, and follows when it can', async (t) => {
  const w = await world(t)
  await rotate(w)
  const hidden = w.token.keys.pop()
  await assert.rejects(workOnKeys(w.other.custodian), { code: 'custodian/unavailable' })
  if (hidden !== undefined) w.token.keys.push(hidden)
  // The token was away besides, and is opened again for it.
  w.token.failures.set('C_DecryptInit', ckr(0x30))
  await assert.rejects(w.other.custodian.root.check(), { code: 'custodian/unavailable' })
  w.token.failures.clear()
  w.clock.advance(2_000)
  await workOnKeys(w.other.custodian)
  assert.equal(w.one.custodian.root.describe().id, w.other.custodian.root.describe().id)
})

test('the backup of a pair is an embedded store with the same rows; one whose rows refer to none is no backup', async (t) => {
  const w = await world(t)
  const folder = join(w.one.folder, 'backup')
  const backup = await w.one.store.backUp(folder)
  for (const table of ['wrapped_keys', 'log', 'key_lives', 'merchant_keys', 'tenants']) {
    const sql = `SELECT count(*) AS count FROM ${table}`
    assert.deepEqual({ ...await backup.get(sql) }, { ...await w.one.store.get(sql) })
  }
  assert.equal((await checkLog(backup)).ok, true)
  await assert.rejects(backup.commits.run((transaction) => transaction.run('DELETE FROM key_lives')), /stays on record/)
  await backup.close()
  rmSync(folder, { recursive: true })
  await w.one.commit(async (transaction) => {
    await transaction.run('ALTER TABLE wrapped_keys DROP CONSTRAINT wrapped_keys_purpose_name_fkey')
    await transaction.run(`INSERT INTO wrapped_keys (purpose, name, wrapped, root, created_at_ms) VALUES ('x', 'y', '', '', 0)`)
  })
  await assert.rejects(w.one.store.backUp(folder), /wrapped_keys refers to none/)
})
