import { SimulatorProcess } from './simulator-process.ts'

export type SimulatorCredentials = { readonly apiUser: string; readonly apiKey: string; readonly subscriptionKey: string }
/** A charge as the simulator's books show it. */
export type SimulatorCharge = {
  readonly reference: string
  readonly externalId: string
  readonly payer: string
  readonly amount: string
  readonly currency: string
  readonly environment: string
  readonly callbackUrl: string | null
  readonly payerMessage: string
  readonly status: 'PENDING' | 'SUCCESSFUL' | 'FAILED'
}

/** Any movement as the simulator's books show it: the number at the other end is its party. */
export type SimulatorMovement = Omit<SimulatorCharge, 'payer'> & {
  readonly operation: 'requesttopay' | 'transfer' | 'deposit' | 'refund'
  readonly party: string
  readonly original: string | null
}

/** The MTN MoMo simulator as its own process. */
export class MtnMomoSimulator extends SimulatorProcess {
  static async start(settings: Readonly<Record<string, string>> = {}): Promise<MtnMomoSimulator> {
    const program = { room: 'mtn-momo', prefix: 'MTN_MOMO_SIMULATOR_' }
    const simulator = new MtnMomoSimulator(program, await SimulatorProcess.makeFolder(), settings)
    await simulator.restart()
    return simulator
  }

  /** Makes an API user with its key, as MTN's portal would. */
  async provision(
    targetEnvironment: string, providerCallbackHost: string, product?: 'collection' | 'disbursement',
  ): Promise<SimulatorCredentials> {
    const apiUser = crypto.randomUUID()
    const subscriptionKey = crypto.randomUUID().replaceAll('-', '')
    const headers = { 'ocp-apim-subscription-key': subscriptionKey, 'x-reference-id': apiUser }
    await this.mustAnswer(201, { method: 'POST', path: '/v1_0/apiuser', headers, body: { providerCallbackHost, targetEnvironment, product } })
    const { apiKey } = await this.mustAnswer(201, { method: 'POST', path: `/v1_0/apiuser/${apiUser}/apikey`, headers }) as { apiKey: string }
    return { apiUser, apiKey, subscriptionKey }
  }

  async charges(): Promise<readonly SimulatorCharge[]> {
    const { charges } = await this.mustAnswer(200, { method: 'GET', path: '/simulator/charges' }) as { charges: readonly SimulatorCharge[] }
    return charges
  }

  async movements(): Promise<readonly SimulatorMovement[]> {
    const { movements } = await this.mustAnswer(200, { method: 'GET', path: '/simulator/movements' }) as { movements: readonly SimulatorMovement[] }
    return movements
  }

  /** Puts money where an API user pays out of. */
  async topUp(apiUser: string, amount: string): Promise<void> {
    await this.mustAnswer(200, { method: 'POST', path: '/simulator/float', body: { apiUser, amount } })
  }
}
