import { SimulatorProcess } from './simulator-process.ts'

/** What Airtel's portal shows of an application. */
export type AirtelApplication = {
  readonly clientId: string
  readonly clientSecret: string
  readonly callbackKey: string
  readonly pin: string
  /** Base64 of DER, SubjectPublicKeyInfo. */
  readonly pinKey: string
}
/** A transaction as the simulator's books show it. */
export type AirtelTransaction = {
  readonly product: 'collection' | 'disbursement'
  readonly id: string
  readonly country: string
  readonly currency: string
  readonly amount: string
  readonly msisdn: string
  readonly reference: string
  readonly airtelMoneyId: string
  readonly callbackUrl: string | null
  readonly status: 'TS' | 'TF' | 'TE' | 'TA' | 'TIP' | 'TR'
  /** Whether a refund was taken, though it may not show yet. */
  readonly isReversed: boolean
}

/** The Airtel Money simulator as its own process. */
export class AirtelMoneySimulator extends SimulatorProcess {
  static async start(settings: Readonly<Record<string, string>> = {}): Promise<AirtelMoneySimulator> {
    const program = { room: 'airtel-money', prefix: 'AIRTEL_MONEY_SIMULATOR_' }
    const simulator = new AirtelMoneySimulator(program, await SimulatorProcess.makeFolder(), settings)
    await simulator.restart()
    return simulator
  }

  /** Makes an application with its secrets, as Airtel's portal would. */
  async provision(country: string, callbackUrl: string | null = null): Promise<AirtelApplication> {
    return await this.mustAnswer(201, { method: 'POST', path: '/simulator/applications', body: { country, callbackUrl } }) as AirtelApplication
  }

  /** Airtel takes back what succeeded. */
  async reverse(airtelMoneyId: string): Promise<void> {
    await this.mustAnswer(200, { method: 'POST', path: `/simulator/transactions/${airtelMoneyId}/reverse` })
  }

  async transactions(): Promise<readonly AirtelTransaction[]> {
    const answer = await this.mustAnswer(200, { method: 'GET', path: '/simulator/transactions' })
    return (answer as { readonly transactions: readonly AirtelTransaction[] }).transactions
  }
}
