import { createHmac } from 'node:crypto'
import { Secret } from '@ngome/kernel'
import { CardAcquirerSimulator } from '@ngome/testkit'
import { declareConformance } from '../testing/conformance.ts'
import type { ExpectedFailure, NetworkUnderTest, RunningNetwork } from '../testing/network-under-test.ts'
import { connectCardAcquirer } from './connect-card-acquirer.ts'

const secret = new Secret('the secret of the suite')

const failure = (ending: string, code: ExpectedFailure['failure']): ExpectedFailure => ({ phone: `4000000000000${ending}`, failure: code })
const callback = (status: string, key = 'the secret of the suite'): string => {
  const claim = `{"reference":"4f1c","order":"pay_1","status":"${status}","code":"00"}`
  return JSON.stringify({ claim, signature: createHmac('sha256', key).update(`callback\n${claim}`).digest('hex') })
}

const under: NetworkUnderTest = {
  name: 'the card acquirer',
  directions: ['collection', 'refund'],
  payBy: 'card',
  currencies: ['EUR', 'UGX', 'KES'],
  good: () => '4242424242424242',
  fails: {
    collection: [
      failure('002', 'card_declined'), failure('010', 'insufficient_funds'), failure('028', 'card_expired'), failure('036', 'card_declined'),
      failure('044', 'card_declined'), failure('051', 'not_allowed'), failure('069', 'limit_exceeded'), failure('077', 'card_unusable'),
      failure('085', 'card_declined'), failure('093', 'network_refused'), failure('101', 'network_refused'), failure('135', 'authentication_failed'),
    ],
    payout: [],
    refund: [failure('226', 'not_allowed')],
  },
  refuses: { collection: [failure('242', 'card_unusable')], payout: [], refund: [] },
  reverses: ['collection'],
  tells: ['amount', 'currency', 'payment'],
  callbacks: [
    { body: callback('succeeded'), claims: 'succeeded' },
    { body: callback('failed'), claims: 'failed' },
    { body: callback('processing'), claims: undefined },
    { body: callback('succeeded', 'another key'), claims: undefined },
    { body: callback('failed').replace('failed', 'succeeded'), claims: undefined },
    { body: '{"status":"succeeded"}', claims: undefined },
  ],
  tokenExpired: { status: 401, body: '{"code":"signature_refused"}' },
  hasNoTokens: true,
  saying: (text, { reference, payment, amount, currency }) => {
    const amounts = [amount.replace('.', ''), amount]
    const order = { id: text, reference, order: payment, currency, code: text, action: null, message: text }
    return [
      { status: 422, body: JSON.stringify({ code: text, message: text }) },
      { status: 409, body: JSON.stringify({ code: text }) },
      ...amounts.flatMap((amount_minor) => ['failed', 'succeeded', 'unknown', 'requires_action', text].map((status) => ({
        status: 200, body: JSON.stringify({ ...order, amount_minor, status, ...status === 'requires_action' ? { action: { type: 'redirect', url: text } } : {} }),
      }))),
    ]
  },
  callOf: (method, path) => {
    if (path === '/v1/account') return 'token'
    if (!/^\/v1\/(?:payments|refunds)(?:\/|$)/.test(path)) return 'other'
    return method === 'POST' ? 'request' : 'enquiry'
  },
  start: startSimulator,
}

declareConformance(under)

async function startSimulator(): Promise<RunningNetwork> {
  const simulator = await CardAcquirerSimulator.start({
    DECIDE_AFTER_MS: '40', DELAYED_AFTER_MS: '150', CHALLENGE_FOR_MS: '300', CALLS_PER_SECOND_MAX: '1000',
  })
  const { account, secret: own } = await simulator.provision()
  return {
    port: simulator.port,
    async connect({ network, egress, clock, requestTimeoutMs, enquiriesPerSecondMax }) {
      const settings = { network, requestTimeoutMs, enquiriesPerSecondMax, challengeOrigins: [simulator.url] }
      const connector = connectCardAcquirer(settings, { account: new Secret(account), secret: new Secret(own) }, { egress, clock })
      // Callbacks of the suite are under a secret of its own.
      const calledBack = connectCardAcquirer(settings, { account: new Secret(account), secret }, { egress, clock })
      return { ...connector, readCallback: (body) => calledBack.readCallback(body) }
    },
    async movements(reference) {
      const orders = await simulator.orders()
      const digits = { EUR: 2, UGX: 0, KES: 2 } as const
      return orders.filter((order) => order.reference === reference).map(({ amountMinor, currency, card }) => {
        const places = digits[currency as keyof typeof digits]
        const padded = amountMinor.padStart(places + 1, '0')
        const amount = places === 0 ? amountMinor : `${padded.slice(0, -places)}.${padded.slice(-places)}`
        return { amount, currency, phone: card }
      })
    },
    async reverse(reference) {
      await simulator.dispute((await simulator.orders()).find((order) => order.reference === reference)?.id ?? '')
    },
    stop: () => simulator.stop(),
  }
}
