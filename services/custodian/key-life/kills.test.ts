import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SQLInputValue } from 'node:sqlite'
import { test } from 'node:test'
import { ManualClock, type MerchantId } from '@ngome/kernel'
import { seedFrom, SeededRandom } from '@ngome/testkit'
import { checkLog } from '../log/check-log.ts'
import { newDataKey, openRequest, sealedRecord } from '../testing/sealed-record.ts'
import { TestCustodian } from '../testing/test-custodian.ts'
import { destruction } from '../testing/test-destruction.ts'
import { workOnKeys } from './work-on-keys.ts'

const dayMs = 86_400_000
const startMs = 20_833 * dayMs + 1_000
const points = 10
const seed = seedFrom(process.env['NGOME_TEST_SEED'], Math.floor(Math.random() * 2 ** 31))

/** What a killed process leaves: the folder as it is at that moment, between two statements of any transaction. */
function snapshot(test: TestCustodian, to: string): void {
  rmSync(to, { recursive: true, force: true })
  cpSync(test.folder, to, { recursive: true })
}

function restore(test: TestCustodian, from: string): void {
  test.close()
  rmSync(test.folder, { recursive: true })
  cpSync(from, test.folder, { recursive: true })
}

const kinds = {
  'a rotation of the root': async (test: TestCustodian) => {
    await test.call(await test.peer('operator'), '/v1/rotate-root-key', {})
    await workOnKeys(test.custodian)
  },
  'a rotation of a merchant': async (test: TestCustodian, merchant: MerchantId) => {
    await test.call(await test.peer('operator'), '/v1/rotate-merchant-keys', { merchant, world: 'test', compromised: true })
  },
  'a destruction of another merchant': async (test: TestCustodian) => {
    const victim = await test.tenant()
    await test.call(await test.peer('operator'), '/v1/destroy-merchant-keys', await destruction(test, victim))
    test.db.exec('UPDATE destructions SET due_at_ms = 0')
    await workOnKeys(test.custodian)
  },
} as const

for (const [kind, run] of Object.entries(kinds)) {
  test(`${kind} that ends anywhere is gone on with, and no record is lost (seed ${seed})`, async (t) => {
    const clock = new ManualClock(startMs)
    const custodian = await TestCustodian.open({ clock })
    t.after(() => custodian.remove())
    const copy = mkdtempSync(join(tmpdir(), 'ngome-killed-'))
    t.after(() => rmSync(copy, { recursive: true, force: true }))
    const [tenant, gateway, dispatcher] = [await custodian.tenant(), await custodian.gateway(), await custodian.peer('dispatcher')]
    const dataKey = await newDataKey(custodian, gateway, tenant)
    const random = new SeededRandom(seed)
    let ended = 0
    for (let point = 0; point < points; point++) {
      const after = random.between(1, 50)
      let statements = 0
      await custodian.reopen()
      const prepare = custodian.db.prepare.bind(custodian.db)
      // Each statement passes here: after so many the folder is what a process that is killed now leaves behind.
      const counted: typeof prepare = (sql) => {
        const statement = prepare(sql)
        const real = statement.run.bind(statement)
        statement.run = ((...values: SQLInputValue[]) => {
          const result = real(...values)
          if (++statements === after) snapshot(custodian, copy)
          return result
        }) as typeof statement.run
        return statement
      }
      Object.defineProperty(custodian.db, 'prepare', { value: counted, configurable: true })
      snapshot(custodian, copy)
      await run(custodian, tenant.merchant)
      if (statements >= after) ended++
      restore(custodian, copy)
      await custodian.reopen()
      await workOnKeys(custodian.custodian)
      assert.equal((await checkLog(custodian.store)).ok, true)
      assert.equal(custodian.count(`rotations WHERE state = 'running'`), 0)
      assert.equal(custodian.count(`destructions WHERE state = 'deleted'`), 0)
      const record = sealedRecord(clock, dataKey, 'x')
      assert.equal((await custodian.call(dispatcher, '/v1/open', openRequest(dataKey.sealed, [record]))).keys.length, 1)
    }
    assert.ok(ended > points / 2, `only ${ended} of ${points} runs ended early`)
  })
}
