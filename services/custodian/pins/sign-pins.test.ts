import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CustodianRequest, Pin } from '@ngome/contracts'
import { newCertificateRequest, readPinSet, spkiPin, type CertificateRequest } from '@ngome/runtime'
import { TestCustodian } from '../testing/test-custodian.ts'

type Request = CustodianRequest<'/v1/pin-set'>
const dayMs = 86_400_000
const served = `${'S'.repeat(42)}A=`

async function world(t: { after(fn: () => void): void }): Promise<{ test: TestCustodian; request: Request; nowMs: number; backup: CertificateRequest }> {
  const custodian = await TestCustodian.open()
  t.after(() => custodian.remove())
  const nowMs = custodian.clock.nowMs()
  const backup = await newCertificateRequest('gateway')
  return { test: custodian, nowMs, backup, request: { set: setOf(nowMs, spkiPin(backup.publicKey)), backupRequests: [backup.csr] } }
}

const pinOf = (nowMs: number, role: Pin['role'], spki: string, days = 365): Pin => ({
  spki_sha256: spki, role, not_before: new Date(nowMs - 1_000).toISOString(), not_after: new Date(nowMs + days * dayMs).toISOString(),
})
const setOf = (nowMs: number, backup: string): Request['set'] => ({
  version: 1, names: ['api.example'], expires_at: new Date(nowMs + 365 * dayMs).toISOString(),
  pins: [pinOf(nowMs, 'current', served), pinOf(nowMs, 'backup', backup)],
})

test('a set with a backup whose key was shown is signed, and recorded', async (t) => {
  const { test: custodian, request, nowMs } = await world(t)
  const { statement } = await custodian.call(await custodian.peer('operator'), '/v1/pin-set', request)
  const key = custodian.custodian.statementKey.publicKey
  assert.deepEqual(readPinSet(statement, key), { ...request.set, issued_at: new Date(nowMs).toISOString() })
  const [logged] = custodian.lastLog(1)
  assert.deepEqual([logged?.['operation'], logged?.['outcome'], logged?.['subject']], ['/v1/pin-set', 'allowed', 'pin-set/1'])
})

type Change = (request: Request, nowMs: number) => Promise<Partial<Request>> | Partial<Request>
const pins = (change: (all: Request['set']['pins']) => Request['set']['pins']): Change => ({ set }) => ({ set: { ...set, pins: change(set.pins) } })
const attacks: readonly (readonly [string, Change])[] = [
  ['a backup whose key nobody showed', async () => ({ backupRequests: [(await newCertificateRequest('gateway')).csr] })],
  // In the middle of its signature: of the last letter before padding some bits say nothing.
  ['a backup shown by a request that somebody changed', ({ backupRequests: [csr = ''] }) =>
    ({ backupRequests: [csr.replace(/[A-Za-z](?=[^-]{12,40}-----END)/, (letter) => (letter === 'A' ? 'B' : 'A'))] })],
  ['no request at all', () => ({ backupRequests: [] })],
  ['no backup', pins((all) => all.map((pin, at) => (at === 1 ? { ...pin, role: 'next' } : pin)))],
  ['no pin of what is served', pins((all) => all.map((pin, at) => (at === 0 ? { ...pin, role: 'next' } : pin)))],
  ['one pin alone', pins((all) => all.slice(1))],
  ['a backup that is also what is served', pins(([, backup]) => backup === undefined ? [] : [{ ...backup, role: 'current' }, backup])],
  ['a pin that ends before it begins', pins((all) => all.map((pin) => ({ ...pin, not_after: pin.not_before })))],
  ['a calendar that ends before the set', pins(([current, backup]) => current === undefined || backup === undefined ? []
    : [{ ...current, not_after: new Date(Date.parse(current.not_before) + dayMs).toISOString() }, backup])],
  ['an end that is over', ({ set }, nowMs) => ({ set: { ...set, expires_at: new Date(nowMs).toISOString() } })],
  ['an end too far ahead', ({ set }, nowMs) => ({ set: { ...set, expires_at: new Date(nowMs + 401 * dayMs).toISOString() } })],
  ['a pin that is no digest', pins((all) => all.map((pin) => ({ ...pin, spki_sha256: 'AAAA' })))],
]
for (const [what, change] of attacks) {
  test(`${what} is refused and recorded`, async (t) => {
    const { test: custodian, request, nowMs } = await world(t)
    const operator = await custodian.peer('operator')
    await assert.rejects(custodian.call(operator, '/v1/pin-set', { ...request, ...await change(request, nowMs) }), { code: 'custodian/refused' })
    assert.equal(custodian.lastLog(1)[0]?.['reason'], 'request_invalid')
  })
}
