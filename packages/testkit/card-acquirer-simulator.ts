import { SimulatorProcess } from './simulator-process.ts'

/** What the acquirer's portal shows of an account. */
export type AcquirerAccount = { readonly account: string; readonly secret: string }

/** An order as the simulator's books show it. */
export type AcquirerOrder = {
  readonly operation: 'payment' | 'refund'
  readonly reference: string
  /** Our id of it. */
  readonly order: string
  readonly amountMinor: string
  readonly currency: string
  /** One of the test numbers: there are no others. */
  readonly card: string
  readonly original: string | null
  readonly callbackUrl: string | null
  readonly returnUrl: string | null
  readonly status: 'processing' | 'requires_action' | 'succeeded' | 'failed' | 'reversed'
  /** The acquirer's own. */
  readonly id: string
  readonly code: string | null
}

/** The card acquirer's simulator as its own process. */
export class CardAcquirerSimulator extends SimulatorProcess {
  static async start(settings: Readonly<Record<string, string>> = {}): Promise<CardAcquirerSimulator> {
    const program = { room: 'card-acquirer', prefix: 'CARD_ACQUIRER_SIMULATOR_' }
    const simulator = new CardAcquirerSimulator(program, await SimulatorProcess.makeFolder(), settings)
    await simulator.restart()
    return simulator
  }

  /** Makes an account with its secret, as the acquirer's portal would. */
  async provision(): Promise<AcquirerAccount> {
    return await this.mustAnswer(201, { method: 'POST', path: '/simulator/accounts' }) as AcquirerAccount
  }

  /** The holder of the card disputes what was paid. @param id the acquirer's own */
  async dispute(id: string): Promise<void> {
    await this.mustAnswer(200, { method: 'POST', path: `/simulator/orders/${id}/dispute` })
  }

  async orders(): Promise<readonly AcquirerOrder[]> {
    const answer = await this.mustAnswer(200, { method: 'GET', path: '/simulator/orders' })
    return (answer as { readonly orders: readonly AcquirerOrder[] }).orders
  }
}
