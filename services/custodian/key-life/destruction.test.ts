import assert from 'node:assert/strict'
import { verify } from 'node:crypto'
import { cpSync, existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  destructionCertificateBytes, destructionCertificateSchema, signedDestructionCertificateSchema,
} from '@ngome/contracts'
import { parseSealedDataKey, type DataKey } from '@ngome/envelope'
import { ManualClock, newId, parseBase64Url, systemRandom, toBase64Url, type Tenant } from '@ngome/kernel'
import { checkLog } from '../log/check-log.ts'
import { frontierAt } from '../log/log-nodes.ts'
import { newDataKey, openRequest, sealedRecord } from '../testing/sealed-record.ts'
import { TestCustodian, type Gateway, type Peer } from '../testing/test-custodian.ts'
import { destruction } from '../testing/test-destruction.ts'
import { approvalText, newPerson, signedBy } from '../testing/test-staff.ts'
import { certifyDestruction } from './certify-destruction.ts'
import { findDestructions } from './destructions.ts'
import { workOnKeys } from './work-on-keys.ts'

const dayMs = 86_400_000
const startMs = 20_833 * dayMs + 1_000
const refused = { code: 'custodian/refused' }

type World = { test: TestCustodian; clock: ManualClock; tenant: Tenant; other: Tenant; gateway: Gateway; operator: Peer }

async function world(t: { after(fn: () => void): void }): Promise<World> {
  const clock = new ManualClock(startMs)
  const custodian = await TestCustodian.open({ clock })
  t.after(() => custodian.remove())
  return {
    test: custodian, clock, tenant: await custodian.tenant(), other: await custodian.tenant(),
    gateway: await custodian.gateway(), operator: await custodian.peer('operator'),
  }
}

async function opened({ test, clock }: World, dataKey: DataKey): Promise<number> {
  const dispatcher = await test.peer('dispatcher')
  const { keys } = await test.call(dispatcher, '/v1/open', openRequest(dataKey.sealed, [sealedRecord(clock, dataKey, 'x')]))
  return keys.length
}

const order = async ({ test, tenant }: World, key: Parameters<typeof destruction>[2] = null) =>
  test.call(await test.peer('operator'), '/v1/destroy-merchant-keys', await destruction(test, tenant, key))
const list = async ({ test }: World) => (await test.call(await test.peer('operator'), '/v1/destructions', {})).destructions
const lastReason = ({ test }: World) => test.lastLog(1)[0]?.['reason']

test('all keys of one merchant go after the wait, with a certificate; the other\'s records are untouched', async (t) => {
  const w = await world(t)
  const [ours, theirs] = [await newDataKey(w.test, w.gateway, w.tenant), await newDataKey(w.test, w.gateway, w.other)]
  const { destruction: id, dueAt } = await order(w)
  assert.equal(dueAt, new Date(startMs + 7 * dayMs).toISOString())
  w.clock.advance(7 * dayMs - 1)
  await workOnKeys(w.test.custodian)
  assert.equal((await list(w))[0]?.state, 'waiting')
  w.clock.advance(startMs + 2_000 - w.clock.nowMs())
  assert.equal(await opened(w, ours), 1)
  w.clock.advance(startMs + 7 * dayMs - w.clock.nowMs())
  await workOnKeys(w.test.custodian)
  w.clock.advance(startMs + 3_000 - w.clock.nowMs())
  await assert.rejects(opened(w, ours), refused)
  assert.equal(lastReason(w), 'merchant_key_destroyed')
  assert.equal(await opened(w, theirs), 1)
  assert.equal(w.test.count(`wrapped_keys WHERE name IN (SELECT id FROM merchant_keys WHERE merchant = '${w.tenant.merchant}')`), 0)
  assert.equal(w.test.count(`wrapped_keys WHERE purpose = 'index' AND name LIKE '${w.tenant.merchant}%'`), 0)
  await assertCertificate(w, id)
})

async function assertCertificate(w: World, id: string): Promise<void> {
  const [done] = await list(w)
  assert.deepEqual([done?.id, done?.state], [id, 'done'])
  const { certificate, signature } = signedDestructionCertificateSchema.parse(JSON.parse(done?.certificate ?? ''))
  const { publicKey } = w.test.custodian.statementKey
  assert.ok(verify(null, destructionCertificateBytes(certificate), publicKey, parseBase64Url(signature) ?? new Uint8Array()))
  assert.equal(verify(null, Buffer.from(certificate), publicKey, parseBase64Url(signature) ?? new Uint8Array()), false)
  const said = destructionCertificateSchema.parse(JSON.parse(certificate))
  assert.deepEqual([said.merchant, said.scope, said.approved_by.length, said.root_is_protected], [w.tenant.merchant, 'all-keys', 2, false])
  assert.deepEqual([said.root_kind, said.proven.length, said.not_proven.length], ['file', 3, 2])
  assert.match(said.meaning, /copy of that file taken earlier, in a backup.* still opens/)
  assert.ok(said.keys.includes(`index/${w.tenant.merchant}/test`))
  assert.notEqual(said.root, said.former_root)
  const row = w.test.db.prepare('SELECT operation FROM log WHERE sequence = ?').get(said.log.sequence)
  const head = (await frontierAt(w.test.store, said.log.sequence)).root()
  assert.deepEqual([toBase64Url(head), row?.['operation']], [said.log.hash, 'certify-destruction'])
  assert.equal((await checkLog(w.test.store)).ok, true)
}

test('what was ended gets no key again: not published, not indexed, not registered, not listed, not destroyed twice', async (t) => {
  const w = await world(t)
  await order(w)
  w.clock.advance(7 * dayMs)
  await workOnKeys(w.test.custodian)
  const [dispatcher, gateway, operator] = [await w.test.peer('dispatcher'), await w.test.peer('gateway'), await w.test.peer('operator')]
  const attempts = [
    () => w.test.call(gateway, '/v1/merchant-keys', { tenants: [w.tenant] }),
    () => w.test.call(dispatcher, '/v1/index', { ...w.tenant, blinded: ['AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'] }),
    () => w.test.call(operator, '/v1/merchants', w.tenant),
    () => w.test.call(operator, '/v1/rotate-merchant-keys', { ...w.tenant, compromised: true }),
    () => order(w),
  ]
  for (const attempt of attempts) {
    await assert.rejects(attempt(), refused)
    assert.equal(lastReason(w), 'tenant_unknown')
  }
  assert.deepEqual((await w.test.call(gateway, '/v1/tenants', { after: null })).tenants, [w.other])
})

test('one retired key goes alone, and the merchant lives on', async (t) => {
  const w = await world(t)
  const old = await newDataKey(w.test, w.gateway, w.tenant)
  const oldKey = parseSealedDataKey(old.sealed)?.merchantKeyId
  assert.ok(oldKey)
  await assert.rejects(order(w, oldKey), refused)
  assert.equal(lastReason(w), 'merchant_key_not_destroyable')
  await w.test.call(w.operator, '/v1/rotate-merchant-keys', { ...w.tenant, compromised: true })
  await assert.rejects(order({ ...w, tenant: w.other }, oldKey), refused)
  await assert.rejects(order(w, newId('merchantKey', { clock: w.clock, random: systemRandom })), refused)
  await order(w, oldKey)
  await order(w, oldKey)
  w.clock.advance(7 * dayMs)
  await workOnKeys(w.test.custodian)
  const certificates = (await list(w)).map(({ certificate }) => destructionCertificateSchema.parse(
    JSON.parse(signedDestructionCertificateSchema.parse(JSON.parse(certificate ?? '')).certificate)).keys)
  assert.deepEqual(certificates.map((keys) => keys.join()).toSorted((a, b) => a.localeCompare(b)), ['', `merchant/${oldKey}`])
  const fresh = await newDataKey(w.test, await w.test.gateway(), w.tenant)
  assert.equal(await opened(w, fresh), 1)
  w.clock.advance(startMs + 5_000 - w.clock.nowMs())
  await assert.rejects(opened(w, old), refused)
})

test('a destruction is called back while it waits, and only then', async (t) => {
  const w = await world(t)
  const { destruction: id } = await order(w)
  await w.test.call(w.operator, '/v1/cancel-destruction', { id })
  w.clock.advance(8 * dayMs)
  await workOnKeys(w.test.custodian)
  assert.deepEqual((await list(w)).map(({ state }) => state), ['cancelled'])
  const operator = await w.test.peer('operator')
  await assert.rejects(w.test.call(operator, '/v1/cancel-destruction', { id }), refused)
  assert.equal(lastReason(w), 'destruction_not_waiting')
  await assert.rejects(w.test.call(operator, '/v1/cancel-destruction', { id: newId('destruction', { clock: w.clock, random: systemRandom }) }), refused)
  assert.equal(lastReason(w), 'destruction_unknown')
})

test('nobody destroys alone, or with an approval of something else', async (t) => {
  const w = await world(t)
  const parameters = { ...w.tenant, key: null }
  const text = (other = {}) => approvalText(w.clock, { operation: '/v1/destroy-merchant-keys', parameters: { ...parameters, ...other } })
  const people = [await newPerson(w.test), await newPerson(w.test)] as const
  const attacks = [
    [signedBy(text(), people[0]), 'approval_not_enough'],
    [signedBy(text({ merchant: w.other.merchant }), ...people), 'approval_of_another_call'],
    [signedBy(text({ key: newId('merchantKey', { clock: w.clock, random: systemRandom }) }), ...people), 'approval_of_another_call'],
  ] as const
  for (const [approval, reason] of attacks) {
    await assert.rejects(w.test.call(w.operator, '/v1/destroy-merchant-keys', { ...parameters, approval }), refused)
    assert.equal(lastReason(w), reason)
  }
  const approval = signedBy(text(), ...people)
  await w.test.call(w.operator, '/v1/destroy-merchant-keys', { ...parameters, approval })
  await assert.rejects(w.test.call(w.operator, '/v1/destroy-merchant-keys', { ...parameters, approval }), refused)
  assert.equal(lastReason(w), 'approval_used')
  assert.equal(w.test.count('destructions'), 1)
})

test('a certificate is signed only when the old root is gone', async (t) => {
  const w = await world(t)
  await order(w)
  w.clock.advance(7 * dayMs)
  const { succession } = w.test.custodian
  const stuck = { ...w.test.custodian, succession: { ...succession, destroyPrevious: () => assert.fail('the disk is gone') } }
  await assert.rejects(workOnKeys(stuck), /the disk is gone/)
  const [deleted] = await findDestructions(w.test.store, 'deleted')
  assert.ok(deleted)
  assert.equal(await certifyDestruction(w.test.custodian, deleted), false)
  await workOnKeys(w.test.custodian)
  assert.equal((await list(w))[0]?.state, 'done')
})

test('where the root has no successor nothing is deleted', async (t) => {
  const w = await world(t)
  await order(w)
  w.clock.advance(7 * dayMs)
  const makeNext = () => assert.fail('name it yourself')
  await assert.rejects(workOnKeys({ ...w.test.custodian, succession: { ...w.test.custodian.succession, makeNext } }), /name it yourself/)
  assert.equal((await list(w))[0]?.state, 'waiting')
  assert.equal(w.test.count(`key_lives WHERE state = 'destroyed'`), 0)
})

test('a copy of the folder taken before opens nothing with the new root, and everything with the old file', async (t) => {
  const w = await world(t)
  const ours = await newDataKey(w.test, w.gateway, w.tenant)
  w.test.close()
  const copy = `${w.test.folder}-copy`
  cpSync(w.test.folder, copy, { recursive: true })
  t.after(() => rmSync(copy, { recursive: true }))
  await w.test.reopen()
  await order(w)
  w.clock.advance(7 * dayMs)
  await workOnKeys(w.test.custodian)
  w.test.close()
  const restore = (name: string): void => {
    rmSync(join(w.test.folder, name), { force: true })
    if (existsSync(join(copy, name))) cpSync(join(copy, name), join(w.test.folder, name))
  }
  for (const name of ['custodian.sqlite', 'custodian.sqlite-wal']) restore(name)
  await assert.rejects(w.test.reopen(), /not the one that wrapped this store/)
  // What the certificate says in words of an unprotected root.
  restore('root.key')
  await w.test.reopen()
  w.clock.advance(startMs + 3_000 - w.clock.nowMs())
  assert.equal(await opened(w, ours), 1)
})
