import { parseAmount, Secret, systemClock, systemRandom, type Currency } from '@ngome/kernel'
import { csvFormats, type CsvFormat } from '@ngome/payments'
import { AirtelMoneySimulator, CardAcquirerSimulator, MtnMomoSimulator } from '@ngome/testkit'
import { connectAirtelMoney } from '../connectors/airtel-money/connect-airtel-money.ts'
import { connectCardAcquirer } from '../connectors/card-acquirer/connect-card-acquirer.ts'
import { connectMtnMomo } from '../connectors/mtn-momo/connect-mtn-momo.ts'
import type { Network } from '../dispatcher.ts'
import { createEgressGuard, type EgressGuard } from '../egress/egress-guard.ts'

type ReportingSimulator = MtnMomoSimulator | AirtelMoneySimulator | CardAcquirerSimulator
export type Payer = { readonly phone: string } | { readonly card: string }

/** A network whose simulator reports its books, with a connector to it that waits for no answer long. */
export type ReportedNetwork<Simulator extends ReportingSimulator = ReportingSimulator> = {
  readonly name: string
  readonly currency: Currency
  readonly payer: Payer
  readonly network: Network
  readonly format: CsvFormat
  readonly simulator: Simulator
  readonly egress: EgressGuard
  /** What it moved by its own books, in minor units: what came in less what went out. */
  moved(): Promise<bigint>
}

const requestTimeoutMs = 250
const times = { settleAfterMs: 1, enquiryIntervalMs: 1, giveUpAfterMs: 2_000, sendWithinMs: 60_000 } as const

export async function startMtn(): Promise<ReportedNetwork<MtnMomoSimulator>> {
  const simulator = await MtnMomoSimulator.start({ DECIDE_AFTER_MS: '30', DELAYED_AFTER_MS: '150', EXPIRE_AFTER_MS: '300', STATUS_PER_SECOND_MAX: '1000' })
  const name = 'mtn-sandbox'
  const egress = egressTo(name, simulator.port)
  const [collection, disbursement] = [await simulator.provision('sandbox', 'localhost', 'collection'), await simulator.provision('sandbox', 'localhost', 'disbursement')]
  const secretsOf = ({ apiUser, apiKey, subscriptionKey }: typeof collection) => (
    { apiUser: new Secret(apiUser), apiKey: new Secret(apiKey), subscriptionKey: new Secret(subscriptionKey) })
  const settings = {
    network: name, targetEnvironment: 'sandbox', requestTimeoutMs, enquiriesPerSecondMax: 1_000,
    disbursement: { currency: 'EUR', payBy: 'transfer', version: 'v1_0' },
  } as const
  const connector = connectMtnMomo(settings, { ...secretsOf(collection), disbursement: secretsOf(disbursement) }, egress, systemClock)
  return {
    name, currency: 'EUR', payer: { phone: '+46733123499' }, simulator, egress, format: csvFormats['mtn-momo'],
    network: { connector, provider: 'mtn-momo', world: 'test', currency: 'EUR', callingCode: '46', ...times },
    async moved() {
      const movements = await simulator.movements()
      return movements.filter(({ status }) => status === 'SUCCESSFUL')
        .reduce((sum, { operation, amount }) => sum + (operation === 'requesttopay' ? 1n : -1n) * minorOf(amount, 'EUR'), 0n)
    },
  }
}

export async function startAirtel(): Promise<ReportedNetwork<AirtelMoneySimulator>> {
  const simulator = await AirtelMoneySimulator.start({ DECIDE_AFTER_MS: '30', DELAYED_AFTER_MS: '150', EXPIRE_AFTER_MS: '300', CALLS_PER_SECOND_MAX: '1000' })
  const name = 'airtel-sandbox'
  const egress = egressTo(name, simulator.port)
  const { clientId, clientSecret, callbackKey, pin, pinKey } = await simulator.provision('UG')
  const settings = {
    network: name, country: 'UG', callingCode: '256', currency: 'UGX', signsMessages: true, pinScheme: 'rsa-oaep-sha256', messageKeySha256: undefined,
    namesCallback: true, requestTimeoutMs, enquiriesPerSecondMax: 1_000,
  } as const
  const connector = connectAirtelMoney(settings, {
    clientId: new Secret(clientId), clientSecret: new Secret(clientSecret), callbackKey: new Secret(callbackKey), pin: new Secret(pin), pinKey: new Secret(pinKey),
  }, { egress, clock: systemClock, random: systemRandom })
  return {
    name, currency: 'UGX', payer: { phone: '+256752123456' }, simulator, egress, format: csvFormats['airtel-money'],
    network: { connector, provider: 'airtel-money', world: 'test', currency: 'UGX', callingCode: '256', ...times },
    async moved() {
      const transactions = await simulator.transactions()
      return transactions.reduce((sum, { product, status, amount }) => (
        // What was given back came before, so that nothing of it is left.
        status === 'TS' ? sum + (product === 'collection' ? 1n : -1n) * minorOf(amount, 'UGX') : sum), 0n)
    },
  }
}

export async function startCard(): Promise<ReportedNetwork<CardAcquirerSimulator>> {
  const simulator = await CardAcquirerSimulator.start({ DECIDE_AFTER_MS: '30', DELAYED_AFTER_MS: '150', CHALLENGE_FOR_MS: '1000', CALLS_PER_SECOND_MAX: '1000' })
  const name = 'card-sandbox'
  const egress = egressTo(name, simulator.port)
  const { account, secret } = await simulator.provision()
  const settings = { network: name, challengeOrigins: [simulator.url], requestTimeoutMs, enquiriesPerSecondMax: 1_000 }
  const connector = connectCardAcquirer(settings, { account: new Secret(account), secret: new Secret(secret) }, { egress, clock: systemClock })
  return {
    name, currency: 'EUR', payer: { card: '4242424242424242' }, simulator, egress, format: csvFormats['card-acquirer'],
    network: { connector, provider: 'card-acquirer', world: 'test', currency: 'EUR', callingCode: '', ...times },
    async moved() {
      const orders = await simulator.orders()
      return orders.filter(({ status }) => status === 'succeeded')
        .reduce((sum, { operation, amountMinor }) => sum + (operation === 'payment' ? 1n : -1n) * BigInt(amountMinor), 0n)
    },
  }
}

function minorOf(amount: string, currency: Currency): bigint {
  const minor = parseAmount(amount, currency)
  if (minor === undefined) throw new Error(`no amount of ${currency}: ${amount}`)
  return minor
}

function egressTo(name: string, port: number): EgressGuard {
  const address = `127.0.0.1:${port}`
  return createEgressGuard({
    providers: { [name]: { baseUrl: `http://${address}` } }, allowPrivate: [address], resolve: async () => { throw new Error('nothing has a name here') },
  })
}
