import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CustodianRequest } from '@ngome/contracts'
import type { DataKey } from '@ngome/envelope'
import { openRecord } from '@ngome/envelope'
import { ManualClock, parseBase64Url, Secret, toBase64Url, type Tenant } from '@ngome/kernel'
import { newDataKey, sealedRecord, type SealedRecord } from '../testing/sealed-record.ts'
import { TestCustodian, type Peer } from '../testing/test-custodian.ts'
import { approvalText, approvedReveal, newPerson, revealRequest, signedBy, twoPeople, type Person } from '../testing/test-staff.ts'
import { purposeRules, revealRule } from './purposes.ts'

const dayMs = 86_400_000

type World = {
  test: TestCustodian; clock: ManualClock; operator: Peer; tenant: Tenant; dataKey: DataKey; record: SealedRecord
  people: readonly Person[]; request: CustodianRequest<'/v1/reveal'>
}

async function world(t: { after(fn: () => void): void }): Promise<World> {
  const clock = new ManualClock(1_800_000_000_000)
  const test = await TestCustodian.open({ clock })
  t.after(() => test.remove())
  const tenant = await test.tenant()
  const dataKey = await newDataKey(test, await test.gateway(), tenant)
  const record = sealedRecord(clock, dataKey, '+256700000001')
  return {
    test, clock, tenant, dataKey, record, operator: await test.peer('operator'), people: await twoPeople(test),
    request: revealRequest(tenant, dataKey, record),
  }
}

const reveal = (w: World, request: CustodianRequest<'/v1/reveal'>) => w.test.call(w.operator, '/v1/reveal', request)

async function refused(w: World, reason: string, request: CustodianRequest<'/v1/reveal'>): Promise<void> {
  await assert.rejects(reveal(w, request), { code: 'custodian/refused' })
  assert.equal(w.test.lastLog(1)[0]?.['reason'], reason)
}

test('two people\'s approval reveals one payment, however old, with names and reason in the log before the answer', async (t) => {
  const w = await world(t)
  w.clock.advance(400 * dayMs)
  w.operator = await w.test.peer('operator')
  const { key, staff } = await reveal(w, approvedReveal(w.test, w.request, w.people))
  assert.equal(Buffer.from(openRecord(new Secret(parseBase64Url(key) ?? new Uint8Array()), w.record.blob)).toString(), '+256700000001')
  const names = w.people.map(({ id }) => id)
  assert.deepEqual(staff, names)
  const [approval, row] = w.test.lastLog(2)
  assert.equal(approval?.['caller'], names.join(' '))
  assert.match(String(approval?.['subject']), /^\/v1\/reveal sha256=[\w-]{43}: because a test asks for it$/)
  assert.equal(row?.['caller'], `operator/${w.operator.serial}`)
  assert.equal(row?.['subject'], `${w.tenant.merchant}/test/payments/${w.record.context.recordId} ${w.dataKey.id} for ${names.join(' ')}`)
  assert.deepEqual(w.test.alarms.at(-1)?.what, 'revealed')
})

test('reveals nothing that it cannot record', async (t) => {
  const w = await world(t)
  const request = approvedReveal(w.test, w.request, w.people)
  w.test.db.exec(`CREATE TRIGGER full BEFORE INSERT ON log WHEN NEW.operation = '/v1/reveal' BEGIN SELECT RAISE(ABORT, 'disk full'); END`)
  await assert.rejects(reveal(w, request))
  w.test.db.exec('DROP TRIGGER full')
  assert.deepEqual([w.test.count('approvals'), w.test.count('budgets'), w.test.alarms.length], [0, 0, 0])
})

const attacks: readonly (readonly [string, string, (w: World) => CustodianRequest<'/v1/reveal'> | Promise<CustodianRequest<'/v1/reveal'>>])[] = [
  ['without an approval', 'approval_missing', ({ request }) => request],
  ['by one person', 'approval_not_enough', (w) => approvedReveal(w.test, w.request, w.people.slice(0, 1))],
  ['of another payment than was approved', 'approval_of_another_call', (w) => ({
    ...approvedReveal(w.test, w.request, w.people), payment: sealedRecord(w.clock, w.dataKey, 'y').context.recordId,
  })],
  ['of another salt than was approved', 'approval_of_another_call', (w) => ({
    ...approvedReveal(w.test, w.request, w.people), salt: toBase64Url(new Uint8Array(32)),
  })],
  ['with an approval of something else', 'approval_of_another_call', (w) => ({
    ...w.request, approval: signedBy(approvalText(w.clock, { operation: '/v1/retire-staff', parameters: { staff: w.people[0]?.id ?? '' } }), ...w.people),
  })],
  ['of another merchant\'s record', 'tenant_differs', async (w) => (
    approvedReveal(w.test, { ...w.request, ...await w.test.tenant() }, w.people)
  )],
  ['with what is no data key', 'data_key_malformed', (w) => approvedReveal(w.test, { ...w.request, dataKey: 'AAAA' }, w.people)],
  ['with a data key past the bound', 'data_key_malformed', (w) => (
    approvedReveal(w.test, { ...w.request, dataKey: toBase64Url(new Uint8Array(4_097)) }, w.people)
  )],
  ['with a short salt', 'request_invalid', (w) => approvedReveal(w.test, { ...w.request, salt: 'AAAA' }, w.people)],
]
for (const [threat, reason, requestOf] of attacks) {
  test(`refuses a reveal ${threat}, and uses no approval up`, async (t) => {
    const w = await world(t)
    await refused(w, reason, await requestOf(w))
    assert.equal(w.test.count('approvals'), 0)
    assert.equal(w.test.alarms.length, reason.startsWith('approval_') ? 1 : 0)
  })
}

test('an approval reveals once', async (t) => {
  const w = await world(t)
  const request = approvedReveal(w.test, w.request, w.people)
  await reveal(w, request)
  await refused(w, 'approval_used', request)
})

const another = (w: World) => revealRequest(w.tenant, w.dataKey, sealedRecord(w.clock, w.dataKey, 'y'))

test('one record is revealed four times a day, and all of a call is forgotten where a budget is spent', async (t) => {
  const w = await world(t)
  for (let at = 0; at < revealRule.perRecord.timesMax; at++) await reveal(w, approvedReveal(w.test, w.request, w.people))
  await refused(w, 'record_budget_spent', approvedReveal(w.test, w.request, w.people))
  await reveal(w, approvedReveal(w.test, another(w), w.people))
  assert.equal(w.test.count('approvals'), revealRule.perRecord.timesMax + 1)
})

test('one person helps to ten reveals an hour, and all people together to twenty', async (t) => {
  const w = await world(t)
  for (let at = 0; at < revealRule.perPersonHourMax; at++) await reveal(w, approvedReveal(w.test, another(w), w.people))
  await refused(w, 'person_budget_spent', approvedReveal(w.test, another(w), w.people))
  const others = await twoPeople(w.test)
  for (let at = 0; at < revealRule.perPersonHourMax; at++) await reveal(w, approvedReveal(w.test, another(w), others))
  await refused(w, 'purpose_budget_spent', approvedReveal(w.test, another(w), [await newPerson(w.test), await newPerson(w.test)]))
  w.clock.advance(3_600_000)
  w.operator = await w.test.peer('operator')
  await reveal(w, approvedReveal(w.test, another(w), w.people))
})

test('no purpose of `open` is people\'s, and reveal takes two', () => {
  assert.ok(Object.values(purposeRules).every(({ caller }) => caller === 'dispatcher'))
  assert.ok(revealRule.people >= 2)
})
