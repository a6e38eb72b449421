import assert from 'node:assert/strict'
import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { retentionClasses, type CustodianResponse } from '@ngome/contracts'
import { parseSealedDataKey, verifyStatement, type DataKey } from '@ngome/envelope'
import { ManualClock, parseBase64Url, Secret, systemRandom, type Tenant } from '@ngome/kernel'
import { createLogger } from '@ngome/runtime'
import { rootRing } from '../root-keys/root-ring.ts'
import { softwareRootKey } from '../root-keys/software-root-key.ts'
import type { Transaction } from '../store/store.ts'
import { insertWrappedKey, unwrapKey } from '../store/wrapped-keys.ts'
import { newDataKey, openRequest, sealedRecord, type SealedRecord } from '../testing/sealed-record.ts'
import { TestCustodian, type Gateway, type Peer } from '../testing/test-custodian.ts'
import { continueRootRotation } from './rotate-root.ts'
import { keepWorkingOnKeys, workOnKeys } from './work-on-keys.ts'

const dayMs = 86_400_000
const startMs = 20_833 * dayMs + 1_000
const refused = { code: 'custodian/refused' }
const unusable = { code: 'custodian/key_unusable' }

type World = {
  test: TestCustodian; clock: ManualClock; tenant: Tenant; gateway: Gateway; dispatcher: Peer; operator: Peer
  dataKey: DataKey; record: SealedRecord
}

async function world(t: { after(fn: () => void): void }): Promise<World> {
  const clock = new ManualClock(startMs)
  const custodian = await TestCustodian.open({ clock })
  t.after(() => custodian.remove())
  const [tenant, gateway] = [await custodian.tenant(), await custodian.gateway()]
  const dataKey = await newDataKey(custodian, gateway, tenant)
  return {
    test: custodian, clock, tenant, gateway, dataKey, record: sealedRecord(clock, dataKey, 'x'),
    dispatcher: await custodian.peer('dispatcher'), operator: await custodian.peer('operator'),
  }
}

const open = ({ test, dispatcher, dataKey, record }: World) => test.call(dispatcher, '/v1/open', openRequest(dataKey.sealed, [record]))
const rootKey = ({ test }: World) => readFileSync(join(test.folder, 'root.key'))
const roots = ({ test }: World) =>
  test.db.prepare(`SELECT state FROM key_lives WHERE purpose = 'root' ORDER BY created_at_ms, state`).all().map((row) => String(row['state']))
const running = async ({ test, operator }: World) => (await test.call(operator, '/v1/rotations', {})).rotations

test('a rotation of the root wraps every key anew, keeps every record readable, and destroys the old root', async (t) => {
  const w = await world(t)
  const { keys: before } = await open(w)
  const old = rootKey(w)
  w.clock.advance(1)
  const { rotation } = await w.test.call(w.operator, '/v1/rotate-root-key', {})
  assert.deepEqual((await running(w)).map(({ id, state, done }) => [id, state, done]), [[rotation, 'running', 0]])
  assert.deepEqual(await open(w), { keys: before })
  await workOnKeys(w.test.custodian)
  const [done] = await running(w)
  assert.deepEqual([done?.state, done?.done, done?.level, done?.cause], ['done', done?.total, 'root', 'demand'])
  assert.ok((done?.total ?? 0) >= 12)
  assert.notDeepEqual(rootKey(w), old)
  assert.equal(existsSync(join(w.test.folder, 'root.next.key')), false)
  assert.deepEqual(roots(w), ['destroyed', 'active'])
  await w.test.reopen()
  assert.deepEqual(await open(w), { keys: before })
  const former = softwareRootKey(new Secret(new Uint8Array(old)), systemRandom)
  const row = w.test.db.prepare(`SELECT wrapped FROM wrapped_keys WHERE purpose = 'statement'`).get()
  await assert.rejects(former.unwrap({ purpose: 'statement', name: 'v1' }, row?.['wrapped'] as Uint8Array), unusable)
})

test('a second rotation of the root is refused while one runs, and keys made meanwhile are under the new root', async (t) => {
  const w = await world(t)
  await w.test.call(w.operator, '/v1/rotate-root-key', {})
  await assert.rejects(w.test.call(w.operator, '/v1/rotate-root-key', {}), refused)
  assert.equal(w.test.lastLog(1)[0]?.['reason'], 'rotation_running')
  const two = await w.test.tenant()
  const [active] = w.test.db.prepare(`SELECT name FROM key_lives WHERE purpose = 'root' AND state = 'active'`).all()
  assert.equal(w.test.count(`wrapped_keys WHERE purpose = 'index' AND name = '${two.merchant}/test' AND root = '${String(active?.['name'])}'`), 1)
  await workOnKeys(w.test.custodian)
  await open(w)
})

test('a key that was wrapped by the root before is not kept once there is another', async (t) => {
  const w = await world(t)
  const label = { purpose: 'index', name: 'late' } as const
  const wrapped = await w.test.custodian.root.wrap(label, new Secret(new Uint8Array(32)))
  await w.test.call(w.operator, '/v1/rotate-root-key', {})
  const late = w.test.commit((transaction) => insertWrappedKey(transaction, w.clock, label, wrapped))
  await assert.rejects(late, { code: 'custodian/unavailable' })
})

test('whoever read a key just before it was wrapped anew reads it again', async (t) => {
  const w = await world(t)
  const { root } = w.test.custodian
  const label = { purpose: 'statement', name: 'v1' } as const
  let reads = 0
  const store = { ...w.test.store, all: w.test.store.all.bind(w.test.store), get: async (sql: string, ...values: readonly (string | number)[]) => {
    const row = await w.test.store.get(sql, ...values)
    if (++reads === 1) {
      await w.test.call(w.operator, '/v1/rotate-root-key', {})
      await workOnKeys(w.test.custodian)
    }
    return row
  } }
  assert.ok(await unwrapKey({ store, root }, label))
  assert.equal(reads, 2)
  const none = unwrapKey({ store: w.test.store, root: rootRing(softwareRootKey(new Secret(systemRandom.bytes(32)), systemRandom)) }, label)
  await assert.rejects(none, unusable)
})

test('a successor that nobody took up is thrown away, and one that was is found again', async (t) => {
  const w = await world(t)
  const before = rootKey(w)
  await w.test.custodian.succession.makeNext()
  await w.test.reopen()
  assert.equal(existsSync(join(w.test.folder, 'root.next.key')), false)
  assert.deepEqual(rootKey(w), before)
  await w.test.call(w.operator, '/v1/rotate-root-key', {})
  await w.test.reopen()
  assert.equal((await running(w))[0]?.state, 'running')
  await open(w)
  await workOnKeys(w.test.custodian)
  assert.equal((await running(w))[0]?.state, 'done')
  await w.test.reopen()
  await open(w)
})

test('a start between the old root\'s end and its record goes on', async (t) => {
  const w = await world(t)
  await w.test.call(w.operator, '/v1/rotate-root-key', {})
  const failing = { ...w.test.custodian.succession, destroyPrevious: async (ids: readonly string[]) => {
    await w.test.custodian.succession.destroyPrevious(ids)
    throw new Error('killed')
  } }
  await assert.rejects(continueRootRotation({ ...w.test.custodian, succession: failing }), /killed/)
  await w.test.reopen()
  assert.deepEqual(roots(w), ['active', 'decrypt-only'])
  await workOnKeys(w.test.custodian)
  assert.deepEqual(new Set(roots(w)), new Set(['active', 'destroyed']))
  await open(w)
})

test('where a key does not unwrap, or a backup does not restore, the old root stays', async (t) => {
  const w = await world(t)
  const old = rootKey(w)
  await w.test.call(w.operator, '/v1/rotate-root-key', {})
  const damaged = w.test.db.prepare(`UPDATE wrapped_keys SET wrapped = ? WHERE purpose = 'secret' AND name = 'callback/v1'`)
  const whole = w.test.db.prepare(`SELECT wrapped FROM wrapped_keys WHERE name = 'callback/v1'`).get()?.['wrapped'] as Uint8Array
  damaged.run(new Uint8Array(60))
  await assert.rejects(workOnKeys(w.test.custodian), unusable)
  damaged.run(whole)
  // The column says that it is done, the bytes say otherwise: the backup's proof reads the bytes.
  const active = w.test.db.prepare(`SELECT name FROM key_lives WHERE purpose = 'root' AND state = 'active'`).get()?.['name']
  w.test.db.prepare(`UPDATE wrapped_keys SET root = ? WHERE name = 'callback/v1'`).run(String(active))
  await assert.rejects(workOnKeys(w.test.custodian), /callback\/v1 needs another root/)
  assert.deepEqual(rootKey(w), old)
  w.test.db.exec(`UPDATE wrapped_keys SET root = '' WHERE name = 'callback/v1'`)
  await workOnKeys(w.test.custodian)
  assert.notDeepEqual(rootKey(w), old)
  assert.equal(existsSync(join(w.test.folder, 'backup-proof')), false)
})

test('a backup of another store proves nothing, and a key that appears after the old root\'s end is not passed over', async (t) => {
  const w = await world(t)
  const other = await TestCustodian.open({ clock: w.clock })
  t.after(() => other.remove())
  await w.test.call(w.operator, '/v1/rotate-root-key', {})
  const { custodian } = w.test
  const foreign = { ...custodian, store: { ...bound(w.test), backUp: (folder: string) => other.store.backUp(folder) } }
  await assert.rejects(continueRootRotation(foreign), /not of this store/)
  const late = { ...custodian.succession, destroyPrevious: async () => {
    w.test.db.exec(`UPDATE wrapped_keys SET root = 'ffff' WHERE purpose = 'statement'`)
  } }
  await assert.rejects(continueRootRotation({ ...custodian, succession: late }), /appeared after its end/)
})

/** The store's methods without its class, so that one can be put in another's place. */
function bound({ store }: TestCustodian) {
  return { commits: store.commits, get: store.get.bind(store), all: store.all.bind(store), close: store.close.bind(store) }
}

test('the store as it was, with the new root only, does not start', async (t) => {
  const w = await world(t)
  w.test.close()
  const copy = `${w.test.folder}-copy`
  cpSync(w.test.folder, copy, { recursive: true })
  t.after(() => rmSync(copy, { recursive: true }))
  await w.test.reopen()
  await w.test.call(w.operator, '/v1/rotate-root-key', {})
  await workOnKeys(w.test.custodian)
  w.test.close()
  for (const name of ['custodian.sqlite', 'custodian.sqlite-wal']) {
    rmSync(join(w.test.folder, name), { force: true })
    if (existsSync(join(copy, name))) cpSync(join(copy, name), join(w.test.folder, name))
  }
  await assert.rejects(w.test.reopen(), /not the one that wrapped this store/)
})

test('the policy replaces a root that is old enough, on its own', async (t) => {
  const w = await world(t)
  w.clock.advance(365 * dayMs - 1)
  await workOnKeys(w.test.custodian)
  assert.equal((await w.test.call(await w.test.peer('operator'), '/v1/rotations', {})).rotations.length, 0)
  w.clock.advance(1)
  await workOnKeys(w.test.custodian)
  const [rotation] = (await w.test.call(await w.test.peer('operator'), '/v1/rotations', {})).rotations
  assert.deepEqual([rotation?.cause, rotation?.state], ['policy', 'done'])
})

test('a root that only the operator can replace is left to him', async (t) => {
  const w = await world(t)
  w.clock.advance(400 * dayMs)
  await workOnKeys({ ...w.test.custodian, succession: { ...w.test.custodian.succession, canMakeNext: false } })
  assert.deepEqual(roots(w), ['active'])
})

test('work on keys goes on after a failure, which is logged once', async (t) => {
  const w = await world(t)
  const lines: string[] = []
  const logger = createLogger({ process: 'custodian', level: 'error', destination: { write: (line: string) => void lines.push(line) } })
  let looks = 0
  const clock = { nowMs: () => {
    if (++looks < 4) throw new Error('no time')
    return w.clock.nowMs()
  } }
  const end = keepWorkingOnKeys({ ...w.test.custodian, clock }, logger, 1)
  while (looks < 6) await new Promise((resolve) => setTimeout(resolve, 1))
  await end()
  assert.equal(lines.length, 1)
  assert.match(lines[0] ?? '', /no time/)
  const after = looks
  await new Promise((resolve) => setTimeout(resolve, 20))
  assert.equal(looks, after)
})

async function presentKeys(w: World): Promise<ReadonlyMap<string, string>> {
  const { statements } = await w.test.call(w.gateway.peer, '/v1/merchant-keys', { tenants: [w.tenant] })
  return new Map(statements.map((text) => verifyStatement(parseBase64Url(text) ?? new Uint8Array(), w.test.custodian.statementKey.publicKey))
    .map(({ retention, period, keyId }) => [`${retention}/${period}`, keyId]))
}

for (const compromised of [false, true]) {
  test(`a merchant's keys are rotated ${compromised ? 'where they are known to others: those published ahead too' : 'for the present period'}`, async (t) => {
    const w = await world(t)
    const before = await presentKeys(w)
    const theirs = await w.test.tenant()
    const others = await presentKeys({ ...w, tenant: theirs })
    const { keys } = await open(w)
    await w.test.call(w.operator, '/v1/rotate-merchant-keys', { ...w.tenant, compromised })
    const after = await presentKeys(w)
    const changed = [...before].filter(([slot, key]) => after.get(slot) !== key).map(([, key]) => key)
    assert.equal(changed.length, (compromised ? 3 : 1) * retentionClasses.length)
    const list = changed.map((key) => `'${key}'`).join()
    assert.equal(test_(w, `key_lives WHERE name IN (${list}) AND state = '${compromised ? 'compromised' : 'decrypt-only'}'`), changed.length)
    assert.deepEqual(await presentKeys({ ...w, tenant: theirs }), others)
    assert.deepEqual(await open(w), { keys })
    const dataKey = await newDataKey(w.test, w.gateway, w.tenant)
    assert.ok([...after.values()].includes(parseSealedDataKey(dataKey.sealed)?.merchantKeyId ?? ''))
    await open({ ...w, dataKey, record: sealedRecord(w.clock, dataKey, 'y') })
    assert.deepEqual((await running(w)).map(({ level, cause, state, done }) => [level, cause, state, done]),
      [['merchant', compromised ? 'compromise' : 'demand', 'done', changed.length]])
  })
}

const test_ = ({ test }: World, rows: string): number => test.count(rows)

test('what a gateway seals to the old key before its next look still opens', async (t) => {
  const w = await world(t)
  const { statements } = await w.test.call(w.gateway.peer, '/v1/merchant-keys', { tenants: [w.tenant] })
  await w.test.call(w.operator, '/v1/rotate-merchant-keys', { ...w.tenant, compromised: false })
  assert.ok(statements.length > 0)
  await open({ ...w, record: sealedRecord(w.clock, w.dataKey, 'late') })
})

test('the cost of rotating a merchant grows with its keys, not with its records', async (t) => {
  const w = await world(t)
  const count = async (): Promise<number> => {
    let statements = 0
    const { store } = w.test.custodian
    const counting = (transaction: Transaction): Transaction => ({
      get: (...one) => (statements++, transaction.get(...one)),
      all: (...one) => (statements++, transaction.all(...one)),
      run: (...one) => (statements++, transaction.run(...one)),
    })
    const commits = { run: <T>(work: (transaction: Transaction) => Promise<T>) => store.commits.run((one) => work(counting(one))) }
    const custodian = { ...w.test.custodian, store: { ...bound(w.test), backUp: store.backUp.bind(store), commits } }
    const { rotateMerchantKeys } = await import('./rotate-merchant-keys.ts')
    await rotateMerchantKeys(custodian, w.operator, { ...w.tenant, compromised: false })
    return statements
  }
  const few = await count()
  for (let records = 0; records < 100; records += 50) {
    const many = Array.from({ length: 50 }, () => sealedRecord(w.clock, w.dataKey, 'x'))
    await w.test.call(w.dispatcher, '/v1/open', openRequest(w.dataKey.sealed, many))
  }
  assert.equal(await count(), few)
})

test('an unknown merchant\'s keys are not rotated', async (t) => {
  const w = await world(t)
  await assert.rejects(w.test.call(w.operator, '/v1/rotate-merchant-keys', { ...w.tenant, world: 'live', compromised: false }), refused)
  assert.equal(w.test.lastLog(1)[0]?.['reason'], 'tenant_unknown')
})

test('the inventory names every key that ever was with its state and dates, and no key', async (t) => {
  const w = await world(t)
  for (let more = 0; more < 90; more++) await w.test.tenant()
  await w.test.call(w.operator, '/v1/rotate-merchant-keys', { ...w.tenant, compromised: true })
  const all: { purpose: string; name: string; state: string; tenant: string | null; nextRotationAt: string | null }[] = []
  for (let after: { purpose: string; name: string } | null = null;;) {
    const page: CustodianResponse<'/v1/key-inventory'> = await w.test.call(w.operator, '/v1/key-inventory', { after })
    assert.deepEqual([page.root.name, page.root.isProtected, page.root.ageSMax], ['software-unprotected', false, 365 * 86_400])
    all.push(...page.keys)
    const last = page.keys.at(-1)
    if (page.keys.length < 500 || last === undefined) break
    after = { purpose: last.purpose, name: last.name }
  }
  assert.equal(all.length, w.test.count('key_lives'))
  assert.equal(new Set(all.map(({ purpose, name }) => `${purpose}/${name}`)).size, all.length)
  const ours = all.filter(({ tenant }) => tenant === `${w.tenant.merchant}/test`)
  assert.deepEqual([...new Set(ours.map(({ purpose, state }) => `${purpose} ${state}`))].toSorted(),
    ['index active', 'merchant active', 'merchant compromised', 'merchant pending'])
  assert.ok(all.find(({ purpose }) => purpose === 'root')?.nextRotationAt)
})

test('a store that is older than the record of roots gets its root recorded at the first start', async (t) => {
  const w = await world(t)
  const { name } = w.test.db.prepare(`SELECT name FROM key_lives WHERE purpose = 'root'`).get() ?? {}
  w.test.db.exec(`DROP TRIGGER key_lives_stay; DELETE FROM key_lives WHERE purpose = 'root'`)
  await w.test.reopen()
  assert.equal(w.test.db.prepare(`SELECT name FROM key_lives WHERE purpose = 'root' AND state = 'active'`).get()?.['name'], name)
  await open(w)
})
