import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { testDatabase, type TestDatabase } from '@ngome/testkit'
import { readGrants } from './read-grants.ts'
import { databaseRoles, type DatabaseRole } from './roles.ts'

/** What each role may do, reviewed by people. */
const expectedFile = join(import.meta.dirname, 'grants.expected.txt')

const processRoles = databaseRoles.filter((role) => role !== 'ngome_migrator')

let database: TestDatabase
before(async () => {
  database = await testDatabase()
})
after(() => database.close())

const grantsOf = (of: TestDatabase): Promise<readonly string[]> => readGrants((sql, values) => of.asAdmin(sql, values), processRoles)

describe('the grants', () => {
  test('are those that were reviewed, no more and no fewer', async () => {
    const expected = readFileSync(expectedFile, 'utf8').trimEnd().split('\n')
    assert.deepEqual(await grantsOf(database), expected)
  })

  test('show one that somebody adds', async () => {
    const before = await grantsOf(database)
    await database.asAdmin('GRANT UPDATE (proof) ON ngome.api_keys TO ngome_dispatcher')
    const added = (await grantsOf(database)).filter((line) => !before.includes(line))
    assert.match(added.join(), /^ngome_dispatcher: ngome\.api_keys: .*UPDATE \(proof\)/)
    await database.asAdmin('REVOKE UPDATE (proof) ON ngome.api_keys FROM ngome_dispatcher')
  })

  test('give no role what would make the others meaningless', async () => {
    const rows = await database.asAdmin(`SELECT rolname FROM pg_roles WHERE rolname LIKE 'ngome_%'
      AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)`)
    assert.deepEqual(rows, [])
    const members = await database.asAdmin(`SELECT m.member::regrole FROM pg_auth_members m
      WHERE m.member::regrole::text LIKE 'ngome_%'`)
    assert.deepEqual(members, [])
  })

  const refused: readonly { readonly role: DatabaseRole; readonly does: string; readonly sql: string }[] = [
    { role: 'ngome_gateway', does: 'change what a payment is', sql: 'UPDATE ngome.payments SET amount_minor = 1' },
    { role: 'ngome_gateway', does: 'read sealed data', sql: 'SELECT sealed FROM ngome.payments' },
    { role: 'ngome_gateway', does: 'read sealed data keys', sql: 'SELECT sealed FROM ngome.data_keys' },
    { role: 'ngome_gateway', does: 'read what the vault holds', sql: 'SELECT sealed FROM ngome.vault_tokens' },
    { role: 'ngome_gateway', does: 'read webhook secrets', sql: 'SELECT sealed FROM ngome.webhook_secrets' },
    { role: 'ngome_gateway', does: 'remove a token without a trace', sql: 'DELETE FROM ngome.vault_tokens' },
    { role: 'ngome_operator', does: 'read tokens', sql: 'SELECT id FROM ngome.vault_tokens' },
    { role: 'ngome_gateway', does: 'list verifiers of API keys', sql: 'SELECT verifier FROM ngome.api_keys' },
    { role: 'ngome_gateway', does: 'list proofs of API keys', sql: 'SELECT proof FROM ngome.api_keys' },
    { role: 'ngome_gateway', does: 'change what an API key may do', sql: `UPDATE ngome.api_keys SET settings = '{}'` },
    { role: 'ngome_gateway', does: 'revive an API key', sql: 'UPDATE ngome.api_keys SET revoked_at = NULL' },
    { role: 'ngome_gateway', does: 'count ends of keys that did not end', sql: `SELECT ngome.count_own_key_end('key_1')` },
    { role: 'ngome_gateway', does: 'read jobs', sql: 'SELECT id FROM pgboss.job' },
    { role: 'ngome_gateway', does: 'take jobs', sql: `UPDATE pgboss.job SET state = 'active'` },
    { role: 'ngome_gateway', does: 'settle a transfer', sql: `UPDATE ngome.transfers SET phase = 'posted'` },
    { role: 'ngome_gateway', does: 'read events', sql: 'SELECT id FROM ngome.events' },
    { role: 'ngome_gateway', does: 'take a revocation back', sql: 'UPDATE ngome.revocation_counter SET value = 0' },
    { role: 'ngome_dispatcher', does: 'make a payment', sql: `INSERT INTO ngome.payments (id) VALUES ('pay_1')` },
    { role: 'ngome_dispatcher', does: 'change an amount', sql: 'UPDATE ngome.payments SET amount_minor = 1' },
    { role: 'ngome_dispatcher', does: 'change where webhooks go', sql: `UPDATE ngome.webhook_endpoints SET url = 'x'` },
    { role: 'ngome_dispatcher', does: 'find API keys', sql: `SELECT * FROM ngome.find_api_key('key_1')` },
    { role: 'ngome_operator', does: 'read payments', sql: 'SELECT id FROM ngome.payments' },
    { role: 'ngome_operator', does: 'read verifiers of API keys', sql: 'SELECT verifier FROM ngome.api_keys' },
    { role: 'ngome_auditor', does: 'write anything', sql: `UPDATE ngome.merchants SET name = 'x'` },
    { role: 'ngome_gateway', does: 'make a table', sql: 'CREATE TABLE ngome.mine ()' },
    { role: 'ngome_gateway', does: 'make a temporary table', sql: 'CREATE TEMPORARY TABLE mine ()' },
  ]
  for (const { role, does, sql } of refused) {
    test(`do not let ${role} ${does}`, async () => {
      await assert.rejects(database.open(role, { poolMax: 1 }).pool.query(sql), { code: '42501' })
    })
  }
})
