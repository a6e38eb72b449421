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
  const server = await testServer({ shared_buffers: '128MB', max_wal_size: '8GB' })
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

/** Rows that are there to be passed by: nobody proves them. Their ids lie in order around those that are looked for. */
async function fill(database: TestDatabase, { tenant }: TestMerchant, { from, to }: { readonly from: number; readonly to: number }): Promise<void> {
  for (let at = from; at < to; at += batchRows) {
    const end = Math.min(at + batchRows, to)
    await database.asAdmin(`INSERT INTO ngome.api_keys (id, merchant, world, verifier, pepper_version, hint, created_at, proof, settings)
      SELECT 'key_01' || substr('hjk', 1 + (n * 3 / $5::bigint)::integer, 1) || rpad(lpad(to_hex(((n * 3 % $5::bigint) * 281474976710656::numeric / $5::bigint)::bigint), 12, '0'), 23, '0'), $1, $2, sha256(int8send(n)), 1, 'bench', now() - n * interval '1 second',
        decode(repeat('ab', 65), 'hex'), '{}'
      FROM generate_series($3::bigint, $4::bigint) AS n`, [tenant.merchant, tenant.world, at, end - 1, many])
    process.stderr.write(`${end.toLocaleString('en')} keys\n`)
  }
  await database.asAdmin('ANALYZE ngome.api_keys', [])
}

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
