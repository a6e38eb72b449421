import { setTimeout as sleep } from 'node:timers/promises'
import type { PaymentDirection } from '@ngome/contracts'
import { newId, Secret, systemClock, systemRandom, type Currency, type Money } from '@ngome/kernel'
import { createEgressGuard, type EgressGuard } from '../../egress/egress-guard.ts'
import type { EnquiryOutcome, OriginalPayment, PaymentNetwork, PaymentRequest } from '../payment-network.ts'
import { Interposer } from './interposer.ts'
import { networkName, type Connecting, type NetworkUnderTest, type RunningNetwork } from './network-under-test.ts'

/** What a simulator on a busy machine never needs. */
const patientMs = 5_000
/** What the tests of silence wait, many times. */
export const impatientMs = 300
const settleMsMax = 10_000
const from = { clock: systemClock, random: systemRandom }

/** What must never be found in anything that a connector says: it goes to logs and to the database in clear. */
export const planted = { description: 'planted description', callback: 'planted-callback-token', returnPath: 'planted-return-path' } as const

/** A running network, somebody between it and the connector, and the connector: what each conformance test stands on. */
export class Trial {
  readonly under: NetworkUnderTest
  readonly running: RunningNetwork
  readonly interposer: Interposer
  readonly connector: PaymentNetwork
  /** Another, for tests of silence: it does not wait long. */
  readonly impatient: PaymentNetwork
  /** All outcomes so far, as JSON, with the phone number that they are about. */
  readonly said: { readonly text: string; readonly phone: string }[]
  readonly #egress: EgressGuard

  private constructor(
    parts: Pick<Trial, 'under' | 'running' | 'interposer' | 'connector' | 'impatient' | 'said'>, egress: EgressGuard,
  ) {
    this.under = parts.under
    this.running = parts.running
    this.interposer = parts.interposer
    this.connector = parts.connector
    this.impatient = parts.impatient
    this.said = parts.said
    this.#egress = egress
  }

  static async start(under: NetworkUnderTest): Promise<Trial> {
    const running = await under.start()
    const interposer = new Interposer(running.port, under.callOf)
    await interposer.open()
    const address = `127.0.0.1:${interposer.port}`
    const egress = createEgressGuard({
      providers: { [networkName]: { baseUrl: `http://${address}` } }, allowPrivate: [address],
      resolve: async () => { throw new Error('nothing has a name here') },
    })
    const said: Trial['said'] = []
    const connector = watched(await running.connect(connecting(under, egress)), said)
    const impatient = watched(await running.connect({ ...connecting(under, egress), requestTimeoutMs: impatientMs }), said)
    return new Trial({ under, running, interposer, connector, impatient, said }, egress)
  }

  async stop(): Promise<void> {
    this.#egress.close()
    await this.interposer.close()
    await this.running.stop()
  }

  /** Another connector, which has no token yet. */
  async connect(changes: Partial<Connecting> = {}): Promise<PaymentNetwork> {
    return watched(await this.running.connect({ ...connecting(this.under, this.#egress), ...changes }), this.said)
  }

  /** A request that nothing is wrong with; a refund's collection is made for it, and has succeeded. */
  async requestFor(direction: PaymentDirection, changes: Partial<PaymentRequest> & { readonly to?: string } = {}): Promise<PaymentRequest> {
    const { to, ...others } = changes
    const [currency] = this.under.currencies
    const { money = { amountMinor: 500n, currency } } = others
    const phone = to ?? this.under.good(money.currency)
    const original = direction === 'refund' ? await this.#collect(phone, money) : null
    return {
      direction, reference: crypto.randomUUID(), payment: newId(idKinds[direction], from), money, ...this.#payer(direction, phone),
      description: planted.description, callbackUrl: `https://localhost:8443/v1/callbacks/any/${planted.callback}`,
      original, beforeFirstByte: async () => true, ...others,
    }
  }

  #payer(direction: PaymentDirection, number: string): Pick<PaymentRequest, 'phone' | 'card'> {
    if (this.under.payBy !== 'card') return { phone: new Secret(number) }
    if (direction !== 'collection') return { phone: null }
    return { phone: null, card: { number: new Secret(number), expiry: { month: 12, year: 2099 }, returnUrl: `https://shop.example/${planted.returnPath}` } }
  }

  async #collect(phone: string, money: Money): Promise<OriginalPayment> {
    const connector = await this.running.connect(connecting(this.under, this.#egress, money.currency))
    const collection = await this.requestFor('collection', { to: phone, money })
    await connector.request(collection)
    const end = await settled(connector, collection)
    if (end.kind !== 'succeeded') throw new Error(`a collection to refund ended as ${JSON.stringify(end)}`)
    return { reference: collection.reference, networkReference: end.networkReference, money }
  }

  async moved(request: PaymentRequest): Promise<number> {
    return (await this.running.movements(request.reference)).length
  }
}

const idKinds = { collection: 'payment', payout: 'payout', refund: 'refund' } as const

function connecting(under: NetworkUnderTest, egress: EgressGuard, currency: Currency = under.currencies[0]): Connecting {
  return { network: networkName, egress, clock: systemClock, currency, requestTimeoutMs: patientMs, enquiriesPerSecondMax: 1_000 }
}

function watched(network: PaymentNetwork, said: Trial['said']): PaymentNetwork {
  const phones = new Map<string, string>()
  const heard = <T>(outcome: T, reference: string): T => {
    said.push({ text: JSON.stringify(outcome), phone: phones.get(reference) ?? '' })
    return outcome
  }
  return {
    directions: network.directions,
    isIdempotent: network.isIdempotent,
    ...network.takesCards === undefined ? {} : { takesCards: network.takesCards },
    prepare: (direction) => network.prepare(direction),
    async request(request) {
      phones.set(request.reference, payerOf(request))
      return heard(await network.request(request), request.reference)
    },
    enquire: async (asked) => heard(await network.enquire(asked), asked.reference),
    readCallback: (body) => network.readCallback(body),
    ...(network.balance === undefined ? {} : { balance: () => network.balance?.() ?? Promise.resolve(undefined) }),
    ...(network.holderOf === undefined ? {} : { holderOf: (phone) => network.holderOf?.(phone) ?? Promise.resolve('unknown') }),
    ...(network.check === undefined ? {} : { check: () => network.check?.() ?? Promise.resolve([]) }),
  }
}

/** The number at the other end, of a phone or a card; nothing of a refund that goes by its collection alone. */
export function payerOf({ phone, card }: PaymentRequest): string {
  return (phone ?? card?.number)?.expose((number) => number) ?? ''
}

/** Gives the running trial to tests that are declared before it runs. */
export type Trials = () => Trial

/** The parts of the running trial that most tests need, so that they read as sentences. */
export function bound(trials: Trials) {
  const trial = trials()
  return {
    connector: trial.connector,
    running: trial.running,
    impatient: trial.impatient,
    interposer: trial.interposer,
    requestFor: trial.requestFor.bind(trial),
    connect: trial.connect.bind(trial),
    moved: trial.moved.bind(trial),
  }
}

/** Asks until the network says how it ended. */
export async function settled(network: PaymentNetwork, request: PaymentRequest): Promise<EnquiryOutcome> {
  const untilMs = performance.now() + settleMsMax
  let outcome = await network.enquire(request)
  while (outcome.kind === 'pending' && performance.now() < untilMs) {
    await sleep(20)
    outcome = await network.enquire(request)
  }
  return outcome
}
