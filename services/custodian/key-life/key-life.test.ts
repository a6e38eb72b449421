import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { keyStates, type KeyState } from '@ngome/contracts'
import { ManualClock, type MerchantKeyId, type Tenant } from '@ngome/kernel'
import { findMerchantKey, merchantKeyLabel } from '../merchants/merchant-keys.ts'
import { periodGraceMs } from '../merchants/periods.ts'
import { TestCustodian } from '../testing/test-custodian.ts'
import { advanceKeys } from './advance-keys.ts'
import { beginLife, findLife, moveKey, type LifeLabel } from './key-life.ts'
import { assertTransition, keyTransitions } from './key-states.ts'

const dayMs = 86_400_000
const startMs = 20_833 * dayMs

async function world(t: { after(fn: () => void): void }): Promise<{ test: TestCustodian; clock: ManualClock; tenant: Tenant }> {
  const clock = new ManualClock(startMs)
  const custodian = await TestCustodian.open({ clock })
  t.after(() => custodian.remove())
  return { test: custodian, clock, tenant: await custodian.tenant() }
}

test('the store\'s table of transitions is the code\'s', async (t) => {
  const { test } = await world(t)
  const rows = test.db.prepare('SELECT from_state, to_state FROM key_transitions').all()
  const inStore = rows.map((row) => `${String(row['from_state'])} ${String(row['to_state'])}`).toSorted()
  const inCode = keyStates.flatMap((from) => keyTransitions[from].map((to) => `${from} ${to}`)).toSorted()
  assert.deepEqual(inStore, inCode)
  assert.equal(inCode.length, 8)
})

test('code and store refuse the same moves, whatever the way to them', async (t) => {
  const { test } = await world(t)
  let count = 0
  const states = fc.array(fc.constantFrom<Exclude<KeyState, 'pending'>>('active', 'decrypt-only', 'compromised', 'destroyed'), { maxLength: 6 })
  await fc.assert(fc.asyncProperty(fc.boolean(), states, async (isPending, moves) => {
    const label: LifeLabel = { purpose: 'merchant', name: `made-up-${++count}` }
    await test.commit((transaction) => beginLife(transaction, label, 5, isPending ? startMs * 2 : null))
    let state: KeyState = isPending ? 'pending' : 'active'
    for (const to of moves) {
      const isAllowed = keyTransitions[state].includes(to)
      const column = { 'active': 'active_at_ms', 'decrypt-only': 'decrypt_only_at_ms', 'compromised': 'compromised_at_ms', 'destroyed': 'destroyed_at_ms' }[to]
      const inStore = test.db.prepare(`UPDATE key_lives SET state = ?, ${column} = 9 WHERE name = ?`)
      const move = test.commit((transaction) => moveKey(transaction, label, { to, nowMs: 9 }))
      if (isAllowed) {
        await move
        state = to
      } else {
        await assert.rejects(move, { code: 'custodian/key_unusable' })
        if (to !== state) assert.throws(() => inStore.run(to, label.name), /does not move so|CHECK/)
      }
    }
    assert.equal((await findLife(test.store, label))?.state, state)
  }), { numRuns: 100 })
})

test('no key begins anywhere but at its beginning, comes back, changes its name, or leaves the record', async (t) => {
  const { test, tenant } = await world(t)
  const exec = (sql: string) => () => test.db.exec(sql)
  for (const state of ['decrypt-only', 'compromised', 'destroyed']) {
    assert.throws(exec(`INSERT INTO key_lives VALUES ('merchant', 'x', '${state}', 0, 0, 0, 0, 0, NULL)`), /begins pending or active/)
  }
  assert.throws(exec(`INSERT INTO key_lives (purpose, name, state, created_at_ms) VALUES ('merchant', 'x', 'lost', 0)`), /begins|CHECK/)
  assert.throws(exec('DELETE FROM key_lives'), /stays on record/)
  assert.throws(exec(`UPDATE key_lives SET name = 'y' WHERE purpose = 'statement'`), /does not move so/)
  assert.throws(exec(`UPDATE key_lives SET state = 'decrypt-only' WHERE purpose = 'index'`), /CHECK/)
  const label: LifeLabel = { purpose: 'index', name: `${tenant.merchant}/test` }
  await test.commit(async (transaction) => {
    await moveKey(transaction, label, { to: 'compromised', nowMs: 1 })
    await transaction.run('DELETE FROM wrapped_keys WHERE purpose = ? AND name = ?', label.purpose, label.name)
    await moveKey(transaction, label, { to: 'destroyed', nowMs: 2 })
  })
  assert.throws(exec(`INSERT INTO wrapped_keys VALUES ('index', '${label.name}', x'00', '', 0)`), /does not come back/)
})

test('a move of a key that is not on record is refused', async (t) => {
  const { test } = await world(t)
  const move = test.commit((transaction) => moveKey(transaction, { purpose: 'merchant', name: 'none' }, { to: 'active', nowMs: 1 }))
  await assert.rejects(move, { code: 'custodian/key_unusable' })
  assert.throws(() => assertTransition('active', 'destroyed'), { code: 'custodian/key_unusable' })
})

test('every key that there is has a life, and every date of a state stands', async (t) => {
  const { test } = await world(t)
  const bare = test.db.prepare(`SELECT count(*) AS count FROM wrapped_keys w LEFT JOIN key_lives l USING (purpose, name) WHERE l.name IS NULL`)
  assert.equal(bare.get()?.['count'], 0)
  assert.equal(test.count(`key_lives WHERE purpose = 'root' AND state = 'active'`), 1)
  assert.throws(() => test.db.exec(`INSERT INTO wrapped_keys VALUES ('merchant', 'unheard-of', x'00', '', 0)`), /FOREIGN KEY/)
})

test('merchant keys become active at their beginning and decrypt-only at their end, as their statements say', async (t) => {
  const { test, clock } = await world(t)
  const states = async (): Promise<readonly string[]> => {
    await advanceKeys(test.custodian)
    const rows = test.db.prepare(`SELECT l.state FROM merchant_keys k JOIN key_lives l ON l.name = k.id WHERE retention = 'payment' ORDER BY period`).all()
    return rows.map((row) => String(row['state']))
  }
  assert.deepEqual(await states(), ['active', 'pending', 'pending'])
  clock.advance(dayMs)
  assert.deepEqual(await states(), ['active', 'active', 'pending'])
  clock.advance(periodGraceMs)
  assert.deepEqual(await states(), ['decrypt-only', 'active', 'pending'])
  clock.advance(10 * dayMs)
  assert.deepEqual(await states(), ['decrypt-only', 'decrypt-only', 'decrypt-only'])
  assert.equal(test.count('key_lives WHERE due_at_ms IS NOT NULL'), 0)
})

test('keys that are older than the record of lives find their place by their statements', async (t) => {
  const { test } = await world(t)
  const ids = test.db.prepare(`SELECT id FROM merchant_keys WHERE retention = 'payment' ORDER BY period`).all().map((row) => row['id'] as MerchantKeyId)
  // As the migration leaves them, and one whose date somebody moved: the statement has the last word.
  test.db.exec(`DROP TRIGGER key_lives_move; UPDATE key_lives SET state = 'pending', active_at_ms = NULL, due_at_ms = 0 WHERE purpose = 'merchant'`)
  await advanceKeys(test.custodian)
  const lives = await Promise.all(ids.map((id) => findLife(test.store, merchantKeyLabel(id))))
  assert.deepEqual(lives.map((life) => life?.state), ['active', 'pending', 'pending'])
  const statement = await findMerchantKey(test.custodian, ids[1] ?? '' as MerchantKeyId)
  assert.equal(lives[1]?.dueAtMs, statement?.notBeforeMs)
})
