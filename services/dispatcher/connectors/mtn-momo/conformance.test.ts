import type { Currency } from '@ngome/kernel'
import { Secret } from '@ngome/kernel'
import { MtnMomoSimulator, type SimulatorCredentials } from '@ngome/testkit'
import { declareConformance } from '../testing/conformance.ts'
import type { ExpectedFailure, NetworkUnderTest, RunningNetwork } from '../testing/network-under-test.ts'
import { connectMtnMomo, type MtnMomoCredentials } from './connect-mtn-momo.ts'

const environments: Readonly<Partial<Record<Currency, readonly [string, string]>>> = {
  EUR: ['sandbox', '+46733123499'], UGX: ['mtnuganda', '+256772123456'],
}
const [, goodInSandbox] = environments.EUR ?? ['', '']

const failure = (ending: string, code: ExpectedFailure['failure']): ExpectedFailure => ({ phone: `+467331234${ending}`, failure: code })

const under: NetworkUnderTest = {
  name: 'MTN MoMo',
  directions: ['collection'],
  currencies: ['EUR', 'UGX'],
  good: (currency) => environments[currency]?.[1] ?? goodInSandbox,
  fails: {
    collection: [
      failure('50', 'insufficient_funds'), failure('51', 'payer_refused'), failure('52', 'payer_timed_out'),
      failure('53', 'payer_timed_out'), failure('55', 'payer_unknown'), failure('56', 'not_allowed'), failure('57', 'not_allowed'),
      failure('61', 'insufficient_funds'), failure('63', 'payer_timed_out'),
    ],
    payout: [],
    refund: [],
  },
  refuses: {
    collection: [failure('58', 'network_refused'), failure('59', 'network_refused'), failure('60', 'network_refused')],
    payout: [],
    refund: [],
  },
  tells: ['amount', 'currency', 'payment'],
  callbacks: [
    { body: '{"status":"SUCCESSFUL","externalId":"x"}', claims: 'succeeded' },
    { body: '{"status":"FAILED","reason":"EXPIRED"}', claims: 'failed' },
    { body: '{"status":"PENDING"}', claims: undefined },
    { body: '{"status":["SUCCESSFUL"]}', claims: undefined },
  ],
  tokenExpired: { status: 401, body: '{"code":"INVALID_TOKEN","message":"Access token is invalid or has expired."}' },
  saying: (text, { payment, amount, currency }) => [
    { status: 500, body: JSON.stringify({ code: text, message: text }) },
    { status: 400, body: JSON.stringify({ code: text, message: text }) },
    ...[text, { code: text, message: text }].map((reason) => ({
      status: 200, body: JSON.stringify({ status: 'FAILED', externalId: payment, amount, currency, reason }),
    })),
  ],
  callOf: (method, path) => {
    if (path.endsWith('/token/')) return 'token'
    if (!/\/(?:requesttopay|transfer|deposit|refund)(?:\/|$)/.test(path)) return 'other'
    return method === 'POST' ? 'request' : 'enquiry'
  },
  start: startSimulator,
}

declareConformance(under)

async function startSimulator(): Promise<RunningNetwork> {
  const simulator = await MtnMomoSimulator.start({
    DECIDE_AFTER_MS: '40', DELAYED_AFTER_MS: '150', EXPIRE_AFTER_MS: '300', STATUS_PER_SECOND_MAX: '1000',
  })
  const users = new Map<string, Promise<SimulatorCredentials>>()
  return {
    port: simulator.port,
    async connect({ network, egress, clock, currency, requestTimeoutMs, enquiriesPerSecondMax }) {
      const [targetEnvironment] = environments[currency] ?? ['sandbox']
      // A charge is shown only to the API user that made it.
      const provisioned = users.get(targetEnvironment) ?? simulator.provision(targetEnvironment, 'localhost')
      users.set(targetEnvironment, provisioned)
      const settings = { network, targetEnvironment, requestTimeoutMs, enquiriesPerSecondMax }
      return connectMtnMomo(settings, secretsOf(await provisioned), egress, clock)
    },
    async movements(reference) {
      const charges = await simulator.charges()
      return charges.filter((charge) => charge.reference === reference)
        .map(({ amount, currency, payer }) => ({ amount, currency, phone: `+${payer}` }))
    },
    stop: () => simulator.stop(),
  }
}

function secretsOf({ apiUser, apiKey, subscriptionKey }: SimulatorCredentials): MtnMomoCredentials {
  return { apiUser: new Secret(apiUser), apiKey: new Secret(apiKey), subscriptionKey: new Secret(subscriptionKey) }
}
