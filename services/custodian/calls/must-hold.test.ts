import assert from 'node:assert/strict'
import { test } from 'node:test'
import { custodianEventOf, eventTypes } from '@ngome/contracts'
import { ManualClock, type Tenant } from '@ngome/kernel'
import { newCertificateRequest } from '@ngome/runtime'
import { purposeRules } from '../openings/purposes.ts'
import { newDataKey, openRequest, sealedRecord } from '../testing/sealed-record.ts'
import { destruction } from '../testing/test-destruction.ts'
import { TestCustodian, type Gateway, type Peer } from '../testing/test-custodian.ts'
import type { Caller } from './caller.ts'

type World = {
  readonly test: TestCustodian; readonly clock: ManualClock; readonly tenant: Tenant; readonly other: Tenant
  readonly gateway: Gateway; readonly dispatcher: Peer; readonly operator: Peer
}
type Attack = {
  readonly claim: string
  /** As the log names it. */
  readonly reason: string
  readonly role?: Caller['role']
  /** Whether callers are told that it is about enrolment, and not about a call. */
  readonly isEnrolment?: true
  /** Does what is allowed, and returns what must not be. */
  readonly attempt: (world: World) => Promise<() => Promise<unknown>>
}

async function world(t: { after(fn: () => void): void }): Promise<World> {
  const clock = new ManualClock(1_800_000_000_000)
  const test = await TestCustodian.open({ clock })
  t.after(() => test.remove())
  return {
    test, clock, tenant: await test.tenant(), other: await test.tenant(), gateway: await test.gateway(),
    dispatcher: await test.peer('dispatcher'), operator: await test.peer('operator'),
  }
}

/** A payment's record that opens, and its call. */
async function opening({ test, clock, gateway, tenant }: World) {
  const dataKey = await newDataKey(test, gateway, tenant)
  const record = sealedRecord(clock, dataKey, 'x')
  return { dataKey, record, request: openRequest(dataKey.sealed, [record]) }
}

const attacks: readonly Attack[] = [
  {
    claim: 'a caller over its budget for one record', reason: 'record_budget_spent',
    attempt: async (w) => {
      const { request } = await opening(w)
      for (let at = 0; at < purposeRules.dispatch.perRecord.timesMax; at++) await w.test.call(w.dispatcher, '/v1/open', request)
      return () => w.test.call(w.dispatcher, '/v1/open', request)
    },
  },
  {
    claim: 'a caller over its budget for an hour', reason: 'purpose_budget_spent',
    attempt: async (w) => {
      const { request } = await opening(w)
      await w.test.call(w.dispatcher, '/v1/open', request)
      w.test.db.prepare(`UPDATE budgets SET used = ? WHERE purpose = 'dispatch' AND subject = '*'`).run(purposeRules.dispatch.perHourMax)
      return () => w.test.call(w.dispatcher, '/v1/open', request)
    },
  },
  {
    claim: 'a purpose that is not the record\'s', reason: 'table_not_permitted',
    attempt: async (w) => {
      const { request } = await opening(w)
      return () => w.test.call(w.dispatcher, '/v1/open', { ...request, purpose: 'webhook-secret' })
    },
  },
  {
    claim: 'a purpose that is not the caller\'s', reason: 'caller_not_permitted', role: 'gateway',
    attempt: async (w) => {
      const { request } = await opening(w)
      return () => w.test.call(w.gateway.peer, '/v1/open', request)
    },
  },
  {
    claim: 'another merchant\'s record', reason: 'tenant_differs',
    attempt: async (w) => {
      const { dataKey, record } = await opening(w)
      const theirs = { ...record, context: { ...record.context, tenant: w.other } }
      return () => w.test.call(w.dispatcher, '/v1/open', openRequest(dataKey.sealed, [theirs]))
    },
  },
  {
    claim: 'a certificate that has ended', reason: 'certificate_expired',
    attempt: async (w) => {
      const { request } = await opening(w)
      w.test.db.prepare('UPDATE certificates SET not_after_ms = ? WHERE serial = ?').run(w.clock.nowMs(), w.dispatcher.serial)
      return () => w.test.call(w.dispatcher, '/v1/open', request)
    },
  },
  {
    claim: 'an enrolment that is replayed', reason: 'token_used', role: 'anonymous', isEnrolment: true,
    attempt: async ({ test }) => {
      const token = test.token()
      const enrol = async () => test.call(null, '/v1/enrol', { token, csr: (await newCertificateRequest('dispatcher')).csr, signer: null })
      await enrol()
      return enrol
    },
  },
  {
    claim: 'an approved call that is replayed', reason: 'approval_used', role: 'operator',
    attempt: async ({ test, operator, tenant }) => {
      const request = await destruction(test, tenant)
      await test.call(operator, '/v1/destroy-merchant-keys', request)
      return () => test.call(operator, '/v1/destroy-merchant-keys', request)
    },
  },
  {
    claim: 'a data key that no gateway signed', reason: 'signer_unknown',
    attempt: async (w) => {
      const forger: Gateway = { ...w.gateway, signerId: (await strangers(w)).signerId }
      const dataKey = await newDataKey(w.test, forger, w.tenant)
      return () => w.test.call(w.dispatcher, '/v1/open', openRequest(dataKey.sealed, [sealedRecord(w.clock, dataKey, 'x')]))
    },
  },
  {
    claim: 'a data key under an enrolled gateway\'s name with another\'s signature', reason: 'data_key_unopenable',
    attempt: async (w) => {
      const forger: Gateway = { ...w.gateway, privateKey: (await strangers(w)).privateKey }
      const dataKey = await newDataKey(w.test, forger, w.tenant)
      return () => w.test.call(w.dispatcher, '/v1/open', openRequest(dataKey.sealed, [sealedRecord(w.clock, dataKey, 'x')]))
    },
  },
  {
    claim: 'a merchant\'s statement that was swapped for another\'s in the database', reason: 'key_unusable', role: 'gateway',
    attempt: async (w) => {
      const publish = () => w.test.call(w.gateway.peer, '/v1/merchant-keys', { tenants: [w.tenant] })
      await publish()
      await w.test.call(w.gateway.peer, '/v1/merchant-keys', { tenants: [w.other] })
      w.test.db.prepare(`UPDATE merchant_keys SET statement = (SELECT s.statement FROM merchant_keys s WHERE s.merchant = ?
        AND s.retention = merchant_keys.retention AND s.period = merchant_keys.period) WHERE merchant = ?`)
        .run(w.other.merchant, w.tenant.merchant)
      return publish
    },
  },
  {
    claim: 'a record of a merchant whose statement was swapped in the database', reason: 'key_unusable',
    attempt: async (w) => {
      const { request } = await opening(w)
      await w.test.call(w.gateway.peer, '/v1/merchant-keys', { tenants: [w.other] })
      w.test.db.prepare('UPDATE merchant_keys SET statement = (SELECT statement FROM merchant_keys WHERE merchant = ? LIMIT 1) WHERE merchant = ?')
        .run(w.other.merchant, w.tenant.merchant)
      return () => w.test.call(w.dispatcher, '/v1/open', request)
    },
  },
]

/** A gateway that this custodian does not know: enrolled at another. */
async function strangers({ clock }: World): Promise<Gateway> {
  const elsewhere = await TestCustodian.open({ clock })
  try {
    return await elsewhere.gateway()
  } finally {
    elsewhere.remove()
  }
}

for (const { claim, reason, role = 'dispatcher', isEnrolment, attempt } of attacks) {
  test(`${claim}: refused, recorded, alarmed`, async (t) => {
    const w = await world(t)
    const act = await attempt(w)
    const before = w.test.count('log')
    await assert.rejects(act(), { code: isEnrolment === true ? 'custodian/enrolment_refused' : 'custodian/refused' })
    const [row] = w.test.lastLog(1)
    assert.deepEqual([row?.['outcome'], row?.['reason'], w.test.count('log')], ['refused', reason, before + 1])
    assert.match(String(row?.['caller']), new RegExp(`^${role}`))
    // By another dispatcher, since the first one may be the attacker: this is what `ngome events` is told.
    const { entries } = await w.test.call(await w.test.peer('dispatcher'), '/v1/alarms', { after: before })
    const alarm = entries.find(({ sequence }) => sequence === before + 1)
    assert.equal(alarm?.reason, reason)
    const event = alarm && custodianEventOf(alarm)
    assert.equal(event && eventTypes[event].severity, 'alarm')
  })
}

test('an attack that is none is no alarm: what these rows hold can fail', async (t) => {
  const w = await world(t)
  const before = w.test.count('log')
  await w.test.call(w.dispatcher, '/v1/open', (await opening(w)).request)
  const refused = w.test.lastLog(w.test.count('log') - before).filter(({ outcome }) => outcome === 'refused')
  assert.deepEqual(refused, [])
  const { entries } = await w.test.call(w.dispatcher, '/v1/alarms', { after: before })
  assert.deepEqual(entries.filter((entry) => custodianEventOf(entry) === 'custodian.refused'), [])
})
