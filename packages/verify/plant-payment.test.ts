import assert from 'node:assert/strict'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { PaymentView } from '@ngome/contracts'
import { newId, Secret, systemClock, systemRandom } from '@ngome/kernel'
import { newCertificateRequest } from '@ngome/runtime'
import { TestAuthority } from '@ngome/testkit'
import { plantPayment } from './at-rest/plant-payment.ts'
import { NotReached } from './probe.ts'

const from = { clock: systemClock, random: systemRandom }
const payment = (status: PaymentView['status']): PaymentView => ({
  id: newId('payment', from), object: 'payment', world: 'test', status, amount: '1.00', currency: 'EUR', network: 'mtn-sandbox',
  payer: { phone: '+46•••499' }, reference: 'probe', failure: null,
  created_at: new Date(0).toISOString(), updated_at: new Date(0).toISOString(),
})

/** Plants a payment at a gateway that takes it, and then shows what the test says. */
async function plantAt(t: TestContext, show: () => { status: number; body: unknown }): Promise<unknown> {
  const authority = await TestAuthority.create()
  const { csr, privateKey } = await newCertificateRequest('gateway')
  const identity = { cert: await authority.issue(csr, 'gateway'), key: privateKey.expose((key) => key) }
  const server = createServer({ ...identity, minVersion: 'TLSv1.3' }, (request, response) => {
    const { status, body } = request.method === 'POST' ? { status: 201, body: payment('processing') } : show()
    response.writeHead(status).end(JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  return plantPayment({
    gateway: { name: 'gateway', host: '127.0.0.1', port: (server.address() as AddressInfo).port }, authority: authority.pem,
    network: { name: 'mtn-sandbox', currency: 'EUR', callingCode: '46' }, random: systemRandom, settleMsMax: 500,
  }, { apiKey: new Secret('ngome_sk_test_probe'), tenant: { merchant: newId('merchant', from), world: 'test' } })
}

for (const status of ['succeeded', 'failed'] as const) {
  test(`a planted payment that ${status} has been everywhere`, async (t) => {
    await plantAt(t, () => ({ status: 200, body: payment(status) }))
  })
}

test('a planted payment that nobody handles is not searched for: its rows stay unchecked', async (t) => {
  await assert.rejects(plantAt(t, () => ({ status: 200, body: payment('processing') })), (error) =>
    error instanceof NotReached && /processing after 0\.5 s/.test(error.message))
})

test('a planted payment that the gateway does not show is not searched for', async (t) => {
  await assert.rejects(plantAt(t, () => ({ status: 404, body: {} })), (error) => error instanceof NotReached)
})
