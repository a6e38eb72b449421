import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import { test } from 'node:test'
import { approvalBytes, type CustodianPath } from '@ngome/contracts'
import { ManualClock, newId, systemRandom, type StaffId } from '@ngome/kernel'
import { publicKeyText } from '@ngome/runtime'
import { TestCustodian, type Peer } from '../testing/test-custodian.ts'
import { admission, approvalText, signedBy, type Person } from '../testing/test-staff.ts'

type World = { test: TestCustodian; clock: ManualClock; operator: Peer }

async function world(t: { after(fn: () => void): void }): Promise<World> {
  const clock = new ManualClock(1_800_000_000_000)
  const custodian = await TestCustodian.open({ clock })
  t.after(() => custodian.remove())
  return { test: custodian, clock, operator: await custodian.peer('operator') }
}

async function admit({ test, clock, operator }: World, name: string, ...approvers: readonly Person[]): Promise<Person> {
  const keys = generateKeyPairSync('ed25519')
  const parameters = admission(name, keys)
  const text = approvalText(test.clock, { operation: '/v1/admit-staff', parameters })
  const approval = approvers.length === 0 ? {} : { approval: signedBy(text, ...approvers) }
  const { staff } = await test.call(operator, '/v1/admit-staff', { ...parameters, ...approval })
  clock.advance(1)
  return { id: staff, privateKey: keys.privateKey }
}

async function retire({ test, operator }: World, staff: StaffId, ...approvers: readonly Person[]): Promise<void> {
  const text = approvalText(test.clock, { operation: '/v1/retire-staff', parameters: { staff } })
  const approval = approvers.length === 0 ? {} : { approval: signedBy(text, ...approvers) }
  await test.call(operator, '/v1/retire-staff', { staff, ...approval })
}

async function refused({ test }: World, reason: string, act: Promise<unknown>): Promise<void> {
  await assert.rejects(act, { code: 'custodian/refused' })
  assert.equal(test.lastLog(1)[0]?.['reason'], reason)
}

test('the first is admitted by nobody, the second by the first, later ones by two others', async (t) => {
  const w = await world(t)
  const amina = await admit(w, 'Amina')
  await refused(w, 'approval_missing', admit(w, 'Okello'))
  const okello = await admit(w, 'Okello', amina)
  await refused(w, 'approval_not_enough', admit(w, 'Zawadi', amina))
  const zawadi = await admit(w, 'Zawadi', amina, okello)
  await refused(w, 'approval_not_enough', admit(w, 'Musa', zawadi))
  const { staff } = await w.test.call(w.operator, '/v1/staff', {})
  assert.deepEqual(staff.map(({ name, admittedBy, retiredAt }) => [name, admittedBy, retiredAt]), [
    ['Amina', [], null], ['Okello', [amina.id], null], ['Zawadi', [amina.id, okello.id], null],
  ])
  assert.deepEqual(w.test.alarms.map(({ what }) => what), [
    'staff_admitted', 'approval_missing', 'staff_admitted', 'approval_not_enough', 'staff_admitted', 'approval_not_enough',
  ])
})

test('approvals are listed as they were signed, the oldest first, page by page', async (t) => {
  const w = await world(t)
  const auditor = await w.test.peer('auditor')
  const list = async (last: { usedAt: string; nonce: string } | null) => {
    const after = last === null ? null : { usedAt: last.usedAt, nonce: last.nonce }
    return (await w.test.call(auditor, '/v1/approvals', { after })).approvals
  }
  assert.deepEqual(await list(null), [])
  const amina = await admit(w, 'Amina')
  const okello = await admit(w, 'Okello', amina)
  await admit(w, 'Zawadi', amina, okello)
  const known = await list(null)
  assert.deepEqual(known.map(({ signatures }) => signatures.map(({ staff }) => staff)), [[amina.id], [amina.id, okello.id]])
  for (const { request, signatures } of known) {
    assert.ok(verify(null, approvalBytes(request), createPublicKey(amina.privateKey), Buffer.from(signatures[0]?.signature ?? '', 'base64url')))
  }
  assert.deepEqual(await list(known[0] ?? assert.fail()), known.slice(1))
  assert.deepEqual(await list(known[1] ?? assert.fail()), [])
})

test('of two first ones at the same time one is admitted', async (t) => {
  const w = await world(t)
  const outcomes = await Promise.allSettled([admit(w, 'Amina'), admit(w, 'Mallory')])
  assert.deepEqual(outcomes.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
})

test('nobody is admitted with a key that he does not hold, under another name than he signed, or twice', async (t) => {
  const w = await world(t)
  const [mine, theirs] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')]
  const own = admission('Amina', mine)
  const attacks = [
    { ...own, publicKey: publicKeyText(theirs.publicKey) }, { ...own, name: 'Okello' }, { ...own, publicKey: 'AAAA' },
    { ...own, proof: `${own.proof.slice(0, -1)}${String.fromCharCode(own.proof.charCodeAt(85) + 1)}` },
  ]
  for (const attack of attacks) await refused(w, 'staff_key_refused', w.test.call(w.operator, '/v1/admit-staff', attack))
  const { staff } = await w.test.call(w.operator, '/v1/admit-staff', own)
  const amina = { id: staff, privateKey: mine.privateKey }
  const again = { operation: '/v1/admit-staff', parameters: own }
  await refused(w, 'staff_key_refused', w.test.call(w.operator, '/v1/admit-staff', {
    ...own, approval: signedBy(approvalText(w.test.clock, again), amina),
  }))
  assert.equal(w.test.count('staff'), 1)
  assert.equal(w.test.count('approvals'), 0, 'what came to nothing used no approval up')
})

test('where rows were written by somebody else, nobody is first and nobody approves', async (t) => {
  const w = await world(t)
  const amina = await admit(w, 'Amina')
  w.test.db.prepare('UPDATE staff SET name = ?').run('Mallory')
  await refused(w, 'approval_missing', admit(w, 'Mallory'))
  await refused(w, 'approval_staff_unknown', admit(w, 'Mallory', amina))
})

test('a person is retired by others, and the last one stays', async (t) => {
  const w = await world(t)
  const amina = await admit(w, 'Amina')
  await refused(w, 'staff_last', retire(w, amina.id, amina))
  const okello = await admit(w, 'Okello', amina)
  await refused(w, 'approval_missing', retire(w, okello.id))
  await refused(w, 'approval_not_enough', retire(w, okello.id, okello))
  const zawadi = await admit(w, 'Zawadi', amina, okello)
  await refused(w, 'approval_not_enough', retire(w, zawadi.id, zawadi, amina))
  await retire(w, zawadi.id, amina, okello)
  await refused(w, 'staff_unknown', retire(w, zawadi.id, amina, okello))
  await refused(w, 'staff_unknown', retire(w, newId('staff', { clock: w.test.clock, random: systemRandom }), amina, okello))
  await refused(w, 'approval_staff_retired', admit(w, 'Musa', amina, zawadi))
  await retire(w, amina.id, okello)
  await refused(w, 'staff_last', retire(w, okello.id, okello))
  const { staff } = await w.test.call(w.operator, '/v1/staff', {})
  assert.deepEqual(staff.map(({ retiredAt }) => retiredAt !== null), [true, false, true])
  // Whoever is left decides alone again, as at the start.
  await admit(w, 'Musa', okello)
})

const malformed: readonly (readonly [CustodianPath, object])[] = [
  ['/v1/admit-staff', { name: 'a\u001b[2J' }], ['/v1/admit-staff', { name: '' }], ['/v1/admit-staff', { name: 'x'.repeat(101) }],
  ['/v1/admit-staff', { approval: { request: '{}', signatures: [] } }],
  ['/v1/retire-staff', { staff: 'stf_x' }],
]
for (const [path, change] of malformed) {
  test(`${path} refuses ${JSON.stringify(change).slice(0, 60)}`, async (t) => {
    const w = await world(t)
    const body = { ...admission('Amina', generateKeyPairSync('ed25519')), ...change }
    await refused(w, 'request_invalid', w.test.call(w.operator, path, body))
  })
}
