import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { systemRandom } from '@ngome/kernel'
import { CustodianServer } from '../testing/custodian-server.ts'
import { openPostgresStore } from './postgres/open-postgres-store.ts'
import { openSqliteStore } from './sqlite/open-sqlite-store.ts'
import type { Store, Transaction } from './store.ts'

const unavailable = { code: 'custodian/unavailable' }

/** What every adapter keeps to; the rows are those of a table that has no rules of its own. */
const insert = async (transaction: Transaction, nonce: string, at = 0) =>
  transaction.run('INSERT INTO enrolment_nonces (nonce, used_at_ms) VALUES (?, ?)', nonce, at)
const nonces = async (store: Store) =>
  (await store.all('SELECT nonce FROM enrolment_nonces ORDER BY nonce')).map((row) => row['nonce'])

function sqlite(): Promise<Store> {
  const folder = mkdtempSync(join(tmpdir(), 'ngome-store-'))
  after(() => rmSync(folder, { recursive: true }))
  return Promise.resolve(openSqliteStore(folder, systemRandom))
}

let server: CustodianServer
before(async () => {
  server = await CustodianServer.start()
})
after(() => server.stop())

const postgres = async (): Promise<Store> => openPostgresStore(await server.database(), systemRandom)

const adapters: readonly (readonly [string, () => Promise<Store>])[] = [['SQLite', sqlite], ['PostgreSQL', postgres]]

for (const [name, open] of adapters) {
  describe(`the store on ${name}`, () => {
    test('gives back what it was given: text, numbers, bytes, nothing', async () => {
      const store = await open()
      const bytes = Uint8Array.of(0, 255, 7)
      await store.commits.run((transaction) => transaction.run(
        'INSERT INTO signers (id, public_key, created_at_ms, until_ms, tag) VALUES (?, ?, ?, ?, ?)',
        'sig_1', 'Zoë?', 1_800_000_000_000, Number.MAX_SAFE_INTEGER, bytes,
      ))
      const row = await store.get('SELECT * FROM signers WHERE id = ?', 'sig_1')
      assert.deepEqual({ ...row, tag: Uint8Array.from(row?.['tag'] as Uint8Array) }, {
        id: 'sig_1', public_key: 'Zoë?', created_at_ms: 1_800_000_000_000, until_ms: Number.MAX_SAFE_INTEGER,
        revoked_at_ms: null, trusted_before_ms: null, tag: bytes,
      })
      assert.equal(await store.get('SELECT * FROM signers WHERE id = ?', 'sig_2'), undefined)
      assert.equal((await store.get('SELECT count(*) AS count FROM signers'))?.['count'], 1)
      await store.close()
    })

    test('says how many rows a statement changed', async () => {
      const store = await open()
      const changes = await store.commits.run(async (transaction) => {
        await insert(transaction, 'a')
        await insert(transaction, 'b')
        const again = 'INSERT INTO enrolment_nonces (nonce, used_at_ms) VALUES (?, ?) ON CONFLICT DO NOTHING'
        return [await transaction.run(again, 'a', 1), await transaction.run('UPDATE enrolment_nonces SET used_at_ms = 5')]
      })
      assert.deepEqual(changes, [0, 2])
      await store.close()
    })

    test('works that arrive together run one after the other; one that throws loses its own rows only', async () => {
      const store = await open()
      const order: string[] = []
      const work = (nonce: string, fails = false) => store.commits.run(async (transaction) => {
        order.push(`${nonce} begins`)
        await insert(transaction, nonce)
        await transaction.get('SELECT 1')
        order.push(`${nonce} ends`)
        if (fails) throw new Error('no')
        return nonce
      })
      const results = await Promise.allSettled([work('a'), work('b', true), work('c')])
      assert.deepEqual(results.map((one) => (one.status === 'fulfilled' ? one.value : String(one.reason))), ['a', 'Error: no', 'c'])
      assert.deepEqual(order, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
      assert.deepEqual(await nonces(store), ['a', 'c'])
      await store.close()
    })

    test('a work whose statement is refused loses its own rows only, and may go on after it', async () => {
      const store = await open()
      const doubles = async (transaction: Transaction) => {
        await insert(transaction, 'b')
        await insert(transaction, 'b')
      }
      const results = await Promise.allSettled([
        store.commits.run((transaction) => insert(transaction, 'a')), store.commits.run(doubles),
        store.commits.run((transaction) => insert(transaction, 'c')),
      ])
      assert.deepEqual(results.map(({ status }) => status), ['fulfilled', 'rejected', 'fulfilled'])
      assert.deepEqual(await nonces(store), ['a', 'c'])
      await store.close()
    })

    test('nobody sees rows before they are committed, but the work itself', async () => {
      const store = await open()
      const seen: unknown[] = []
      const { promise: begun, resolve: begin } = Promise.withResolvers<undefined>()
      const work = store.commits.run(async (transaction) => {
        await insert(transaction, 'a')
        begin(undefined)
        for (let at = 0; at < 20; at++) await transaction.get('SELECT 1')
        seen.push(await transaction.get('SELECT nonce FROM enrolment_nonces'))
        throw new Error('undone')
      })
      await begun
      const [outside] = await Promise.all([nonces(store), assert.rejects(work, /undone/)])
      assert.deepEqual(outside, [])
      assert.deepEqual(seen.map((row) => ({ ...row as object })), [{ nonce: 'a' }])
      await store.close()
    })

    test('a statement after the end of its work is refused', async () => {
      const store = await open()
      const kept = await store.commits.run(async (transaction) => Promise.resolve({ transaction }))
      for (const statement of ['get', 'all', 'run'] as const) {
        assert.throws(() => kept.transaction[statement]('SELECT 1'), /a work that has ended/)
      }
      await store.close()
    })

    test('splits many works over several commits, and refuses more than it can hold', async () => {
      const store = await open()
      const all = Array.from({ length: 4_097 }, (_, at) => store.commits.run((transaction) => insert(transaction, String(at))))
      const results = await Promise.allSettled(all)
      assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 4_096)
      assert.equal(results.at(-1)?.status, 'rejected')
      assert.equal((await nonces(store)).length, 4_096)
      await store.close()
    })

    test('the log only grows', async () => {
      const store = await open()
      const row = [1, 0, '', '', 'allowed', '', '', Uint8Array.of(0)]
      await store.commits.run((transaction) => transaction.run('INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?, ?)', ...row))
      for (const sql of ['DELETE FROM log', `UPDATE log SET reason = 'x'`]) {
        await assert.rejects(store.commits.run((transaction) => transaction.run(sql)), /only grows/)
      }
      await store.close()
    })

    test('answers a fault when it is closed, and may be closed twice', async () => {
      const store = await open()
      await store.close()
      await store.close()
      await assert.rejects(store.commits.run((transaction) => transaction.get('SELECT 1')), unavailable)
      await assert.rejects(store.get('SELECT 1'), unavailable)
      await assert.rejects(store.all('SELECT 1'), unavailable)
    })
  })
}
