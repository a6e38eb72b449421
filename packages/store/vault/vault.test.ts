import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { emit } from '@ngome/contracts'
import { newId, systemClock, systemRandom, type VaultTokenId } from '@ngome/kernel'
import { SealingMerchant, testDatabase, type TestDatabase } from '@ngome/testkit'
import type { DatabaseRole } from '../roles.ts'
import { endVaultToken } from './end-vault-token.ts'
import { findVaultToken, isLive, vaultTokenColumns } from './find-vault-token.ts'
import { listVaultTokens } from './list-vault-tokens.ts'
import { countOlderFingerprints, findOlderFingerprints } from './find-older-fingerprints.ts'
import { recordFingerprint } from './record-fingerprint.ts'
import { replaceFingerprints } from './replace-fingerprints.ts'

const from = { clock: systemClock, random: systemRandom }

let database: TestDatabase
let merchant: SealingMerchant
let other: SealingMerchant
before(async () => {
  database = await testDatabase()
  ;[merchant, other] = await Promise.all([SealingMerchant.create(database), SealingMerchant.create(database)])
})
after(() => database.close())

const end = (id: VaultTokenId, as: 'deleted' | 'expired', atMs: number, owner = merchant) => endVaultToken(
  database.open('ngome_gateway'), owner.tenant, id,
  { as, atMs, event: emit({ ...from, process: 'gateway' }, 'vault.token_deleted', owner.tenant, { token: id }) },
)

/** Runs SQL as a role, inside the merchant's tenant. */
async function asRole(role: DatabaseRole, sql: string, id: VaultTokenId): Promise<void> {
  const client = await database.open(role, { poolMax: 1 }).pool.connect()
  try {
    await client.query('BEGIN')
    await client.query(`SELECT set_config('ngome.merchant', $1, true), set_config('ngome.world', $2, true)`,
      [merchant.tenant.merchant, merchant.tenant.world])
    await client.query(sql, [id])
    await client.query('COMMIT')
  } finally {
    await client.query('ROLLBACK')
    client.release()
  }
}

suite('nobody can make a live token hold something else', () => {
  const attacks: readonly (readonly [string, DatabaseRole, string, string])[] = [
    ['the gateway puts another blob in its place', 'ngome_gateway', `UPDATE ngome.vault_tokens SET sealed = decode(repeat('00', 100), 'hex') WHERE id = $1`, 'NG002'],
    ['the gateway changes its mask', 'ngome_gateway', `UPDATE ngome.vault_tokens SET masked = '•••1' WHERE id = $1`, 'NG002'],
    ['the gateway changes its metadata', 'ngome_gateway', `UPDATE ngome.vault_tokens SET metadata = '{"a":"b"}' WHERE id = $1`, 'NG002'],
    ['the gateway writes a fingerprint', 'ngome_gateway', `UPDATE ngome.vault_tokens SET fingerprint = 'fpr_' || repeat('A', 22) WHERE id = $1`, '23514'],
    ['the gateway changes its end', 'ngome_gateway', `UPDATE ngome.vault_tokens SET expires_at = now() + interval '1 day' WHERE id = $1`, '42501'],
    ['the gateway takes the blob and says nothing', 'ngome_gateway', `UPDATE ngome.vault_tokens SET sealed = NULL WHERE id = $1`, 'NG002'],
    ['the gateway ends it and keeps the blob', 'ngome_gateway', `UPDATE ngome.vault_tokens SET ended = 'deleted', ended_at = now() WHERE id = $1`, '23514'],
    ['the dispatcher changes its mask', 'ngome_dispatcher', `UPDATE ngome.vault_tokens SET masked = '+256•••123' WHERE id = $1`, 'NG002'],
    ['the dispatcher ends it and keeps its metadata', 'ngome_dispatcher', `UPDATE ngome.vault_tokens SET ended = 'expired', ended_at = now(), sealed = NULL, metadata = '{"a":"b"}' WHERE id = $1`, '23514'],
    ['the gateway says that it was looked at', 'ngome_gateway', `UPDATE ngome.vault_tokens SET status = 'active', masked = '+256•••123' WHERE id = $1`, '42501'],
    ['the dispatcher calls it invalid and gives it a fingerprint', 'ngome_dispatcher', `UPDATE ngome.vault_tokens SET status = 'invalid', fingerprint_status = 'computed', fingerprint = 'fpr_' || repeat('A', 22) WHERE id = $1`, '23514'],
    ['the dispatcher takes its check back', 'ngome_dispatcher', `UPDATE ngome.vault_tokens SET status = 'pending' WHERE id = $1`, 'NG002'],
    ['the gateway removes its row', 'ngome_gateway', 'DELETE FROM ngome.vault_tokens WHERE id = $1', '42501'],
  ]
  for (const [what, role, sql, code] of attacks) {
    test(what, async () => {
      const id = await merchant.keep('phone', '+256771234567')
      await assert.rejects(asRole(role, sql, id), { code })
    })
  }

  const ofPending: readonly (readonly [string, DatabaseRole, string, string])[] = [
    ['the gateway shows a mask of what its client sealed', 'ngome_gateway', `UPDATE ngome.vault_tokens SET masked = '+256•••123' WHERE id = $1`, 'NG002'],
    ['the dispatcher shows a mask and no fingerprint', 'ngome_dispatcher', `UPDATE ngome.vault_tokens SET status = 'active', masked = '+256•••123' WHERE id = $1`, 'NG002'],
    ['the dispatcher shows a mask and has not looked', 'ngome_dispatcher', `UPDATE ngome.vault_tokens SET masked = '+256•••123', fingerprint_status = 'computed', fingerprint = 'fpr_' || repeat('A', 22) WHERE id = $1`, 'NG002'],
    ['the dispatcher shows a mask of what is invalid', 'ngome_dispatcher', `UPDATE ngome.vault_tokens SET status = 'invalid', masked = '+256•••123', fingerprint_status = 'unavailable' WHERE id = $1`, 'NG002'],
  ]
  for (const [what, role, sql, code] of ofPending) {
    test(what, async () => {
      const id = await merchant.keep('phone', '', { clientSealed: 'AAAA' })
      await assert.rejects(asRole(role, sql, id), { code })
    })
  }

  test('and one that begins with a mask of what nobody saw is not kept', async () => {
    const id = await merchant.keep('phone', '', { clientSealed: 'AAAA' })
    const again = `INSERT INTO ngome.vault_tokens (id, merchant, world, type, status, masked, metadata, api_key, data_key, sealed, fingerprint_status, created_at)
      SELECT overlay(id placing 'zzzz' from 27), merchant, world, type, $1, $2, '{}', api_key, data_key, sealed, 'pending', created_at FROM ngome.vault_tokens WHERE id = $3`
    for (const [status, masked] of [['pending', '+256•••123'], ['invalid', null]]) {
      await assert.rejects(database.asAdmin(again, [status, masked, id]), { code: '23514' })
    }
  })

  test('not even its owner, for rows are never removed', async () => {
    await assert.rejects(database.asAdmin('DELETE FROM ngome.vault_tokens'), { code: 'NG003' })
  })

  test('and one that ended never comes back', async () => {
    const id = await merchant.keep('text', 'x')
    assert.equal(await end(id, 'deleted', Date.now()), 'ended')
    await assert.rejects(asRole('ngome_gateway', `UPDATE ngome.vault_tokens SET ended = NULL, ended_at = NULL, sealed = decode(repeat('00', 100), 'hex') WHERE id = $1`, id), { code: 'NG001' })
  })
})

suite('a fingerprint goes on', () => {
  const old = `fpr_${'D'.repeat(22)}`
  const later = `fpr2_${'B'.repeat(22)}`
  const computed = async (): Promise<VaultTokenId> => {
    const id = await merchant.keep('text', 'x')
    await recordFingerprint(database.open('ngome_dispatcher'), merchant.tenant, id, { status: 'computed', fingerprint: old })
    return id
  }
  const attacks: readonly (readonly [string, DatabaseRole, string])[] = [
    ['not by the gateway', 'ngome_gateway', `fingerprint = '${later}'`],
    ['not to another of the same key', 'ngome_dispatcher', `fingerprint = 'fpr_${'B'.repeat(22)}'`],
    ['not to none', 'ngome_dispatcher', `fingerprint = NULL, fingerprint_status = 'unavailable'`],
    ['not with another mask', 'ngome_dispatcher', `fingerprint = '${later}', masked = ''`],
  ]
  for (const [claim, role, change] of attacks) {
    test(claim, async () => {
      await assert.rejects(asRole(role, `UPDATE ngome.vault_tokens SET ${change} WHERE id = $1`, await computed()), { code: 'NG002' })
    })
  }

  test('by the dispatcher, to a later key, where the older still stands, and never back', async () => {
    const id = await computed()
    const dispatcher = database.open('ngome_dispatcher')
    assert.equal(await replaceFingerprints(dispatcher, other.tenant, [{ id, before: old, after: later }]), 0)
    assert.equal(await replaceFingerprints(dispatcher, merchant.tenant, [{ id, before: `fpr_${'C'.repeat(22)}`, after: later }]), 0)
    assert.equal(await replaceFingerprints(dispatcher, merchant.tenant, [{ id, before: old, after: later }]), 1)
    assert.equal(await replaceFingerprints(dispatcher, merchant.tenant, [{ id, before: old, after: later }]), 0)
    await assert.rejects(asRole('ngome_dispatcher', `UPDATE ngome.vault_tokens SET fingerprint = '${old}' WHERE id = $1`, id), { code: 'NG002' })
    await assert.rejects(asRole('ngome_dispatcher', `UPDATE ngome.vault_tokens SET fingerprint = 'fpr1_${'B'.repeat(22)}' WHERE id = $1`, id))
  })

  test('from the oldest key that has any, and is counted by key', async () => {
    const owner = await SealingMerchant.create(database)
    const dispatcher = database.open('ngome_dispatcher')
    const texts = ['fpr_', 'fpr2_', 'fpr10_'].map((prefix) => prefix + 'A'.repeat(22))
    for (const fingerprint of texts) {
      await recordFingerprint(dispatcher, owner.tenant, await owner.keep('text', fingerprint), { status: 'computed', fingerprint })
    }
    assert.deepEqual(await Promise.all([1, 2, 3, 10, 11].map((before) => countOlderFingerprints(dispatcher, owner.tenant, before))), [0, 1, 2, 2, 3])
    const older = await findOlderFingerprints(dispatcher, owner.tenant, 11, 10)
    assert.deepEqual([older?.generation, older?.rows.map(({ fingerprint }) => fingerprint)], [1, texts.slice(0, 1)])
    assert.equal(await findOlderFingerprints(dispatcher, owner.tenant, 1, 10), undefined)
  })
})

suite('a token ends', () => {
  test('once, and only its own tenant\'s way', async () => {
    const id = await merchant.keep('text', 'x')
    assert.equal(await end(id, 'deleted', Date.now(), other), 'unknown')
    assert.equal(await end(id, 'expired', Date.now() + 1_000_000), 'unknown', 'it has no end of its own')
    assert.equal(await end(id, 'deleted', Date.now()), 'ended')
    assert.equal(await end(id, 'deleted', Date.now()), 'unknown')
    assert.equal(await findVaultToken(database.open('ngome_gateway'), merchant.tenant, id, Date.now()), undefined)
  })

  test('by its time, after which a deletion finds nothing', async () => {
    const expiresAtMs = Date.now() + 60_000
    const id = await merchant.keep('text', 'x', { expiresAtMs })
    assert.equal(await end(id, 'expired', expiresAtMs - 1), 'unknown')
    assert.equal(await end(id, 'deleted', expiresAtMs), 'unknown')
    assert.equal(await end(id, 'expired', expiresAtMs), 'ended')
  })
})

test('tokens of one value are found by their fingerprint, and by nobody else', async () => {
  const fingerprint = `fpr_${'A'.repeat(22)}`
  const ids = [await merchant.keep('text', 'alike'), await merchant.keep('text', 'alike')]
  const dispatcher = database.open('ngome_dispatcher')
  for (const id of ids) await recordFingerprint(dispatcher, merchant.tenant, id, { status: 'computed', fingerprint })
  await recordFingerprint(dispatcher, merchant.tenant, ids[0] as VaultTokenId, { status: 'computed', fingerprint: `fpr_${'B'.repeat(22)}` })
  const alike = (owner: SealingMerchant) => listVaultTokens(database.open('ngome_gateway'), owner.tenant, {
    after: null, limit: 10, fingerprint, nowMs: Date.now(),
  })
  assert.deepEqual((await alike(merchant)).map((row) => row.id), ids.toReversed())
  assert.deepEqual(await alike(other), [])
  const next = await listVaultTokens(database.open('ngome_gateway'), merchant.tenant, {
    after: ids[1] as VaultTokenId, limit: 1, fingerprint, nowMs: Date.now(),
  })
  assert.deepEqual(next.map((row) => row.id), [ids[0]])
  assert.equal(await findVaultToken(database.open('ngome_gateway'), { ...merchant.tenant, world: 'live' }, newId('vaultToken', from), 0), undefined)
})

test('a page of live tokens does not read past those that ended, however many', async () => {
  const owner = await SealingMerchant.create(database)
  const id = await owner.keep('text', 'x')
  const ids = Array.from({ length: 3_000 }, () => newId('vaultToken', from))
  await database.asAdmin(`
    INSERT INTO ngome.vault_tokens (id, merchant, world, type, status, metadata, api_key, data_key, sealed, fingerprint_status, created_at)
    SELECT made, merchant, world, type, status, metadata, api_key, data_key, sealed, fingerprint_status, created_at
    FROM ngome.vault_tokens, unnest($1::text[]) AS made WHERE id = $2`, [ids, id])
  await database.asAdmin(`UPDATE ngome.vault_tokens SET sealed = NULL, ended = 'deleted', ended_at = now() WHERE merchant = $1 AND id <> $2`, [owner.tenant.merchant, id])
  await database.asAdmin('ANALYZE ngome.vault_tokens')
  const page = await listVaultTokens(database.open('ngome_gateway'), owner.tenant, { after: null, limit: 10, fingerprint: null, nowMs: Date.now() })
  assert.deepEqual(page.map((row) => row.id), [id])
  const plan = await database.asAdmin(`EXPLAIN SELECT ${vaultTokenColumns} FROM ngome.vault_tokens
    WHERE merchant = '${owner.tenant.merchant}' AND world = 'test' AND ${isLive('now()')} ORDER BY id DESC LIMIT 10`)
  assert.match(JSON.stringify(plan), /Index Scan Backward using vault_tokens_live/)
})
