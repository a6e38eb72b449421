import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { keyStates } from '@ngome/contracts'
import { dataClasses, ManualClock, newId, Secret, systemRandom } from '@ngome/kernel'
import { newCertificateRequest } from '@ngome/runtime'
import { TestAuthority, testServer } from '@ngome/testkit'
import fc from 'fast-check'
import pg from 'pg'
import { advanceKeys } from './key-life/advance-keys.ts'
import { keyTransitions } from './key-life/key-states.ts'
import { spend } from './openings/budgets.ts'
import { appendLog } from './log/append-log.ts'
import { checkLog } from './log/check-log.ts'
import { openPostgresStore, type CustodianDatabase } from './store/postgres/open-postgres-store.ts'
import { CustodianServer } from './testing/custodian-server.ts'
import { newDataKey, openRequest, sealedRecord } from './testing/sealed-record.ts'
import { TestCustodian, type Pair } from './testing/test-custodian.ts'

const refused = { code: 'custodian/start_refused' }
let server: CustodianServer

before(async () => {
  server = await CustodianServer.start()
})
after(() => server.stop())

type Context = { after(fn: () => unknown): void }

async function newPair(): Promise<Pair> {
  return { database: await server.database(), rootKey: systemRandom.bytes(32), enrolmentKey: systemRandom.bytes(32) }
}

/** Both custodians, started at once on an empty database. */
async function twins(t: Context): Promise<{ one: TestCustodian; other: TestCustodian; clock: ManualClock; pair: Pair }> {
  const [pair, clock] = [await newPair(), new ManualClock(1_800_000_000_000)]
  const [one, other] = await Promise.all([TestCustodian.open({ clock, pair }), TestCustodian.open({ clock, pair })])
  t.after(() => one.remove())
  t.after(() => other.remove())
  return { one, other, clock, pair }
}

const logged = async (test: TestCustodian, operation: string) =>
  test.store.all('SELECT outcome, reason FROM log WHERE operation = ? ORDER BY sequence', operation)

test('of two first runs at once one makes the keys, and both hold them', async (t) => {
  const { one, other } = await twins(t)
  assert.equal(one.custodian.authority.pem, other.custodian.authority.pem)
  assert.ok(one.custodian.statementKey.publicKey.equals(other.custodian.statementKey.publicKey))
  assert.equal((await logged(one, 'first-run')).length, 1)
  await one.reopen()
  assert.equal((await logged(one, 'first-run')).length, 1)
})

test('makes no root key of its own: both must be given the same', async (t) => {
  const { other } = await twins(t)
  other.close()
  rmSync(join(other.folder, 'root.key'))
  await assert.rejects(other.reopen(), refused)
  assert.equal(existsSync(join(other.folder, 'root.key')), false)
})

test('what one issues, registers and revokes, the other knows at once', async (t) => {
  const { one, other, clock } = await twins(t)
  const [gateway, tenant, dispatcher] = [await one.gateway(), await one.tenant(), await other.peer('dispatcher')]
  const dataKey = await newDataKey(other, gateway, tenant)
  const body = openRequest(dataKey.sealed, [sealedRecord(clock, dataKey, 'x')])
  assert.deepEqual(await one.call(dispatcher, '/v1/open', body), await other.call(dispatcher, '/v1/open', body))
  await one.call(await one.peer('operator'), '/v1/revoke-certificate', { serial: dispatcher.serial })
  await assert.rejects(other.call(dispatcher, '/v1/open', body), { code: 'custodian/refused' })
})

test('a one-time token is used once, whichever custodians it is shown to at once', async (t) => {
  const { one, other } = await twins(t)
  for (let round = 0; round < 5; round++) {
    const token = one.token({ role: 'dispatcher' })
    const enrol = async (test: TestCustodian) =>
      test.call(null, '/v1/enrol', { token, csr: (await newCertificateRequest('dispatcher')).csr, signer: null })
    const results = await Promise.allSettled([enrol(one), enrol(other), enrol(one), enrol(other)])
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
  }
})

test('a record has its twelve openings with both custodians together', async (t) => {
  const { one, other, clock } = await twins(t)
  const [gateway, tenant, dispatcher] = [await one.gateway(), await one.tenant(), await one.peer('dispatcher')]
  const dataKey = await newDataKey(one, gateway, tenant)
  const body = openRequest(dataKey.sealed, [sealedRecord(clock, dataKey, 'x')])
  const calls = Array.from({ length: 30 }, (_, at) => (at % 2 === 0 ? one : other).call(dispatcher, '/v1/open', body))
  const results = await Promise.allSettled(calls)
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 12)
  const rows = await logged(one, '/v1/open')
  assert.equal(rows.filter(({ outcome }) => outcome === 'allowed').length, 12)
  assert.equal(rows.filter(({ reason }) => reason === 'record_budget_spent').length, 18)
  assert.deepEqual((await checkLog(other.store)).ok, true)
})

test('merchant keys that both make at once are one', async (t) => {
  const { one, other, clock } = await twins(t)
  const tenant = await one.tenant()
  clock.advance(5 * 86_400_000)
  const gateway = await one.gateway()
  const ask = (test: TestCustodian) => test.call(gateway.peer, '/v1/merchant-keys', { tenants: [tenant] })
  const [mine, theirs] = await Promise.all([ask(one), ask(other)])
  assert.deepEqual(mine, theirs)
  const id = { merchant: newId('merchant', { clock, random: systemRandom }), world: 'test' } as const
  const operator = await one.peer('operator')
  await Promise.all([one.call(operator, '/v1/merchants', id), other.call(operator, '/v1/merchants', id)])
  assert.equal((await one.store.all('SELECT 1 FROM tenants WHERE merchant = ?', id.merchant)).length, 1)
})

test('whatever two stores do at once, budgets hold and the log is one tree', async (t) => {
  const database = await server.database()
  const stores = [await openPostgresStore(database, systemRandom), await openPostgresStore(database, systemRandom)]
  t.after(() => Promise.all(stores.map((store) => store.close())))
  const clock = new ManualClock(1_000)
  const entry = { caller: 'x', operation: 'x', outcome: 'allowed', reason: '', subject: '' } as const
  let round = 0
  let rows = 0
  await fc.assert(fc.asyncProperty(fc.array(fc.tuple(fc.nat(1), fc.nat(2), fc.boolean()), { maxLength: 24 }), async (works) => {
    const purpose = `p${round++}`
    const results = await Promise.allSettled(works.map(async ([which, subject, fails]) => stores[which]?.commits.run(async (transaction) => {
      const has = await spend(transaction, { purpose, subject: String(subject), timesMax: 3, windowMs: 100 }, 1_000)
      await appendLog(transaction, clock, entry)
      if (fails || !has) throw new Error('no')
    })))
    const done = results.filter(({ status }) => status === 'fulfilled').length
    const wanted = [0, 1, 2].map((one) => Math.min(3, works.filter(([, subject, fails]) => subject === one && !fails).length))
    assert.equal(done, wanted.reduce((sum, count) => sum + count, 0))
    const check = await checkLog(stores[0] ?? assert.fail())
    assert.deepEqual([check.ok, check.ok && check.rows], [true, rows += done])
  }), { numRuns: 25 })
})

test('a custodian that falls silent amid a work keeps the other waiting for two seconds, not for ever', async (t) => {
  const database = await server.database()
  const [silent, other] = [await openPostgresStore(database, systemRandom), await openPostgresStore(database, systemRandom)]
  t.after(() => Promise.all([silent.close(), other.close()]))
  const insert = 'INSERT INTO enrolment_nonces (nonce, used_at_ms) VALUES (?, 0)'
  const { promise: begun, resolve: begin } = Promise.withResolvers<undefined>()
  const stuck = silent.commits.run(async (transaction) => {
    await transaction.run(insert, 'a')
    begin(undefined)
    await new Promise((resolve) => { setTimeout(resolve, 3_000) })
    await transaction.run(insert, 'b')
  })
  await begun
  await Promise.all([
    assert.rejects(stuck, { code: 'custodian/unavailable' }), other.commits.run((transaction) => transaction.run(insert, 'c')),
  ])
  assert.deepEqual((await other.all('SELECT nonce FROM enrolment_nonces')).map((row) => row['nonce']), ['c'])
  // Its connection was the server's to end; the next is a new one.
  await silent.commits.run((transaction) => transaction.run(insert, 'd'))
})

test('answers fail while the database is away, and come again when it is back', async (t) => {
  const database = await server.database()
  const store = await openPostgresStore(database, systemRandom)
  t.after(() => store.close())
  await server.asAdmin(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'custodian'`)
  await new Promise((resolve) => { setTimeout(resolve, 100) })
  assert.deepEqual(await store.all('SELECT 1 AS one'), [{ one: 1 }])
  await server.asAdmin('ALTER ROLE custodian NOLOGIN')
  await server.asAdmin(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'custodian'`)
  await assert.rejects(store.get('SELECT 1'), { code: 'custodian/unavailable' })
  await assert.rejects(store.commits.run((transaction) => transaction.get('SELECT 1')), { code: 'custodian/unavailable' })
  await assert.rejects(openPostgresStore(database, systemRandom), refused)
  await server.asAdmin('ALTER ROLE custodian LOGIN')
  assert.equal((await store.commits.run((transaction) => transaction.all('SELECT 1 AS one'))).length, 1)
})

/** Whatever else somebody could hold: nothing of it lets him in. */
const strangers: readonly (readonly [string, (mine: CustodianDatabase) => Promise<Partial<CustodianDatabase>>])[] = [
  ['a certificate of another authority', async () => {
    const { key, cert } = await (await TestAuthority.create('Custodian database')).issueWithKey('custodian')
    return { key: new Secret(key), certificate: new Secret(cert) }
  }],
  ['a certificate of the right authority for another role', async () => {
    const { key, cert } = await server.authority.issueWithKey('gateway')
    return { key: new Secret(key), certificate: new Secret(cert) }
  }],
  ['an expired certificate', async () => {
    const { key, cert } = await server.authority.issueWithKey('custodian', { notAfter: new Date(Date.now() - 500) })
    return { key: new Secret(key), certificate: new Secret(cert) }
  }],
  ['the custodian\'s certificate in another role\'s name', async ({ url }) => ({
    url: url.expose((text) => new Secret(text.replace('custodian@', 'gateway@'))),
  })],
]
for (const [name, change] of strangers) {
  test(`the database lets nobody in with ${name}`, async () => {
    const mine = await server.database()
    await assert.rejects(openPostgresStore({ ...mine, ...await change(mine) }, systemRandom), refused)
  })
}

test('the database lets nobody in without a certificate, nor without TLS, nor the application\'s roles', async () => {
  const mine = await server.database()
  const { port, pathname } = new URL(mine.url.expose((text) => text))
  const at = { host: '127.0.0.1', port: Number(port), database: pathname.slice(1) }
  const ca = server.authority.pem
  await server.asAdmin(`CREATE ROLE ngome_gateway LOGIN PASSWORD 'known'`)
  const attempts: readonly pg.ClientConfig[] = [
    { ...at, user: 'custodian', ssl: { ca } }, { ...at, user: 'custodian', ssl: false },
    { ...at, user: 'ngome_gateway', password: 'known', ssl: { ca } }, { ...at, user: 'ngome_gateway', password: 'known', ssl: false },
  ]
  for (const attempt of attempts) {
    const client = new pg.Client(attempt)
    client.on('error', () => undefined)
    await assert.rejects(client.connect(), /certificate|no pg_hba.conf entry/)
  }
})

test('goes to no server of another authority, and to none without TLS', async (t) => {
  const mine = await server.database()
  const other = await TestAuthority.create('Custodian database')
  await assert.rejects(openPostgresStore({ ...mine, authority: new Secret(other.pem) }, systemRandom), refused)
  const plain = await testServer()
  t.after(() => plain.postgres.stop())
  await assert.rejects(openPostgresStore({ ...mine, url: new Secret(`postgresql://custodian@127.0.0.1:${plain.port}/postgres`) }, systemRandom), refused)
})

test('refuses a server that may lose commits, and a store of a later version', async (t) => {
  const later = await server.database()
  await (await openPostgresStore(later, systemRandom)).close()
  await server.asAdmin('UPDATE schema_version SET version = 99', new URL(later.url.expose((text) => text)).pathname.slice(1))
  await assert.rejects(openPostgresStore(later, systemRandom), /later than this program/)
  const careless = await CustodianServer.start({ fsync: 'off' })
  t.after(() => careless.stop())
  await assert.rejects(openPostgresStore(await careless.database(), systemRandom), /fsync/)
})

test('every column of the pair\'s store has its class (R28), and the tables are those of the embedded store', async (t) => {
  const { one } = await twins(t)
  const embedded = await TestCustodian.open()
  t.after(() => embedded.remove())
  const columns = await one.store.all(`SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'`)
  const folder = join(import.meta.dirname, 'store/postgres/migrations')
  const sql = readdirSync(folder).toSorted().map((name) => readFileSync(join(folder, name), 'utf8')).join('\n')
  const names = columns.filter((row) => row['table_name'] !== 'schema_version').map((row) => `${String(row['table_name'])}.${String(row['column_name'])}`)
  for (const name of names) {
    const [table = '', column = ''] = name.split('.')
    const body = sql.slice(sql.lastIndexOf(`CREATE TABLE ${table} (`))
    const added = sql.slice(sql.indexOf(`ALTER TABLE ${table} ADD COLUMN ${column} `))
    const text = `${body.slice(0, body.indexOf('\n);'))}\n${added.slice(0, added.indexOf('\n')).replace(/^.*ADD COLUMN/, '')}`
    assert.match(text, new RegExp(`^\\s*${column} .*-- (?:${dataClasses.join('|')})$`, 'm'), name)
  }
  const theirs = embedded.db.prepare(`
    SELECT t.name AS table_name, c.name AS column_name FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table'
  `).all().map((row) => `${String(row['table_name'])}.${String(row['column_name'])}`)
  assert.deepEqual(names.toSorted(), theirs.toSorted())
})

test('keys have lives in the pair\'s store too, and it refuses what the embedded one refuses', async (t) => {
  const { one, other, clock } = await twins(t)
  const tenant = await one.tenant()
  const rows = await one.store.all('SELECT from_state, to_state FROM key_transitions')
  const moves = rows.map((row) => `${String(row['from_state'])} ${String(row['to_state'])}`)
  assert.deepEqual(new Set(moves), new Set(keyStates.flatMap((from) => keyTransitions[from].map((to) => `${from} ${to}`))))
  const attacks: readonly (readonly [string, RegExp])[] = [
    [`INSERT INTO key_lives (purpose, name, state, created_at_ms, decrypt_only_at_ms) VALUES ('merchant', 'x', 'decrypt-only', 0, 0)`, /begins pending or active/],
    [`UPDATE key_lives SET state = 'destroyed', destroyed_at_ms = 1 WHERE purpose = 'index'`, /does not move so/],
    [`UPDATE key_lives SET name = 'y' WHERE purpose = 'index'`, /does not move so/],
    [`DELETE FROM key_lives WHERE purpose = 'index'`, /stays on record/],
    ['TRUNCATE key_lives CASCADE', /stays on record/],
  ]
  for (const [sql, message] of attacks) {
    await assert.rejects(one.commit((transaction) => transaction.run(sql)), message)
  }
  await one.call(await one.peer('operator'), '/v1/rotate-merchant-keys', { ...tenant, compromised: true })
  clock.advance(86_400_000)
  await Promise.all([advanceKeys(one.custodian), advanceKeys(other.custodian)])
  const { keys } = await other.call(await other.peer('operator'), '/v1/key-inventory', { after: null })
  const ours = keys.filter((key) => key.tenant === `${tenant.merchant}/test`).map(({ state }) => state)
  assert.deepEqual(new Set(ours), new Set(['active', 'pending', 'compromised', 'decrypt-only']))
})

test('a root in files of two custodians is replaced by neither of them', async (t) => {
  const { one } = await twins(t)
  await assert.rejects(one.call(await one.peer('operator'), '/v1/rotate-root-key', {}), { code: 'custodian/refused' })
  assert.equal((await one.store.get('SELECT reason FROM log ORDER BY sequence DESC LIMIT 1'))?.['reason'], 'root_has_no_successor')
})
