import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CustodianRequest } from '@ngome/contracts'
import { newId, parseBase64Url, systemRandom, toBase64Url, type Tenant } from '@ngome/kernel'
import { proveDestination } from '@ngome/signatures'
import { TestCustodian } from '../testing/test-custodian.ts'

type Request = CustodianRequest<'/v1/forward-destination'>

async function world(t: { after(fn: () => void): void }): Promise<{ test: TestCustodian; tenant: Tenant; request: Request }> {
  const custodian = await TestCustodian.open()
  t.after(() => custodian.remove())
  const tenant = await custodian.tenant()
  const request: Request = {
    ...tenant, destination: newId('forwardDestination', { clock: custodian.clock, random: systemRandom }), url: 'https://bank.example/v1/',
    methods: ['POST'], certificateSha256: toBase64Url(new Uint8Array(32)), authority: null,
    expires: new Date(custodian.clock.nowMs() + 86_400_000).toISOString(),
  }
  return { test: custodian, tenant, request }
}

test('an allowed address is signed as it was asked, and recorded', async (t) => {
  const { test: custodian, tenant, request } = await world(t)
  const { proof } = await custodian.call(await custodian.peer('operator'), '/v1/forward-destination', request)
  const row = {
    id: request.destination as never, tenant, url: request.url, methods: request.methods, certificateSha256: new Uint8Array(32), authority: null,
    expiresAtMs: Date.parse(request.expires),
  }
  const key = custodian.custodian.statementKey.publicKey
  assert.notEqual(proveDestination(row, parseBase64Url(proof) ?? new Uint8Array(), key, custodian.clock.nowMs()), undefined)
  const [logged] = custodian.lastLog(1)
  assert.deepEqual([logged?.['operation'], logged?.['outcome'], logged?.['subject']],
    ['/v1/forward-destination', 'allowed', `${tenant.merchant}/test/${request.destination}`])
})

const attacks: readonly (readonly [string, (request: Request, nowMs: number) => Partial<Request>, string])[] = [
  ['a merchant that is not registered', () => ({ merchant: 'mer_01k8z3f7q2e9d8m4n6p0r5s7tv' }), 'tenant_unknown'],
  ['an address that is not in its one spelling', () => ({ url: 'https://BANK.example/v1/' }), 'request_invalid'],
  ['an address that ends in no slash', () => ({ url: 'https://bank.example/v1' }), 'request_invalid'],
  ['an address with user information', () => ({ url: 'https://bank.example@evil.example/' }), 'request_invalid'],
  ['an end that is over', (_, nowMs) => ({ expires: new Date(nowMs).toISOString() }), 'request_invalid'],
  ['an end too far ahead', (_, nowMs) => ({ expires: new Date(nowMs + 401 * 86_400_000).toISOString() }), 'request_invalid'],
  ['no method', () => ({ methods: [] }), 'request_invalid'],
  ['a pin that is no digest', () => ({ certificateSha256: 'AAAA' }), 'request_invalid'],
  ['a pin that is not canonical', () => ({ certificateSha256: `${'A'.repeat(42)}B` }), 'request_invalid'],
]
for (const [what, change, reason] of attacks) {
  test(`${what} is refused and recorded`, async (t) => {
    const { test: custodian, request } = await world(t)
    const operator = await custodian.peer('operator')
    await assert.rejects(custodian.call(operator, '/v1/forward-destination', { ...request, ...change(request, custodian.clock.nowMs()) }),
      { code: 'custodian/refused' })
    assert.equal(custodian.lastLog(1)[0]?.['reason'], reason)
  })
}
