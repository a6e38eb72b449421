import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SQLInputValue } from 'node:sqlite'
import { test } from 'node:test'
import { ManualClock, type MerchantId } from '@ngome/kernel'
import { seedFrom, SeededRandom } from '@ngome/testkit'
import { compromisedStepMs } from '../authority/work-on-authority.ts'
import { checkLog } from '../log/check-log.ts'
import { newDataKey, openRequest, sealedRecord } from '../testing/sealed-record.ts'
import { ScriptedToken } from '../testing/scripted-token.ts'
import { TestCustodian } from '../testing/test-custodian.ts'
import { destruction } from '../testing/test-destruction.ts'
import { workOnKeys } from './work-on-keys.ts'

const dayMs = 86_400_000
const startMs = 20_833 * dayMs + 1_000
const points = 10
const seed = seedFrom(process.env['NGOME_TEST_SEED'], Math.floor(Math.random() * 2 ** 31))

type Left = { readonly folder: string; keys: ScriptedToken['keys'] }

/** What a killed process leaves: folder and token as they are then, between two statements or two calls of the token. */
function snapshot(test: TestCustodian, token: ScriptedToken, to: Left): void {
  rmSync(to.folder, { recursive: true, force: true })
  cpSync(test.folder, to.folder, { recursive: true })
  to.keys = [...token.keys]
}

function restore(test: TestCustodian, token: ScriptedToken, from: Left): void {
  test.close()
  rmSync(test.folder, { recursive: true })
  cpSync(from.folder, test.folder, { recursive: true })
  token.keys.splice(0, token.keys.length, ...from.keys)
}

/** Both steps of it, with nobody who follows. */
async function untilAuthorityIsReplaced(test: TestCustodian): Promise<void> {
  for (let step = 0; step < 2; step++) {
    if (test.clock instanceof ManualClock) test.clock.advance(compromisedStepMs)
    await workOnKeys(test.custodian)
  }
}

const kinds = {
  'a rotation of the root': async (test: TestCustodian) => {
    await test.call(await test.peer('operator'), '/v1/rotate-root-key', {})
    await workOnKeys(test.custodian)
  },
  'a rotation of a merchant': async (test: TestCustodian, merchant: MerchantId) => {
    await test.call(await test.peer('operator'), '/v1/rotate-merchant-keys', { merchant, world: 'test', compromised: true })
  },
  'a replacement of the certificate authority': async (test: TestCustodian) => {
    for (let times = 0; times < 3; times++) {
      await test.call(await test.peer('operator'), '/v1/rotate-authority', { compromised: true })
      await untilAuthorityIsReplaced(test)
    }
  },
  'a destruction of another merchant': async (test: TestCustodian) => {
    const victim = await test.tenant()
    await test.call(await test.peer('operator'), '/v1/destroy-merchant-keys', await destruction(test, victim))
    test.db.exec('UPDATE destructions SET due_at_ms = 0')
    await workOnKeys(test.custodian)
  },
} as const

const cases = Object.entries(kinds).flatMap(([kind, run]) => [false, true]
  // Merchant keys and the authority are replaced without another root: the token's part in it is that of any wrapping.
  .filter((isToken) => !isToken || !['a rotation of a merchant', 'a replacement of the certificate authority'].includes(kind)).map((isToken) => ({ kind, run, isToken })))
for (const { kind, run, isToken } of cases) {
  test(`${kind}${isToken ? ' in a token' : ''} that ends anywhere is gone on with, and no record is lost (seed ${seed})`, async (t) => {
    const clock = new ManualClock(startMs)
    const token = new ScriptedToken()
    const custodian = await TestCustodian.open({ clock, ...(isToken ? { token } : {}) })
    t.after(() => custodian.remove())
    const copy: Left = { folder: mkdtempSync(join(tmpdir(), 'ngome-killed-')), keys: [] }
    t.after(() => rmSync(copy.folder, { recursive: true, force: true }))
    const [tenant, gateway, dispatcher] = [await custodian.tenant(), await custodian.gateway(), await custodian.peer('dispatcher')]
    const dataKey = await newDataKey(custodian, gateway, tenant)
    const random = new SeededRandom(seed)
    let ended = 0
    let stepsOfAll = Infinity
    // The first goes to its end, and says how many steps there are for the others to end at.
    for (let point = 0; point <= points; point++) {
      const after = point === 0 ? Infinity : random.between(1, stepsOfAll)
      let steps = 0
      const step = (): void => {
        if (++steps === after) snapshot(custodian, token, copy)
      }
      await custodian.reopen()
      const prepare = custodian.db.prepare.bind(custodian.db)
      // Each statement passes here: after so many the folder is what a process that is killed now leaves behind.
      const counted: typeof prepare = (sql) => {
        const statement = prepare(sql)
        const real = statement.run.bind(statement)
        statement.run = ((...values: SQLInputValue[]) => {
          const result = real(...values)
          step()
          return result
        }) as typeof statement.run
        return statement
      }
      Object.defineProperty(custodian.db, 'prepare', { value: counted, configurable: true })
      snapshot(custodian, token, copy)
      token.onCall = step
      await run(custodian, tenant.merchant)
      token.onCall = () => undefined
      if (point === 0) stepsOfAll = steps
      if (steps >= after) ended++
      restore(custodian, token, copy)
      await custodian.reopen()
      await workOnKeys(custodian.custodian)
      await untilAuthorityIsReplaced(custodian)
      assert.equal((await checkLog(custodian.store)).ok, true)
      assert.equal(custodian.count(`rotations WHERE state = 'running'`), 0)
      assert.equal(custodian.count(`destructions WHERE state = 'deleted'`), 0)
      assert.equal(token.keys.length, isToken ? 1 : 0)
      assert.equal(custodian.count(`key_lives WHERE purpose = 'authority' AND state <> 'destroyed'`), 1)
      const record = sealedRecord(clock, dataKey, 'x')
      assert.equal((await custodian.call(dispatcher, '/v1/open', openRequest(dataKey.sealed, [record]))).keys.length, 1)
    }
    assert.ok(ended > points / 2, `only ${ended} of ${points} runs ended early, of ${stepsOfAll} steps`)
  })
}
