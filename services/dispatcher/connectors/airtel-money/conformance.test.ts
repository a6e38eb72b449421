import { createHmac } from 'node:crypto'
import { Secret, systemRandom, type Currency } from '@ngome/kernel'
import { AirtelMoneySimulator, type AirtelApplication } from '@ngome/testkit'
import { declareConformance } from '../testing/conformance.ts'
import type { ExpectedFailure, NetworkUnderTest, RunningNetwork } from '../testing/network-under-test.ts'
import { connectAirtelMoney } from './connect-airtel-money.ts'
import type { PinScheme } from './encrypt-pin.ts'

type Country = { readonly country: string; readonly callingCode: string; readonly signsMessages: boolean; readonly pinScheme: PinScheme; readonly good: string }

/** One country with all of the protocol, one without signatures and with the old PIN. */
const uganda: Country = { country: 'UG', callingCode: '256', signsMessages: true, pinScheme: 'rsa-oaep-sha256', good: '+256752123456' }
const countries: Readonly<Partial<Record<Currency, Country>>> = {
  UGX: uganda, KES: { country: 'KE', callingCode: '254', signsMessages: false, pinScheme: 'rsa-pkcs1', good: '+254733123456' },
}
const callbackKey = 'the portal\'s key of the suite'

const failure = (ending: string, code: ExpectedFailure['failure']): ExpectedFailure => ({ phone: `+2567000000${ending}`, failure: code })
const callback = (status: string, key = callbackKey): string => {
  const transaction = `{"id":"4f1c","message":"m","status_code":"${status}","airtel_money_id":"CI00000000000001"}`
  return `{"transaction":${transaction},"hash":"${createHmac('sha256', key).update(transaction).digest('base64')}"}`
}

const under: NetworkUnderTest = {
  name: 'Airtel Money',
  directions: ['collection', 'payout', 'refund'],
  currencies: ['UGX', 'KES'],
  good: (currency) => (countries[currency] ?? uganda).good,
  fails: {
    collection: [
      failure('50', 'insufficient_funds'), failure('51', 'payer_refused'), failure('52', 'payer_timed_out'), failure('53', 'payer_timed_out'),
      failure('55', 'payer_unknown'), failure('56', 'payer_refused'), failure('57', 'limit_exceeded'), failure('58', 'payer_timed_out'),
      failure('59', 'not_allowed'), failure('60', 'not_allowed'), failure('69', 'payer_timed_out'),
    ],
    payout: [
      failure('50', 'network_refused'), failure('51', 'not_allowed'), failure('52', 'payer_unknown'), failure('53', 'network_refused'),
      failure('55', 'payer_unknown'), failure('56', 'not_allowed'), failure('57', 'limit_exceeded'), failure('58', 'not_allowed'),
      failure('59', 'network_refused'), failure('60', 'not_allowed'),
    ],
    refund: [],
  },
  refuses: {
    collection: [failure('65', 'network_refused'), failure('66', 'payer_unknown')],
    payout: [failure('65', 'network_refused'), failure('66', 'payer_unknown')],
    refund: [],
  },
  // A refund that is taken back shows as the collection that stands again, which is its collection's state.
  reverses: ['collection', 'payout'],
  // Airtel's answers repeat the id alone.
  tells: [],
  holders: { active: '+256752123456', other: '+256700000055' },
  callbacks: [
    { body: callback('TS'), claims: 'succeeded' },
    { body: callback('TF'), claims: 'failed' },
    { body: callback('TE'), claims: 'failed' },
    { body: callback('TIP'), claims: undefined },
    { body: callback('TS', 'another key'), claims: undefined },
    { body: callback('TF').replace('TF', 'TS'), claims: undefined },
  ],
  tokenExpired: { status: 401, body: '{"error":"invalid_token","error_description":"Invalid access token"}' },
  saying: (text, { reference }) => {
    const status = { code: text, message: text, result_code: text, response_code: text, success: false }
    const transaction = { id: reference.replaceAll('-', ''), message: text, airtel_money_id: text }
    return [
      { status: 400, body: JSON.stringify({ status_code: text, status_message: text }) },
      ...['TF', 'TS', 'TA', 'TR', 'TE', text].map((state) => ({
        status: 200, body: JSON.stringify({ data: { transaction: { ...transaction, status: state } }, status }),
      })),
    ]
  },
  callOf: (method, path) => {
    if (path === '/auth/oauth2/token') return 'token'
    if (!/\/(?:payments|disbursements)\//.test(path)) return 'other'
    return method === 'POST' ? 'request' : 'enquiry'
  },
  start: startSimulator,
}

declareConformance(under)

async function startSimulator(): Promise<RunningNetwork> {
  const simulator = await AirtelMoneySimulator.start({
    DECIDE_AFTER_MS: '40', DELAYED_AFTER_MS: '150', EXPIRE_AFTER_MS: '300', CALLS_PER_SECOND_MAX: '1000',
  })
  const applications = new Map<string, Promise<AirtelApplication>>()
  /** Airtel has no reference of a refund, only what it gives back. */
  const originals = new Map<string, string | null>()
  return {
    port: simulator.port,
    async connect({ egress, clock, currency, ...rest }) {
      const { good: _, ...country } = countries[currency] ?? uganda
      // A transaction is shown only to the application that made it.
      const provisioned = applications.get(country.country) ?? simulator.provision(country.country)
      applications.set(country.country, provisioned)
      const { clientId, clientSecret, pin, pinKey } = await provisioned
      const settings = { ...rest, ...country, currency, messageKeySha256: undefined, namesCallback: true }
      const credentials = {
        clientId: new Secret(clientId), clientSecret: new Secret(clientSecret), pin: new Secret(pin), pinKey: new Secret(pinKey), callbackKey: new Secret(callbackKey),
      }
      const network = connectAirtelMoney(settings, credentials, { egress, clock, random: systemRandom })
      return {
        ...network,
        request: (request) => {
          if (request.original !== null) originals.set(request.reference, request.original.networkReference)
          return network.request(request)
        },
      }
    },
    async movements(reference) {
      const original = originals.get(reference)
      const transactions = await simulator.transactions()
      return transactions
        .filter(({ id, airtelMoneyId, isReversed }) => (
          original === undefined ? id === reference.replaceAll('-', '') : airtelMoneyId === original && isReversed
        ))
        .map(({ amount, currency, country, msisdn }) => ({ amount, currency, phone: `+${country === 'KE' ? '254' : '256'}${msisdn}` }))
    },
    async reverse(reference) {
      const transaction = (await simulator.transactions()).find(({ id }) => id === reference.replaceAll('-', ''))
      await simulator.reverse(transaction?.airtelMoneyId ?? '')
    },
    stop: () => simulator.stop(),
  }
}
