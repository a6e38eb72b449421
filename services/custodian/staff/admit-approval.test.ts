import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import type { Approval } from '@ngome/contracts'
import { ManualClock, newId, systemRandom, toBase64Url, type StaffId } from '@ngome/kernel'
import { publicKeyText } from '@ngome/runtime'
import { Refusal } from '../calls/refusal.ts'
import { TestCustodian } from '../testing/test-custodian.ts'
import { approvalText, newPerson, signedBy, type Person } from '../testing/test-staff.ts'
import { admitApproval, type ApprovedCall } from './admit-approval.ts'
import { findStaff, insertStaff, listStaff, retireStaffRow } from './staff-rows.ts'

const operation = '/v1/merchants'
const parameters = { merchant: 'mer_x', world: 'test' }
const whole = { operation, parameters } as const

type World = { test: TestCustodian; clock: ManualClock; amina: Person; okello: Person }

async function world(t: { after(fn: () => void): void }): Promise<World> {
  const clock = new ManualClock(1_800_000_000_000)
  const custodian = await TestCustodian.open({ clock })
  t.after(() => custodian.remove())
  return { test: custodian, clock, amina: await newPerson(custodian), okello: await newPerson(custodian, 'Okello') }
}

function admit({ test }: World, approval: Approval, call: Partial<ApprovedCall> = {}): Promise<readonly StaffId[]> {
  return test.commit((transaction) => (
    admitApproval(test.custodian, transaction, approval, { ...whole, people: 2, ...call })
  ))
}

async function retire({ test, clock }: World, person: Person): Promise<void> {
  await test.commit(async (transaction) => {
    const staff = await findStaff(transaction, test.custodian.rowTagKey, person.id)
    assert.ok(staff)
    await retireStaffRow(transaction, test.custodian.rowTagKey, staff, clock.nowMs())
  })
}

const text = ({ clock }: World, request = {}): string => approvalText(clock, { ...whole, ...request })

test('two people approve one call, in whatever order its parameters stand, and the log has who, what and why', async (t) => {
  const w = await world(t)
  const approval = signedBy(text(w, { reason: 'the auditor asked: ticket 7' }), w.amina, w.okello)
  const reordered = { world: 'test', merchant: 'mer_x' }
  assert.deepEqual(await admit(w, approval, { parameters: reordered }), [w.amina.id, w.okello.id])
  const [row] = w.test.lastLog(1)
  assert.equal(row?.['caller'], `${w.amina.id} ${w.okello.id}`)
  assert.match(String(row['subject']), /^\/v1\/merchants sha256=[\w-]{43}: the auditor asked: ticket 7$/)
  const kept = w.test.db.prepare('SELECT request, signatures FROM approvals').get()
  assert.deepEqual([kept?.['request'], JSON.parse(String(kept?.['signatures']))], [approval.request, approval.signatures])
})

test('an approval that ends in the last millisecond that is allowed is admitted', async (t) => {
  const w = await world(t)
  const expires_at = new Date(w.clock.nowMs() + 900_000 + 60_000).toISOString()
  assert.equal((await admit(w, signedBy(text(w, { expires_at }), w.amina, w.okello))).length, 2)
})

/** Threat, reason in the log, approval, and whether Okello is concerned himself. */
type Attack = readonly [string, string, (w: World) => Promise<Approval> | Approval, boolean?]

const both = (w: World, request: string): Approval => signedBy(request, w.amina, w.okello)

const attacks: readonly Attack[] = [
  ['one person where two are needed', 'approval_not_enough', (w) => signedBy(text(w), w.amina)],
  ['the same person twice', 'approval_repeated', (w) => signedBy(text(w), w.amina, w.amina)],
  ['the second signature is of somebody concerned', 'approval_not_enough', (w) => both(w, text(w)), true],
  ['another operation\'s approval', 'approval_of_another_call', (w) => both(w, text(w, { operation: '/v1/open' }))],
  ['other parameters', 'approval_of_another_call', (w) => both(w, text(w, { parameters: { ...parameters, world: 'live' } }))],
  ['a parameter less', 'approval_of_another_call', (w) => both(w, text(w, { parameters: { merchant: 'mer_x' } }))],
  ['a parameter more', 'approval_of_another_call', (w) => both(w, text(w, { parameters: { ...parameters, more: 1 } }))],
  ['a parameter of another type', 'approval_of_another_call', (w) => both(w, text(w, { parameters: { ...parameters, world: ['test'] } }))],
  ['expired in this millisecond', 'approval_expired', (w) => both(w, text(w, { expires_at: new Date(w.clock.nowMs()).toISOString() }))],
  ['an end far ahead', 'approval_too_long_lived', (w) => both(w, text(w, { expires_at: new Date(w.clock.nowMs() + 960_001).toISOString() }))],
  ['an end without a zone', 'approval_malformed', (w) => both(w, text(w, { expires_at: '2027-01-15T08:00:00' }))],
  ['a space in the text', 'approval_malformed', (w) => both(w, text(w).replace('":', '": '))],
  ['keys in another order', 'approval_malformed', (w) => both(w, JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(text(w)) as object).toReversed())))],
  ['duplicate keys', 'approval_malformed', (w) => both(w, text(w).replace('{', '{"expires_at":"2030-01-01T00:00:00Z",'))],
  ['an escape where none is needed', 'approval_malformed', (w) => both(w, text(w).replace('mer_x', '\\u006der_x'))],
  ['an unknown key', 'approval_malformed', (w) => both(w, text(w, { note: 'x' }))],
  ['no reason', 'approval_malformed', (w) => both(w, text(w, { reason: '' }))],
  ['a reason of nine characters', 'approval_malformed', (w) => both(w, text(w, { reason: '123456789' }))],
  ['a reason with a terminal\'s control code', 'approval_malformed', (w) => both(w, text(w, { reason: 'all is well\u001b[2K' }))],
  ['a reason that turns its direction', 'approval_malformed', (w) => both(w, text(w, { reason: 'all is well\u202e' }))],
  ['a short nonce', 'approval_malformed', (w) => both(w, text(w, { nonce: toBase64Url(systemRandom.bytes(15)) }))],
  ['a text past the bound', 'approval_malformed', (w) => both(w, text(w, { parameters: { long: 'x'.repeat(8_192) } }))],
  ['no JSON', 'approval_malformed', (w) => both(w, 'approved')],
  ['a signature by another key', 'approval_forged', (w) => {
    const { privateKey } = generateKeyPairSync('ed25519')
    return signedBy(text(w), w.amina, { id: w.okello.id, privateKey })
  }],
  ['a signature that is no base64url', 'approval_forged', (w) => {
    const { request, signatures: [first, second] } = both(w, text(w))
    assert.ok(first && second)
    // The last character has four spare bits: another one for the same bytes is not canonical.
    const last = String.fromCharCode(first.signature.charCodeAt(85) + 1)
    return { request, signatures: [{ ...first, signature: first.signature.slice(0, -1) + last }, second] }
  }],
  ['signatures over another text', 'approval_forged', (w) => ({ ...both(w, text(w)), request: text(w) })],
  ['a third, forged signature beside two that hold', 'approval_forged', async (w) => {
    const third = await newPerson(w.test)
    return signedBy(text(w), w.amina, w.okello, { id: third.id, privateKey: w.amina.privateKey })
  }],
  ['an unknown person', 'approval_staff_unknown', (w) => (
    signedBy(text(w), w.amina, { ...w.okello, id: newId('staff', { clock: w.clock, random: systemRandom }) })
  )],
  ['a retired person', 'approval_staff_retired', async (w) => {
    const approval = both(w, text(w))
    await retire(w, w.okello)
    return approval
  }],
  ['a swapped public key in the row', 'approval_staff_unknown', (w) => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    w.test.db.prepare('UPDATE staff SET public_key = ? WHERE id = ?').run(publicKeyText(publicKey), w.okello.id)
    return signedBy(text(w), w.amina, { id: w.okello.id, privateKey })
  }],
  ['two rows that changed their keys', 'approval_staff_unknown', (w) => {
    const key = (id: string): string => String(w.test.db.prepare('SELECT public_key FROM staff WHERE id = ?').get(id)?.['public_key'])
    const keys = [key(w.amina.id), key(w.okello.id)] as const
    const swap = w.test.db.prepare('UPDATE staff SET public_key = ? WHERE id = ?')
    swap.run('aside', w.amina.id)
    swap.run(keys[0], w.okello.id)
    swap.run(keys[1], w.amina.id)
    return signedBy(text(w), { ...w.amina, privateKey: w.okello.privateKey }, { ...w.okello, privateKey: w.amina.privateKey })
  }],
  ['a retirement that was taken out of the row', 'approval_staff_unknown', async (w) => {
    await retire(w, w.okello)
    w.test.db.prepare('UPDATE staff SET retired_at_ms = NULL WHERE id = ?').run(w.okello.id)
    return both(w, text(w))
  }],
]

for (const [threat, reason, approvalOf, isConcerned = false] of attacks) {
  test(`refuses ${threat}, and the approval is not used up`, async (t) => {
    const w = await world(t)
    const approval = await approvalOf(w)
    const call = isConcerned ? { without: [w.okello.id] } : {}
    await assert.rejects(admit(w, approval, call), (refusal) => refusal instanceof Refusal && refusal.reason === reason)
    assert.equal(w.test.count('approvals'), 0)
  })
}

test('refuses an approval that was used, also one by other people with its nonce', async (t) => {
  const w = await world(t)
  const request = text(w)
  const nonce = (JSON.parse(request) as { nonce: string }).nonce
  await admit(w, both(w, request))
  for (const again of [request, text(w, { nonce }), text(w, { nonce, reason: 'a second reason' })]) {
    await assert.rejects(admit(w, both(w, again)), (refusal) => refusal instanceof Refusal && refusal.reason === 'approval_used')
  }
  await w.test.reopen()
  await assert.rejects(admit(w, both(w, request)), (refusal) => refusal instanceof Refusal && refusal.reason === 'approval_used')
})

test('of two uses at once one is admitted', async (t) => {
  const w = await world(t)
  const approval = both(w, text(w))
  const outcomes = await Promise.allSettled([admit(w, approval), admit(w, approval)])
  assert.deepEqual(outcomes.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
})

test('where the effect fails, the approval is as before', async (t) => {
  const w = await world(t)
  const approval = both(w, text(w))
  await assert.rejects(w.test.commit(async (transaction) => {
    await admitApproval(w.test.custodian, transaction, approval, { ...whole, people: 2 })
    throw new Error('the effect failed')
  }), /the effect failed/)
  assert.equal((await admit(w, approval)).length, 2)
})

test('a key is one person\'s only, and a row that somebody else wrote is nobody\'s', async (t) => {
  const { test, clock, amina } = await world(t)
  const { rowTagKey } = test.custodian
  const row = await findStaff(test.store, rowTagKey, amina.id)
  assert.ok(row)
  const twin = { ...row, id: newId('staff', { clock, random: systemRandom }) }
  assert.equal(await test.commit((transaction) => insertStaff(transaction, rowTagKey, twin)), false)
  assert.equal((await listStaff(test.store, rowTagKey)).length, 2)
  test.db.prepare('UPDATE staff SET name = ? WHERE id = ?').run('Somebody', amina.id)
  assert.equal((await listStaff(test.store, rowTagKey)).length, 1)
})
