import { Secret, type Currency } from '@ngome/kernel'
import { MtnMomoSimulator, type SimulatorCredentials } from '@ngome/testkit'
import type { ExpectedFailure, NetworkUnderTest, RunningNetwork } from '../../testing/network-under-test.ts'
import { connectMtnMomo } from '../connect-mtn-momo.ts'
import type { ProductCredentials } from '../product.ts'

const environments: Readonly<Partial<Record<Currency, readonly [string, string]>>> = {
  EUR: ['sandbox', '+46733123499'],
  UGX: ['mtnuganda', '+256772123456'],
  XOF: ['mtnbenin', '+2290197000000'],
  GHS: ['mtnghana', '+233241234567'],
}
const [, goodInSandbox] = environments.EUR ?? ['', '']

const failure = (ending: string, code: ExpectedFailure['failure']): ExpectedFailure => ({ phone: `+467331234${ending}`, failure: code })

/** MTN MoMo as the conformance suite is told of it. */
export const mtnMomoUnderTest: NetworkUnderTest = {
  name: 'MTN MoMo',
  directions: ['collection', 'payout', 'refund'],
  currencies: ['EUR', 'UGX', 'XOF', 'GHS'],
  holders: { active: '+46733123499', other: '+46733123455' },
  good: (currency) => environments[currency]?.[1] ?? goodInSandbox,
  fails: {
    collection: [
      failure('50', 'insufficient_funds'), failure('51', 'payer_refused'), failure('52', 'payer_timed_out'),
      failure('53', 'payer_timed_out'), failure('55', 'payer_unknown'), failure('56', 'not_allowed'), failure('57', 'not_allowed'),
      failure('61', 'insufficient_funds'), failure('63', 'payer_timed_out'),
    ],
    payout: [
      failure('50', 'network_refused'), failure('51', 'payer_refused'), failure('52', 'payer_timed_out'), failure('53', 'network_refused'),
      failure('55', 'network_refused'), failure('56', 'network_refused'), failure('57', 'payer_unknown'), failure('58', 'not_allowed'),
      failure('62', 'network_refused'),
    ],
    refund: [
      failure('01', 'payer_unknown'), failure('02', 'network_refused'), failure('03', 'payer_refused'), failure('04', 'payer_timed_out'),
      failure('05', 'network_refused'), failure('07', 'not_allowed'), failure('11', 'network_refused'), failure('13', 'network_refused'),
    ],
  },
  refuses: {
    collection: [failure('58', 'network_refused'), failure('59', 'network_refused'), failure('60', 'network_refused')],
    payout: [failure('59', 'network_refused'), failure('60', 'network_refused'), failure('61', 'network_refused')],
    refund: [failure('08', 'network_refused'), failure('09', 'network_refused'), failure('10', 'network_refused')],
  },
  // No state of MTN's says that a success was taken back: it settles that with the operator, outside of its API.
  reverses: [],
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

async function startSimulator(): Promise<RunningNetwork> {
  const simulator = await MtnMomoSimulator.start({
    DECIDE_AFTER_MS: '40', DELAYED_AFTER_MS: '150', EXPIRE_AFTER_MS: '300', STATUS_PER_SECOND_MAX: '1000', FLOAT: '10000000000',
  })
  const users = new Map<string, Promise<SimulatorCredentials>>()
  // A movement is shown only to the API user that made it.
  const userOf = (environment: string, product: 'collection' | 'disbursement'): Promise<SimulatorCredentials> => {
    const name = `${environment} ${product}`
    const user = users.get(name) ?? simulator.provision(environment, 'localhost', product)
    users.set(name, user)
    return user
  }
  return {
    port: simulator.port,
    async connect({ network, egress, clock, currency, requestTimeoutMs, enquiriesPerSecondMax }) {
      const [targetEnvironment] = environments[currency] ?? ['sandbox']
      const [collection, disbursement] = await Promise.all([
        userOf(targetEnvironment, 'collection'), userOf(targetEnvironment, 'disbursement'),
      ])
      const settings = {
        network, targetEnvironment, requestTimeoutMs, enquiriesPerSecondMax,
        disbursement: { currency, payBy: 'transfer', version: 'v1_0' },
      } as const
      return connectMtnMomo(settings, { ...secretsOf(collection), disbursement: secretsOf(disbursement) }, egress, clock)
    },
    async movements(reference) {
      const movements = await simulator.movements()
      return movements.filter((movement) => movement.reference === reference)
        .map(({ amount, currency, party }) => ({ amount, currency, phone: `+${party}` }))
    },
    stop: () => simulator.stop(),
  }
}

function secretsOf({ apiUser, apiKey, subscriptionKey }: SimulatorCredentials): ProductCredentials {
  return { apiUser: new Secret(apiUser), apiKey: new Secret(apiKey), subscriptionKey: new Secret(subscriptionKey) }
}
