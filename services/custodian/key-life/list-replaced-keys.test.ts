import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock, newId, systemRandom } from '@ngome/kernel'
import { TestCustodian } from '../testing/test-custodian.ts'
import { insertRotation } from './rotations.ts'

const minuteMs = 60_000

test('a gateway hears whose keys were replaced since it asked last, whatever the reason, and whose were not it does not', async (t) => {
  const clock = new ManualClock(1_800_000_000_000)
  const custodian = await TestCustodian.open({ clock })
  t.after(() => custodian.remove())
  const [first, second, other] = [await custodian.tenant(), await custodian.tenant(), await custodian.tenant()]
  const [gateway, operator] = [await custodian.peer('gateway'), await custodian.peer('operator')]
  const asked = (since: string) => custodian.call(gateway, '/v1/replaced-keys', { since })
  const begin = await asked(new Date(clock.nowMs()).toISOString())
  assert.deepEqual([begin.tenants, begin.isWhole], [[], true])
  clock.advance(5 * minuteMs)
  await custodian.call(operator, '/v1/rotate-merchant-keys', { ...first, compromised: true })
  await custodian.call(operator, '/v1/rotate-merchant-keys', { ...second, compromised: false })
  await custodian.call(operator, '/v1/rotate-merchant-keys', { ...first, compromised: false })
  await custodian.call(operator, '/v1/rotate-root-key', {})
  const told = await asked(begin.until)
  assert.deepEqual(new Set(told.tenants.map(({ merchant }) => merchant)), new Set([first.merchant, second.merchant]))
  assert(!told.tenants.some(({ merchant }) => merchant === other.merchant))
  clock.advance(minuteMs)
  assert.equal((await asked(told.until)).tenants.length, 2, 'told again for a while: whoever was fetching then comes to know')
  clock.advance(2 * minuteMs)
  assert.deepEqual((await asked(new Date(clock.nowMs()).toISOString())).tenants, [])
})

test('where they are too many for one answer it says so', async (t) => {
  const clock = new ManualClock(1_800_000_000_000)
  const custodian = await TestCustodian.open({ clock })
  t.after(() => custodian.remove())
  const from = { clock, random: systemRandom }
  const add = (count: number): Promise<unknown> => custodian.commit(async (transaction) => {
    for (let at = 0; at < count; at++) {
      await insertRotation(transaction, {
        id: newId('rotation', from), level: 'merchant', subject: `${newId('merchant', from)}/test`, cause: 'compromise', total: 9,
        startedAtMs: clock.nowMs(),
      })
    }
  })
  const asked = async () => custodian.call(await custodian.peer('gateway'), '/v1/replaced-keys', { since: new Date(clock.nowMs()).toISOString() })
  await add(1_000)
  const whole = await asked()
  assert.deepEqual([whole.tenants.length, whole.isWhole], [1_000, true])
  await add(1)
  const cut = await asked()
  assert.deepEqual([cut.tenants.length, cut.isWhole], [1_000, false])
  await custodian.commit((transaction) => insertRotation(transaction, {
    id: newId('rotation', from), level: 'merchant', subject: '!nobody', cause: 'demand', total: 9, startedAtMs: clock.nowMs(),
  }))
  assert.equal((await asked()).tenants.length, 999, 'a row that names no tenant is nobody\u2019s')
})
