import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, existsSync, readFileSync, watch } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { DataKey } from '@ngome/envelope'
import { systemClock, systemRandom } from '@ngome/kernel'
import type { CustodianClient } from '@ngome/runtime'
import { seedFrom, SeededRandom } from '@ngome/testkit'
import { checkLog } from './log/check-log.ts'
import { openSqliteStore } from './store/sqlite/open-sqlite-store.ts'
import { CustodianProcess } from './testing/custodian-process.ts'
import { openRequest, sealedRecord } from './testing/sealed-record.ts'

const seed = seedFrom(process.env['NGOME_TEST_SEED'], Math.floor(Math.random() * 2 ** 31))

test('starts with the launcher\'s flags, warns of its root key, and ends in order', async (t) => {
  const custodian = await CustodianProcess.create(t)
  await custodian.ready()
  assert.match(custodian.output, /"level":"warn".*software-unprotected/)
  assert.equal(await custodian.kill('SIGTERM'), 0)
  assert.match(custodian.output, /shut down/)
  const root = readFileSync(join(custodian.folder, 'root.key'))
  await custodian.ready()
  assert.deepEqual(readFileSync(join(custodian.folder, 'root.key')), root)
  assert.doesNotMatch(custodian.output, new RegExp(root.toString('hex')))
})

test('ends when the launcher goes', async (t) => {
  const custodian = await CustodianProcess.create(t)
  await custodian.ready()
  const { child } = custodian
  assert.ok(child)
  child.disconnect()
  assert.deepEqual(await once(child, 'exit'), [0, null])
})

test('does not start where the root key is open to others, and says which file', async (t) => {
  const custodian = await CustodianProcess.create(t)
  await custodian.ready()
  await custodian.kill()
  chmodSync(join(custodian.folder, 'root.key'), 0o644)
  const child = custodian.start()
  assert.deepEqual(await once(child, 'exit'), [1, null])
  assert.match(custodian.output, /root\.key must be a plain file of this user with mode 0600, not 644/)
})

test(`a first run that is killed anywhere is simply made again (seed ${seed})`, async (t) => {
  const random = new SeededRandom(seed)
  for (let round = 0; round < 3; round++) {
    const custodian = await CustodianProcess.create(t)
    for (let kill = 0; kill < 2; kill++) await killAmongChanges(custodian, random.between(1, 24), random.between(0, 3))
    const rootKey = join(custodian.folder, 'root.key')
    const before = existsSync(rootKey) ? readFileSync(rootKey) : undefined
    await custodian.ready()
    if (before !== undefined) assert.deepEqual(readFileSync(rootKey), before)
    const { client } = await custodian.client('operator')
    await client.call('/v1/openings', { after: 0 })
    client.close()
    await custodian.kill()
  }
})

/** Kills the process after so many changes in its folder, and a moment: wherever the first run is by then. */
async function killAmongChanges(custodian: CustodianProcess, changes: number, thenMs: number): Promise<void> {
  const { promise, resolve: reached } = Promise.withResolvers<void>()
  let seen = 0
  const watcher = watch(custodian.folder, () => {
    if (++seen === changes) setTimeout(reached, thenMs)
  })
  const child = custodian.start()
  child.once('message', () => reached())
  child.once('exit', () => reached())
  await promise
  watcher.close()
  await custodian.kill()
}

test(`no opening that was answered is missing from the log, wherever the process is killed (seed ${seed})`, async (t) => {
  const random = new SeededRandom(seed ^ 0x5eed)
  const custodian = await CustodianProcess.create(t)
  await custodian.ready()
  const { client: dispatcher, dataKeys: [dataKey] } = await custodian.dispatcherWithDataKeys(1)
  assert.ok(dataKey)
  t.after(() => dispatcher.close())
  const answered = new Map<string, number>()
  for (let round = 0; round < 4; round++) {
    const limit = random.between(1, 60)
    await openUntilKilled(custodian, dispatcher, dataKey, answered, limit)
    await assertAllLogged(custodian.folder, answered)
    await custodian.ready()
  }
  assert.ok(answered.size > 0)
  const record = sealedRecord(systemClock, dataKey, 'after')
  assert.equal((await dispatcher.call('/v1/open', openRequest(dataKey.sealed, [record]))).keys.length, 1)
})

/** Eight callers open records until so many were answered; then the process is killed amid the rest. */
async function openUntilKilled(
  custodian: CustodianProcess, dispatcher: CustodianClient, dataKey: DataKey, answered: Map<string, number>, limit: number,
): Promise<void> {
  let count = 0
  let isKilled = false
  const caller = async () => {
    while (!isKilled) {
      const record = sealedRecord(systemClock, dataKey, 'x')
      try {
        await dispatcher.call('/v1/open', openRequest(dataKey.sealed, [record]), { timeoutMs: 10_000 })
      } catch (error) {
        if (!isKilled) throw error
        return
      }
      answered.set(record.context.recordId, (answered.get(record.context.recordId) ?? 0) + 1)
      if (++count === limit) {
        isKilled = true
        await custodian.kill()
      }
    }
  }
  await Promise.all(Array.from({ length: 8 }, caller))
}

async function assertAllLogged(folder: string, answered: ReadonlyMap<string, number>): Promise<void> {
  const store = openSqliteStore(folder, systemRandom)
  try {
    assert.equal((await checkLog(store)).ok, true)
    const rows = store.db.prepare(`SELECT subject FROM log WHERE operation = '/v1/open' AND outcome = 'allowed'`).all()
    const logged = rows.map((row) => String(row['subject']))
    for (const record of answered.keys()) assert.ok(logged.some((subject) => subject.includes(record)), record)
    const used = store.db.prepare(`SELECT sum(used) AS used FROM budgets WHERE subject <> '*'`).get()?.['used']
    assert.equal(Number(used), logged.length)
  } finally {
    await store.close()
  }
}
