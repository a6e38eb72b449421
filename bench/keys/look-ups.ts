import { generateKeyPairSync } from 'node:crypto'
import { apiKeyVerifier, defaultKeySettings, newApiKey, signApiKey, type KeptApiKey } from '@ngome/access'
import { emit } from '@ngome/contracts'
import { Secret, systemClock, systemRandom, type ApiKeyId } from '@ngome/kernel'
import { createRoles, findApiKey, issueApiKey, migrate, type Database } from '@ngome/store'
import { addTestMerchant, describeDatabase, testServer, type TestDatabase, type TestMerchant } from '@ngome/testkit'
import { proveApiKey } from '../../services/gateway/access/prove-api-key.ts'
import { timeCase, type BenchCase } from '../harness.ts'

const few = 1_000
const many = 10_000_000
/** Rows of one statement, so that one sees how far it is. */
const batchRows = 500_000
/** Connections that fill. */
const fillers = 2
/**
 * The table is made for one reading: nothing of it must outlive a loss of power. What a look-up takes, pages of a table far
 * larger than `shared_buffers`, stays as it is.
 */
const serverSettings = {
  shared_buffers: '128MB', max_wal_size: '8GB', fsync: 'off', full_page_writes: 'off', wal_level: 'minimal', max_wal_senders: '0',
}
/** Different keys that are looked for, spread over all. */
const looked = 500
const percentile = 0.99
/** Ids begin with their time: those that are looked for are of the last two years. */
const spreadMs = 2 * 365 * 86_400_000

const custodian = generateKeyPairSync('ed25519')
const pepper = new Secret(systemRandom.bytes(32))
const events = { clock: systemClock, random: systemRandom, process: 'operator' } as const

/** A key that is not in memory, found in PostgreSQL and proven: among 10,000,000 keys beside among 1,000. */
export async function lookUps(): Promise<BenchCase[]> {
  const server = await testServer(serverSettings)
  try {
    const database = describeDatabase(server, 'keys')
    await createRoles(server.postgres.admin, 'keys', server.passwords, systemRandom)
    await migrate(database.connection('ngome_migrator'))
    const merchant = await addTestMerchant(database)
    const ids = await issue(database, merchant)
    const gateway = database.open('ngome_gateway')
    await fill(database, merchant, { from: 0, to: few })
    const amongFew = await timeLookUps(gateway, ids)
    await fill(database, merchant, { from: few, to: many })
    const amongMany = await timeLookUps(gateway, ids)
    await database.close()
    return [
      timeCase('look-up and proof of a key among 10,000,000, median, beside among 1,000', 'ms', amongMany.median, amongFew.median),
      timeCase('look-up and proof of a key among 10,000,000, p99, beside among 1,000', 'ms', amongMany.p99, amongFew.p99),
    ]
  } finally {
    await server.postgres.stop()
  }
}

/** Keys as a custodian signs them. */
async function issue(database: TestDatabase, { tenant }: TestMerchant): Promise<readonly ApiKeyId[]> {
  const operator = database.open('ngome_operator')
  const ids: ApiKeyId[] = []
  for (let at = 0; at < looked; at++) {
    const clock = { nowMs: () => systemClock.nowMs() - Math.floor(spreadMs * at / looked) }
    const key = newApiKey({ world: tenant.world, clock, random: systemRandom })
    const kept: KeptApiKey = {
      id: key.id, tenant, pepperVersion: 1, verifier: apiKeyVerifier(pepper, { ...key, tenant }), settings: defaultKeySettings(),
    }
    await issueApiKey(operator, { ...kept, proof: signApiKey(kept, custodian.privateKey), hint: 'bench', createdAtMs: clock.nowMs() },
      emit(events, 'api_key.issued', tenant, { key: key.id }))
    ids.push(key.id)
  }
  return ids
}

/**
 * Rows that are there to be passed by: nobody proves them. Their ids lie in order around those that are looked for. What a
 * statement inserts is held to every constraint of a row; that its merchant exists is not asked ten million times, and the
 * indexes that no look-up reads are made when all is there.
 */
async function fill(database: TestDatabase, { tenant }: TestMerchant, { from, to }: { readonly from: number; readonly to: number }): Promise<void> {
  const indexes = await database.asAdmin(`SELECT indexdef, indexrelid::regclass AS name FROM pg_indexes
    JOIN pg_index ON indexrelid = (quote_ident(schemaname) || '.' || quote_ident(indexname))::regclass
    WHERE schemaname = 'ngome' AND tablename = 'api_keys' AND NOT indisprimary`)
  await database.asAdmin('ALTER TABLE ngome.api_keys DISABLE TRIGGER ALL')
  for (const { name } of indexes) await database.asAdmin(`DROP INDEX ${String(name)}`)
  let next = from
  await Promise.all(Array.from({ length: fillers }, async () => {
    while (next < to) {
      const at = next
      next = Math.min(at + batchRows, to)
      await database.asAdmin(fillSql, [tenant.merchant, tenant.world, at, Math.min(at + batchRows, to) - 1, many])
      process.stderr.write(`${at.toLocaleString('en')} keys and on\n`)
    }
  }))
  for (const { indexdef } of indexes) await database.asAdmin(String(indexdef))
  await database.asAdmin('ALTER TABLE ngome.api_keys ENABLE TRIGGER ALL')
  // What was written last is read as if it had been there for long.
  await database.asAdmin('VACUUM (ANALYZE) ngome.api_keys')
}

/** Ids begin with 50 bits of time: `h`, `j` and `k` are its first five of these years, and as many parts of the rows follow in each. */
const fillSql = `INSERT INTO ngome.api_keys (id, merchant, world, verifier, pepper_version, hint, created_at, proof, settings)
  SELECT 'key_01' || substr('hjk', 1 + (n * 3 / $5::bigint)::integer, 1)
      || rpad(lpad(to_hex((n * 3 % $5::bigint) * ((1::bigint << 48) / $5::bigint)), 12, '0'), 23, '0'),
    $1, $2, sha256(int8send(n)), 1, 'bench', now() - ($5::bigint - n) * interval '1 second', decode(repeat('ab', 65), 'hex'), '{}'
  FROM generate_series($3::bigint, $4::bigint) AS n`

async function timeLookUps(gateway: Database, ids: readonly ApiKeyId[]): Promise<{ readonly median: number; readonly p99: number }> {
  const times: number[] = []
  for (let round = -1; round < 4; round++) {
    for (const id of ids) {
      const startedAtMs = performance.now()
      const row = await findApiKey(gateway, id)
      if (row === undefined || proveApiKey(row, custodian.publicKey) === undefined) throw new Error(`${id} is not proven`)
      if (round >= 0) times.push(performance.now() - startedAtMs)
    }
  }
  const sorted = times.toSorted((a, b) => a - b)
  return { median: sorted[sorted.length >> 1] ?? 0, p99: sorted[Math.floor(sorted.length * percentile)] ?? 0 }
}
