import type { Limits, ListBalancesAnswer } from './api/answers.ts'
import type { ListNetworksAnswer } from './api/payout-answers.ts'
import type { OperationName, Operations } from './api/operations.ts'
import { Caller, type CallInput, type CallOptions } from './caller.ts'
import { readOptions, type NgomeOptions } from './options.ts'
import { ApiKeys } from './resources/api-keys.ts'
import { CheckoutSessions } from './resources/checkout-sessions.ts'
import { Events } from './resources/events.ts'
import { Forwards } from './resources/forwards.ts'
import { Payments } from './resources/payments.ts'
import { PayoutBatches } from './resources/payout-batches.ts'
import { Payouts } from './resources/payouts.ts'
import { Refunds } from './resources/refunds.ts'
import { Settlements } from './resources/settlements.ts'
import { Statements } from './resources/statements.ts'
import { Usage } from './resources/usage.ts'
import { Vault } from './resources/vault.ts'
import { WebhookEndpoints } from './resources/webhook-endpoints.ts'
import type { Runtime } from './runtime.ts'

/** A client of the API, whatever it runs in. Nothing of its key shows when it is printed. */
export class Client {
  readonly payments: Payments
  readonly payouts: Payouts
  readonly payoutBatches: PayoutBatches
  readonly refunds: Refunds
  readonly checkoutSessions: CheckoutSessions
  readonly webhookEndpoints: WebhookEndpoints
  readonly events: Events
  readonly vault: Vault
  readonly forwards: Forwards
  readonly apiKeys: ApiKeys
  readonly usage: Usage
  readonly settlements: Settlements
  readonly statements: Statements
  readonly #caller: Caller

  /** @throws ConfigurationError where the options cannot be worked with */
  constructor(options: NgomeOptions, runtime: Runtime) {
    const settings = readOptions(options, runtime)
    this.#caller = new Caller(settings, runtime, runtime.transport({ ca: options.ca, pins: options.pins }))
    this.payments = new Payments(this.#caller)
    this.payouts = new Payouts(this.#caller)
    this.payoutBatches = new PayoutBatches(this.#caller)
    this.refunds = new Refunds(this.#caller)
    this.checkoutSessions = new CheckoutSessions(this.#caller)
    this.webhookEndpoints = new WebhookEndpoints(this.#caller)
    this.events = new Events(this.#caller)
    this.vault = new Vault(this.#caller)
    this.apiKeys = new ApiKeys(this.#caller)
    this.usage = new Usage(this.#caller)
    this.settlements = new Settlements(this.#caller)
    this.statements = new Statements(this.#caller)
    this.forwards = new Forwards(this.#caller, runtime)
  }

  /** The platform's limits of this key and its merchant, and what is left of them. */
  async limits(options?: CallOptions): Promise<Limits> {
    return this.#caller.call('getLimits', {}, options)
  }

  /** What your account holds, by currency: `available` can be taken now. */
  async balances(options?: CallOptions): Promise<ListBalancesAnswer['data']> {
    return (await this.#caller.call('listBalances', {}, options)).data
  }

  /** The payment networks of your world, and how they do now. */
  async networks(options?: CallOptions): Promise<ListNetworksAnswer['data']> {
    return (await this.#caller.call('listNetworks', {}, options)).data
  }

  /** Any operation of the API's document, by its name; the methods by resource are this with checks. */
  async call<N extends OperationName>(operation: N, input: CallInput<N>, options?: CallOptions): Promise<Operations[N]['answer']> {
    return this.#caller.call(operation, input, options)
  }

  /** Ends the connections that are kept, so that a program can end. */
  close(): void {
    this.#caller.close()
  }
}
