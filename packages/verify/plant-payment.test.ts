import assert from 'node:assert/strict'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { PaymentView, VaultTokenView } from '@ngome/contracts'
import { newId, Secret, systemClock, systemRandom } from '@ngome/kernel'
import { parseCardNumber } from '@ngome/payments'
import { newCertificateRequest } from '@ngome/runtime'
import { TestAuthority } from '@ngome/testkit'
import { plantCard } from './at-rest/plant-card.ts'
import { plantPayment } from './at-rest/plant-payment.ts'
import { NotReached } from './probe.ts'

const from = { clock: systemClock, random: systemRandom }
const payment = (status: PaymentView['status']): PaymentView => ({
  id: newId('payment', from), object: 'payment', world: 'test', status, amount: '1.00', fee: '0.00', currency: 'EUR', network: 'mtn-sandbox',
  payer: { phone: '+46•••499' }, reference: 'probe', failure: null,
  created_at: new Date(0).toISOString(), updated_at: new Date(0).toISOString(),
})

type Shown = () => { status: number; body: unknown }

/** A gateway that takes what is planted, and then shows what the test says. */
const gatewayThat = (t: TestContext, takes: unknown, show: Shown) => gatewayThatAnswers(t, (method) => (method === 'POST' ? { status: 201, body: takes } : show()))
/** One that has a card and a payment by it. */
const gatewayOfBoth = (t: TestContext, card: unknown, paid: unknown) =>
  gatewayThatAnswers(t, (method, path) => ({ status: method === 'POST' ? 201 : 200, body: path.startsWith('/v1/vault') ? card : paid }))

async function gatewayThatAnswers(t: TestContext, answer: (method: string, path: string) => ReturnType<Shown>) {
  const authority = await TestAuthority.create()
  const { csr, privateKey } = await newCertificateRequest('gateway')
  const identity = { cert: await authority.issue(csr, 'gateway'), key: privateKey.expose((key) => key) }
  const server = createServer({ ...identity, minVersion: 'TLSv1.3' }, (request, response) => {
    const { status, body } = answer(request.method ?? '', request.url ?? '')
    response.writeHead(status).end(JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const port = (server.address() as AddressInfo).port
  return { gateway: { name: 'gateway', host: '127.0.0.1', port }, authority: authority.pem, random: systemRandom, settleMsMax: 500 }
}

const merchant = { apiKey: new Secret('ngome_sk_test_probe'), tenant: { merchant: newId('merchant', from), world: 'test' } } as const

async function plantAt(t: TestContext, show: Shown): Promise<unknown> {
  const network = { name: 'mtn-sandbox', currency: 'EUR', phonePrefix: '467' }
  return plantPayment({ ...await gatewayThat(t, payment('processing'), show), network }, merchant)
}

const token = (fingerprint: VaultTokenView['fingerprint']): VaultTokenView => ({
  id: newId('vaultToken', from), object: 'vault_token', world: 'test', type: 'card_number', status: 'active', network: null, masked: '•••• 0000',
  fingerprint, metadata: {}, created_at: new Date(0).toISOString(), expires_at: null,
})
const pending = token({ status: 'pending', value: null })

test('a planted card is a number that a vault takes, and counts when every process has handled it', async (t) => {
  const computed = token({ status: 'computed', value: `fpr_${'A'.repeat(22)}` })
  const { digits } = await plantCard(await gatewayThat(t, pending, () => ({ status: 200, body: computed })), merchant)
  assert.match(digits, /^[0-9]{16}$/)
  assert.equal(parseCardNumber(digits)?.network, null)
})

test('a planted card that gets no fingerprint, or is not shown, is not searched for', async (t) => {
  for (const answer of [{ status: 200, body: pending }, { status: 404, body: {} }]) {
    await assert.rejects(plantCard(await gatewayThat(t, pending, () => answer), merchant), (error) => error instanceof NotReached)
  }
})

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

test('a planted card is paid by where a network takes cards: not before the payment is under way does it count', async (t) => {
  const computed = token({ status: 'computed', value: `fpr_${'A'.repeat(22)}` })
  const cards = { name: 'card', currency: 'EUR', page: 'https://pages.ngome-verify.invalid/' }
  const plant = async (status: PaymentView['status']) => plantCard({ ...await gatewayOfBoth(t, computed, payment(status)), cards }, merchant)
  for (const status of ['processing', 'failed'] as const) assert.equal((await plant(status)).askedOf, 'card')
  await assert.rejects(plant('accepted'), (error) => error instanceof NotReached)
})
