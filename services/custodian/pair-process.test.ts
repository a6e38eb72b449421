import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Fault, systemClock, systemRandom } from '@ngome/kernel'
import { seedFrom, SeededRandom } from '@ngome/testkit'
import { checkLog } from './log/check-log.ts'
import { openPostgresStore } from './store/postgres/open-postgres-store.ts'
import { CustodianProcess } from './testing/custodian-process.ts'
import { CustodianServer } from './testing/custodian-server.ts'
import { openRequest, sealedRecord } from './testing/sealed-record.ts'
import type { Pair } from './testing/test-custodian.ts'

const seed = seedFrom(process.env['NGOME_TEST_SEED'], Math.floor(Math.random() * 2 ** 31))
let server: CustodianServer

before(async () => {
  server = await CustodianServer.start()
})
after(() => server.stop())

/** Opens records, each once, until told to stop; a record whose call was not answered counts as not answered. */
async function openUntil(isOver: () => boolean, open: () => Promise<string>, answered: string[]): Promise<void> {
  while (!isOver()) {
    try {
      answered.push(await open())
    } catch (error) {
      assert.ok(error instanceof Fault && error.code === 'custodian/unavailable', String(error))
      await sleep(5)
    }
  }
}

test(`either of a pair may be killed, also one after the other, and openings go on; none that was answered is missing from the log (seed ${seed})`, { timeout: 120_000 }, async (t) => {
  const pair: Pair = { database: await server.database(), rootKey: systemRandom.bytes(32), enrolmentKey: systemRandom.bytes(32) }
  const [one, other] = [await CustodianProcess.create(t, pair), await CustodianProcess.create(t, pair)]
  one.twin = other
  await Promise.all([one.ready(), other.ready()])
  const { client: dispatcher, dataKeys: [dataKey] } = await one.dispatcherWithDataKeys(1)
  assert.ok(dataKey)
  t.after(() => dispatcher.close())
  const answered: string[] = []
  const state = { isOver: false }
  const open = async () => {
    const record = sealedRecord(systemClock, dataKey, 'x')
    await dispatcher.call('/v1/open', openRequest(dataKey.sealed, [record]), { timeoutMs: 10_000 })
    return record.context.recordId
  }
  const callers = Promise.all(Array.from({ length: 4 }, () => openUntil(() => state.isOver, open, answered)))
  const random = new SeededRandom(seed)
  for (const victim of [one, other, one]) {
    await sleep(random.between(50, 500))
    await victim.kill()
    // The other one serves, whatever the dead one had locked, before that one is back; the first that ends may have been under way.
    const enough = answered.length + 10
    for (let look = 0; answered.length < enough; look++) {
      assert.ok(look < 600, `nothing was opened after a kill: ${one.output} ${other.output}`)
      await sleep(50)
    }
    await victim.ready()
  }
  // A token that met one custodian away is good with its twin.
  await one.kill()
  const late = await one.client('operator')
  await late.client.call('/v1/openings', { after: 0 })
  late.client.close()
  state.isOver = true
  await callers
  await other.kill()
  await one.ready()
  assert.equal(typeof await open(), 'string')
  const store = await openPostgresStore(pair.database, systemRandom)
  t.after(() => store.close())
  assert.equal((await checkLog(store)).ok, true)
  const rows = await store.all(`SELECT subject FROM log WHERE operation = '/v1/open' AND outcome = 'allowed'`)
  const subjects = rows.map((row) => String(row['subject'])).join('\n')
  for (const record of answered) assert.ok(subjects.includes(record), record)
  // No call was done twice: each record was sealed for one call.
  assert.equal(new Set(rows.map((row) => row['subject'])).size, rows.length)
})
