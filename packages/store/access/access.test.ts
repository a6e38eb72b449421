import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { defaultKeySettings } from '@ngome/access'
import { emit } from '@ngome/contracts'
import { newId, systemClock, systemRandom, type ApiKeyId, type MerchantId, type World } from '@ngome/kernel'
import { addTestMerchant, testDatabase, type TestDatabase, type TestMerchant } from '@ngome/testkit'
import type { Database } from '../database.ts'
import { freezeMerchant } from '../merchants/freeze-merchant.ts'
import { listMerchants } from '../merchants/list-merchants.ts'
import { findMerchantLimits } from '../merchants/find-merchant-limits.ts'
import { setMerchantLimits } from '../merchants/set-merchant-limits.ts'
import { setVaultPlaintext } from '../merchants/set-vault-plaintext.ts'
import { endApiKey } from './end-api-key.ts'
import { findApiKey } from './find-api-key.ts'
import { issueApiKey } from './issue-api-key.ts'
import { listApiKeys } from './list-api-keys.ts'
import { readRevocations } from './read-revocations.ts'
import { recordKeyUses } from './record-key-uses.ts'
import { rehashApiKey } from './rehash-api-key.ts'
import { findKeysPastTheirPeriod, findKeysToRemindOf, recordKeyReminder } from './remind-of-keys.ts'
import { revokeApiKey } from './revoke-api-key.ts'

const from = { clock: systemClock, random: systemRandom }
const operatorEvents = { ...from, process: 'operator' } as const

let database: TestDatabase
let gateway: Database
let operator: Database
let merchant: TestMerchant
before(async () => {
  database = await testDatabase()
  gateway = database.open('ngome_gateway')
  operator = database.open('ngome_operator')
  merchant = await addTestMerchant(database)
})
after(() => database.close())

async function issue(): Promise<{ id: ApiKeyId; verifier: Uint8Array; proof: Uint8Array }> {
  const [id, verifier, proof] = [newId('apiKey', from), systemRandom.bytes(32), systemRandom.bytes(65)]
  await issueApiKey(operator, {
    id, tenant: merchant.tenant, verifier, pepperVersion: 1, proof, settings: defaultKeySettings(), hint: 'ngome_sk_test_…', createdAtMs: from.clock.nowMs(),
  }, emit(operatorEvents, 'api_key.issued', merchant.tenant, { key: id }))
  return { id, verifier, proof }
}

const revoke = (id: ApiKeyId, of = merchant) => revokeApiKey(operator, of.tenant, id, from.clock.nowMs(),
  emit(operatorEvents, 'api_key.revoked', of.tenant, { key: id }))

const freeze = (isFrozen: boolean) => {
  const subject = { merchant: merchant.tenant.merchant, world: null }
  return freezeMerchant(operator, subject.merchant, { isFrozen, atMs: from.clock.nowMs() },
    emit(operatorEvents, isFrozen ? 'merchant.frozen' : 'merchant.unfrozen', subject, {}))
}

describe('an API key', () => {
  test('is found by its id, with what is needed to prove it', async () => {
    const { id, verifier, proof } = await issue()
    assert.deepEqual(await findApiKey(gateway, id), {
      id,
      tenant: merchant.tenant,
      verifier: Buffer.from(verifier),
      pepperVersion: 1,
      settings: defaultKeySettings(),
      proof: Buffer.from(proof),
      isRevoked: false,
      isMerchantFrozen: false,
      isVaultPlaintextAllowed: true,
    })
    assert.equal(await findApiKey(gateway, newId('apiKey', from)), undefined)
  })

  test('is revoked once, is counted, and stays revoked', async () => {
    const { id } = await issue()
    const { counter } = await readRevocations(gateway.pool, null)
    assert.equal(await revoke(id), 'revoked')
    assert.equal(await revoke(id), 'already')
    assert.equal((await findApiKey(gateway, id))?.isRevoked, true)
    const revocation = { kind: 'api_key_revoked', merchant: merchant.tenant.merchant, apiKey: id }
    assert.deepEqual(await readRevocations(gateway.pool, counter), {
      counter: counter + 1n,
      revocations: [{ sequence: counter + 1n, ...revocation }],
    })
    const listed = (await listApiKeys(operator, merchant.tenant)).find((key) => key.id === id)
    assert.notEqual(listed?.revokedAtMs, null)
  })

  const rehash = (id: ApiKeyId, fromProof: Uint8Array, pepperVersion: number) => rehashApiKey(gateway, {
    id, fromProof, pepperVersion, verifier: new Uint8Array(32).fill(pepperVersion), proof: new Uint8Array(65).fill(pepperVersion),
  })

  test('goes on to a later pepper, from the one that it was read with, and never back', async () => {
    const { id, proof } = await issue()
    const done = await Promise.all([rehash(id, proof, 2), rehash(id, proof, 2)])
    assert.equal(done.filter((isDone) => isDone).length, 1)
    const row = await findApiKey(gateway, id)
    assert.deepEqual([row?.pepperVersion, row?.verifier, row?.proof], [2, Buffer.alloc(32, 2), Buffer.alloc(65, 2)])
    const moved = new Uint8Array(65).fill(2)
    for (const [from, to] of [[proof, 3], [moved, 2], [moved, 1], [new Uint8Array(65), 4]] as const) assert.equal(await rehash(id, from, to), false)
    assert.deepEqual(await findApiKey(gateway, id), row)
    assert.deepEqual((await listApiKeys(operator, merchant.tenant)).find((key) => key.id === id)?.pepperVersion, 2)
  })

  test('that is revoked goes nowhere', async () => {
    const { id, proof } = await issue()
    await revoke(id)
    assert.equal(await rehash(id, proof, 2), false)
    assert.equal((await findApiKey(gateway, id))?.pepperVersion, 1)
  })

  test('that is revoked loses its proof, whoever revokes it, and gets none again', async () => {
    const { id, proof } = await issue()
    await database.asAdmin('UPDATE ngome.api_keys SET revoked_at = now() WHERE id = $1', [id])
    assert.deepEqual((await findApiKey(gateway, id))?.proof, null)
    await database.asAdmin('UPDATE ngome.api_keys SET proof = $2 WHERE id = $1', [id, proof])
    assert.deepEqual((await findApiKey(gateway, id))?.proof, null)
  })

  test('is not written by the gateway in any other way, and by nobody without a proof', async () => {
    const { id } = await issue()
    for (const sql of ['UPDATE ngome.api_keys SET pepper_version = 2', 'SELECT * FROM ngome.api_keys', 'DELETE FROM ngome.api_keys']) {
      await assert.rejects(gateway.pool.query(`${sql} WHERE id = $1`, [id]), /permission denied/)
    }
    await assert.rejects(database.asAdmin('UPDATE ngome.api_keys SET proof = NULL WHERE id = $1', [id]), /proven_or_revoked/)
    await assert.rejects(operator.pool.query('SELECT ngome.rehash_api_key($1, NULL, 2, NULL, NULL)', [id]), /permission denied/)
  })

  test('of another merchant cannot be revoked', async () => {
    const { id } = await issue()
    const other = await addTestMerchant(database)
    assert.equal(await revoke(id, other), 'unknown')
    assert.equal((await findApiKey(gateway, id))?.isRevoked, false)
  })
})

describe('revocations', () => {
  test('come in one order without gaps, however many revoke at once', async () => {
    const keys = await Promise.all(Array.from({ length: 12 }, issue))
    const { counter } = await readRevocations(gateway.pool, null)
    let seen = counter
    const all: bigint[] = []
    const read = async (): Promise<void> => {
      const { counter: now, revocations } = await readRevocations(gateway.pool, seen)
      all.push(...revocations.map(({ sequence }) => sequence))
      seen = now
    }
    const revoking = Promise.all(keys.map(({ id }) => revoke(id)))
    for (let n = 0; n < 20; n++) await read()
    await revoking
    await read()
    assert.deepEqual(all, Array.from({ length: 12 }, (_, n) => counter + BigInt(n) + 1n))
  })

  test('that were taken back are not counted', async () => {
    const { id } = await issue()
    const { counter } = await readRevocations(gateway.pool, null)
    const event = emit(operatorEvents, 'api_key.revoked', merchant.tenant, { key: id })
    const twice = { ...event, severity: 'none' as never }
    await assert.rejects(revokeApiKey(operator, merchant.tenant, id, from.clock.nowMs(), twice))
    assert.deepEqual(await readRevocations(gateway.pool, counter), { counter, revocations: [] })
    assert.equal((await findApiKey(gateway, id))?.isRevoked, false)
  })
})

describe('a merchant', () => {
  test('that is frozen is so for all its keys, and counts as a revocation, as does the thaw', async () => {
    const { id } = await issue()
    const { counter } = await readRevocations(gateway.pool, null)
    assert.equal(await freeze(true), 'changed')
    assert.equal(await freeze(true), 'already')
    assert.equal((await findApiKey(gateway, id))?.isMerchantFrozen, true)
    assert.equal((await listMerchants(operator, { after: null, limit: 10 }))[0]?.frozenAtMs === null, false)
    assert.equal(await freeze(false), 'changed')
    assert.equal((await findApiKey(gateway, id))?.isMerchantFrozen, false)
    const { revocations } = await readRevocations(gateway.pool, counter)
    assert.deepEqual(revocations.map(({ kind }) => kind), ['merchant_frozen', 'merchant_unfrozen'])
  })

  test('a policy for the vault is of one world, and is told as a revocation is', async () => {
    const { tenant: { merchant: id } } = await addTestMerchant(database)
    const policyOf = async (): Promise<unknown> => {
      const all = await listMerchants(operator, { after: null, limit: 1_000 })
      return all.find((one) => one.id === id)?.vaultPlaintext
    }
    assert.deepEqual(await policyOf(), { test: 'allowed', live: 'refused' })
    const set = (merchant: MerchantId, world: World, policy: 'allowed' | 'refused') =>
      setVaultPlaintext(operator, { merchant, world }, { policy, atMs: Date.now() },
        emit(operatorEvents, 'merchant.policy_changed', { merchant, world: null }, { world, vault_plaintext: policy }))
    const { counter } = await readRevocations(gateway.pool, null)
    assert.deepEqual([await set(id, 'live', 'allowed'), await set(id, 'live', 'allowed'), await set(id, 'test', 'refused')], ['changed', 'already', 'changed'])
    assert.deepEqual(await policyOf(), { test: 'refused', live: 'allowed' })
    assert.equal(await set(newId('merchant', from), 'live', 'allowed'), 'unknown')
    const { revocations } = await readRevocations(gateway.pool, counter)
    assert.deepEqual(revocations.map(({ kind, merchant, apiKey }) => [kind, merchant, apiKey]), [['merchant_policy_changed', id, null], ['merchant_policy_changed', id, null]])
  })

  test('has limits of its own by world, told as a revocation is, which only the operator sets', async () => {
    const { tenant: { merchant } } = await addTestMerchant(database)
    const set = (world: World, limit: { ratePerS: number; burst: number } | null, of = merchant) =>
      setMerchantLimits(operator, { merchant: of, world }, { limit, atMs: Date.now() }, emit(operatorEvents, 'merchant.limits_changed', { merchant: of, world: null }, {
        world, ratePerS: limit?.ratePerS ?? null, burst: limit?.burst ?? null,
      }))
    const found = (world: World) => findMerchantLimits(gateway, { merchant, world })
    const { counter } = await readRevocations(gateway.pool, null)
    assert.equal(await found('test'), undefined)
    const [small, large] = [{ ratePerS: 5, burst: 20 }, { ratePerS: 50, burst: 200 }]
    assert.deepEqual([await set('test', small), await set('test', small), await set('test', large), await set('live', small)], ['changed', 'already', 'changed', 'changed'])
    assert.deepEqual([await found('test'), await found('live')], [large, small])
    assert.deepEqual((await listMerchants(operator, { after: null, limit: 1_000 })).find(({ id }) => id === merchant)?.limits, { test: large, live: small })
    assert.deepEqual([await set('live', null), await set('live', null), await found('live')], ['changed', 'already', undefined])
    assert.equal(await set('test', small, newId('merchant', from)), 'unknown')
    const { revocations } = await readRevocations(gateway.pool, counter)
    assert.deepEqual(revocations.map((one) => [one.kind, one.merchant]), Array.from({ length: 4 }, () => ['merchant_policy_changed', merchant]))
    await assert.rejects(gateway.pool.query('UPDATE ngome.merchant_limits SET burst = 1000000'), /permission denied/)
    assert.deepEqual((await gateway.pool.query('SELECT burst FROM ngome.merchant_limits')).rows, [], 'of no tenant')
  })

  test('is listed once over pages', async () => {
    await Promise.all(Array.from({ length: 4 }, () => addTestMerchant(database)))
    const all = await listMerchants(operator, { after: null, limit: 100 })
    const paged = []
    for (let page = await listMerchants(operator, { after: null, limit: 2 }); page.length > 0;
      page = await listMerchants(operator, { after: page.at(-1)?.id ?? null, limit: 2 })) paged.push(...page)
    assert.deepEqual(paged, all)
    assert.ok(all.length >= 5)
  })
})

describe('an end', () => {
  const settings = (expiresAtMs: number | null) => ({ ...defaultKeySettings(), expiresAtMs })
  const end = (id: ApiKeyId, fromProof: Uint8Array, expiresAtMs: number | null, proof = new Uint8Array(65).fill(9)) => endApiKey(
    operator, { id, tenant: merchant.tenant, fromProof, settings: settings(expiresAtMs), proof }, from.clock.nowMs(),
    emit(operatorEvents, 'api_key.rolled', merchant.tenant, { key: id, successor: id, ends_at: new Date(expiresAtMs ?? 0).toISOString() }),
  )

  test('is written where the row is the one that was shown, and is told as a revocation is', async () => {
    const { id, proof } = await issue()
    const { counter } = await readRevocations(gateway.pool, null)
    const done = await Promise.all([end(id, proof, 5_000), end(id, proof, 6_000)])
    assert.equal(done.filter((isDone) => isDone).length, 1)
    const { revocations } = await readRevocations(gateway.pool, counter)
    assert.deepEqual(revocations.map(({ apiKey }) => apiKey), [id])
    assert.ok([5_000, 6_000].includes((await findApiKey(gateway, id))?.settings?.expiresAtMs ?? 0))
  })

  test('comes nearer and goes to nobody who was revoked; a gateway that moves the row meanwhile does not undo it', async () => {
    const { id, proof } = await issue()
    const ended = new Uint8Array(65).fill(8)
    assert.equal(await end(id, proof, 5_000, ended), true)
    assert.equal(await rehashApiKey(gateway, { id, fromProof: proof, pepperVersion: 2, verifier: new Uint8Array(32), proof }), false)
    for (const later of [6_000, null]) await assert.rejects(end(id, ended, later), { code: 'NG002' })
    assert.equal(await end(id, ended, 4_000, ended), true)
    await revoke(id)
    assert.equal(await end(id, ended, 3_000), false)
    await assert.rejects(database.asAdmin('UPDATE ngome.api_keys SET revoked_at = NULL WHERE id = $1', [id]), { code: 'NG001' })
  })
})

describe('the last use of a key', () => {
  test('is the latest that any gateway saw, whatever order they write in', async () => {
    const [one, other] = [await issue(), await issue()]
    const use = (id: ApiKeyId, atMs: number, network: string) => ({ key: id, atMs, network, agent: 'shop/1' })
    await Promise.all([
      recordKeyUses(gateway, [use(one.id, 5_000, '192.0.2.0/24'), use(other.id, 1_000, '192.0.2.0/24')]),
      recordKeyUses(gateway, [use(other.id, 2_000, '2001:db8::/48'), use(one.id, 4_000, '2001:db8::/48')]),
      recordKeyUses(gateway, [use(newId('apiKey', from), 1, '')]),
    ])
    const listed = await listApiKeys(operator, merchant.tenant)
    const of = (id: ApiKeyId) => listed.find((key) => key.id === id)?.lastUse
    assert.deepEqual(of(one.id), { atMs: 5_000, network: '192.0.2.0/24', agent: 'shop/1' })
    assert.deepEqual(of(other.id), { atMs: 2_000, network: '2001:db8::/48', agent: 'shop/1' })
    assert.deepEqual((await gateway.pool.query('SELECT * FROM ngome.api_key_uses')).rows, [], 'of no tenant')
    await assert.rejects(gateway.pool.query('DELETE FROM ngome.api_key_uses'), { code: '42501' })
  })
})

describe('a gateway that says that a key was used in a hundred years', () => {
  test('hides no use from then on', async () => {
    const { id } = await issue()
    await recordKeyUses(gateway, [{ key: id, atMs: from.clock.nowMs() + 100 * 365 * 86_400_000, network: '', agent: '' }])
    const [row] = (await listApiKeys(operator, merchant.tenant)).filter((key) => key.id === id)
    assert.ok((row?.lastUse?.atMs ?? 0) < from.clock.nowMs() + 600_000)
  })
})

describe('reminders', () => {
  test('are of keys that are old or unused, once of each, and not of those that end or were revoked', async () => {
    const dayMs = 86_400_000
    const nowMs = from.clock.nowMs()
    const owner = await addTestMerchant(database)
    const dispatcher = database.open('ngome_dispatcher')
    const make = async (ageDays: number, settings = defaultKeySettings()): Promise<ApiKeyId> => {
      const id = newId('apiKey', from)
      await issueApiKey(operator, {
        id, tenant: owner.tenant, verifier: systemRandom.bytes(32), pepperVersion: 1, proof: systemRandom.bytes(65), settings, hint: 'x',
        createdAtMs: nowMs - ageDays * dayMs,
      }, emit(operatorEvents, 'api_key.issued', owner.tenant, { key: id }))
      return id
    }
    const [old, used, unused, fresh] = [await make(91), await make(91), await make(31), await make(29)]
    const ending = await make(91, { ...defaultKeySettings(), expiresAtMs: nowMs + dayMs })
    const revoked = await make(91)
    await revoke(revoked, owner)
    await recordKeyUses(gateway, [{ key: used, atMs: nowMs - 29 * dayMs, network: '', agent: '' }])
    const find = async () => (await findKeysToRemindOf(dispatcher, { nowMs, ageMs: 90 * dayMs, unusedMs: 30 * dayMs, limit: 500 }))
      .filter(({ tenant }) => tenant.merchant === owner.tenant.merchant)
    const found = await find()
    const named = found.map(({ id, kind }) => `${[old, used, unused, fresh, ending, revoked].indexOf(id)} ${kind}`).toSorted()
    assert.deepEqual(named, ['0 rotation_due', '0 unused', '1 rotation_due', '2 unused'])
    for (const key of found) {
      const type = key.kind === 'unused' ? 'api_key.unused' : 'api_key.rotation_due'
      const record = () => recordKeyReminder(dispatcher, key, emit({ ...from, process: 'dispatcher' }, type, key.tenant, { key: key.id }), nowMs)
      assert.equal((await Promise.all([record(), record()])).filter((isDone) => isDone).length, 1)
    }
    assert.deepEqual(await find(), [])
    const events = await database.asAdmin(`SELECT count(*) FROM ngome.events WHERE merchant = $1 AND type IN ('api_key.unused', 'api_key.rotation_due')`, [owner.tenant.merchant])
    assert.equal(Number(events[0]?.['count']), 4)
  })

  test('of a key with a period of its own come at the end of that, and no edit of its row moves it', async () => {
    const [owner, dispatcher, nowMs, hourMs] = [await addTestMerchant(database), database.open('ngome_dispatcher'), from.clock.nowMs(), 3_600_000]
    const make = async (ageH: number, rotateAfterH: number | null, expiresInH: number | null = null): Promise<ApiKeyId> => {
      const id = newId('apiKey', from)
      const settings = {
        ...defaultKeySettings(), rotateAfterS: rotateAfterH === null ? null : rotateAfterH * 3_600, expiresAtMs: expiresInH === null ? null : nowMs + expiresInH * hourMs,
      }
      await issueApiKey(operator, {
        id, tenant: owner.tenant, verifier: systemRandom.bytes(32), pepperVersion: 1, proof: systemRandom.bytes(65), settings, hint: 'x', createdAtMs: nowMs - ageH * hourMs,
      }, emit(operatorEvents, 'api_key.issued', owner.tenant, { key: id }))
      return id
    }
    const [over, used, coming, byPolicy, ending, revoked, longOver] = [
      await make(3, 2), await make(3, 2), await make(3, 4), await make(3, null), await make(3, 2, 1), await make(3, 2), await make(300, 2),
    ]
    await revoke(revoked, owner)
    await recordKeyUses(gateway, [{ key: used, atMs: nowMs - hourMs, network: '', agent: '' }])
    const find = async (sinceMs: number | null) => (await findKeysPastTheirPeriod(dispatcher, { nowMs, sinceMs, limit: 500 }))
      .filter(({ tenant }) => tenant.merchant === owner.tenant.merchant)
      .map(({ id, kind }) => `${[over, used, coming, byPolicy, ending, revoked, longOver].indexOf(id)} ${kind}`).toSorted()
    assert.deepEqual(await find(nowMs - 2 * hourMs), ['0 rotation_due', '0 unused', '1 rotation_due'])
    assert.deepEqual(await find(null), ['0 rotation_due', '0 unused', '1 rotation_due', '6 rotation_due', '6 unused'])
    await assert.rejects(database.asAdmin(`UPDATE ngome.api_keys SET rotates_at = now() + interval '1 year' WHERE id = $1`, [over]), { code: '428C9' })
    await recordKeyReminder(dispatcher, { id: over, tenant: owner.tenant, kind: 'unused' }, emit({ ...from, process: 'dispatcher' }, 'api_key.unused', owner.tenant, { key: over }), nowMs)
    assert.deepEqual(await find(nowMs - 2 * hourMs), ['0 rotation_due', '1 rotation_due'])
  })
})
