import { createPaymentSchema, createPayoutSchema, createRefundSchema } from '@ngome/contracts'
import { Fault, type ApiKeyId, type MerchantSigningKeyId, type PaymentId, type Tenant } from '@ngome/kernel'
import { signRequest } from '@ngome/signatures'
import type { KeyObject } from 'node:crypto'
import type { Answer } from '../services/gateway/http/answer.ts'
import type { Chance } from './chance.ts'
import type { Faults } from './faults.ts'
import { host, type MerchantRequest, type ModelGateway } from './model-gateway.ts'
import type { Life, Scheduler } from './scheduler.ts'

export type MerchantKeys = { readonly tenant: Tenant; readonly apiKey: ApiKeyId; readonly signing: { readonly id: MerchantSigningKeyId; readonly privateKey: KeyObject } }

/** A gateway that is up, and its life; none where all are down. */
export type FindGateway = () => { readonly gateway: ModelGateway; readonly life: Life } | undefined

/** Where an order may go: a network, in its currency, with a number that it takes. */
export type Market = { readonly network: string; readonly currency: string; readonly digits: number; readonly phone: string }

type Reply = { readonly answer: Answer } | { readonly fault: Fault } | 'lost'
type Order = { readonly path: string; readonly body: object | undefined; readonly isSigned: boolean }

const answerTimeoutMs = 30_000
const pauseMsMax = 20_000
/** Some dozens are under way at any moment, from each merchant. */
const repetitionEveryMs = 25
/** What a client comes again for: nothing is decided yet. A signature is made anew for each try. */
const passing: ReadonlySet<string> = new Set(['store/unavailable', 'custodian/unavailable', 'idempotency/in_flight', 'access/signature_refused'])

const pathOf: Readonly<Record<string, string>> = { pay: '/v1/payments', pyt: '/v1/payouts', rfd: '/v1/refunds' }

/** What a run's merchants saw. */
export type Seen = {
  readonly acknowledged: Map<string, PaymentId>
  /** Answers that contradict an earlier one to the same key. */
  readonly contradictions: string[]
  readonly refusals: Map<string, number>
  requests: number
  clients: number
}

/** A merchant's program: orders, and repeats each order with its key until it has an answer, as the documentation tells it to. */
export class ModelMerchant {
  readonly #from: { readonly scheduler: Scheduler; readonly chance: Chance; readonly faults: Faults; readonly find: FindGateway; readonly seen: Seen }
  readonly #keys: MerchantKeys
  readonly #markets: readonly Market[]
  readonly #world: Life = { isOver: false }
  readonly #collections: { readonly id: PaymentId; readonly amount: string }[] = []

  constructor(
    from: { readonly scheduler: Scheduler; readonly chance: Chance; readonly faults: Faults; readonly find: FindGateway; readonly seen: Seen },
    keys: MerchantKeys, markets: readonly Market[],
  ) {
    this.#from = from
    this.#keys = keys
    this.#markets = markets
  }

  /** A client that places so many orders, one after the other. */
  work(orders: number): void {
    const { scheduler, chance, seen } = this.#from
    seen.clients++
    scheduler.start(chance.between(0, pauseMsMax), this.#world, async () => {
      for (let count = 0; count < orders; count++) {
        await this.#place(this.#order())
        await scheduler.pause(chance.between(10, pauseMsMax), this.#world)
      }
      seen.clients--
    })
  }

  /** Repeats one order with one key, so many times at once; each gets the same answer or none. */
  repeat(times: number): void {
    const { scheduler, chance, seen } = this.#from
    const order = this.#collection()
    const key = this.#newKey()
    for (let count = 0; count < times; count++) {
      seen.clients++
      scheduler.start(chance.between(0, times * repetitionEveryMs), this.#world, async () => {
        await this.#insist(order, key)
        seen.clients--
      })
    }
  }

  #order(): Order {
    const { chance } = this.#from
    const choice = chance.between(1, 100)
    const [collection] = this.#collections.length === 0 ? [] : [chance.pick(this.#collections)]
    if (choice <= 55 || collection === undefined) return this.#collection()
    const market = chance.pick(this.#markets)
    if (choice <= 78) {
      const body = { ...this.#money(market), network: market.network, payee: { phone: market.phone }, reference: this.#reference() }
      return { path: '/v1/payouts', body: createPayoutSchema.parse(body), isSigned: true }
    }
    const amount = chance.happens(0.5) ? collection.amount : halfOf(collection.amount)
    return { path: `/v1/payments/${collection.id}/refunds`, body: createRefundSchema.parse({ amount, reference: this.#reference() }), isSigned: true }
  }

  #collection(): Order {
    const market = this.#from.chance.pick(this.#markets)
    const body = { ...this.#money(market), network: market.network, payer: { phone: market.phone }, reference: this.#reference() }
    return { path: '/v1/payments', body: createPaymentSchema.parse(body), isSigned: false }
  }

  #money({ currency, digits }: Market): { readonly amount: string; readonly currency: string } {
    const { chance } = this.#from
    const units = chance.between(1, 500)
    return { amount: digits === 0 ? `${units * 100}` : `${units}.${String(chance.between(0, 99)).padStart(2, '0')}`, currency }
  }

  #reference(): string {
    return `order-${this.#from.chance.between(1, 1_000_000_000)}`
  }

  #newKey(): string {
    return Buffer.from(this.#from.chance.random.bytes(16)).toString('hex')
  }

  async #place(order: Order): Promise<void> {
    const { chance } = this.#from
    const key = this.#newKey()
    const id = await this.#insist(order, key)
    if (id === undefined) return
    if (order.path === '/v1/payments') this.#collections.push({ id, amount: (order.body as { amount: string }).amount })
    if (chance.happens(0.15)) await this.#insist({ path: `${pathOf[id.slice(0, 3)]}/${id}/cancel`, body: undefined, isSigned: !id.startsWith('pay_') }, undefined)
    // A program that lost its memory asks once more, much later too.
    if (chance.happens(0.2)) await this.#insist(order, key)
  }

  /**
   * Sends a request until it has an answer.
   * @param key of an order; what cancels has none
   * @returns the payment, or `undefined` where it was refused
   */
  async #insist(order: Order, key: string | undefined): Promise<PaymentId | undefined> {
    const { scheduler, chance } = this.#from
    for (;;) {
      const reply = await this.#send(order, key)
      if (reply !== 'lost' && 'answer' in reply) return this.#acknowledge(key, reply.answer)
      if (reply !== 'lost' && !passing.has(reply.fault.code)) return this.#refuse(key, reply.fault.code)
      await scheduler.pause(chance.between(100, pauseMsMax), this.#world)
    }
  }

  #acknowledge(key: string | undefined, answer: Answer): PaymentId {
    const { seen } = this.#from
    const { id } = JSON.parse(String(answer.body)) as { id: PaymentId }
    if (key === undefined) return id
    const before = seen.acknowledged.get(key)
    if (before !== undefined && before !== id) seen.contradictions.push(`${key} was answered with ${before} and with ${id}`)
    seen.acknowledged.set(key, id)
    return id
  }

  #refuse(key: string | undefined, code: string): undefined {
    const { seen } = this.#from
    if (key !== undefined && seen.acknowledged.has(key)) seen.contradictions.push(`${key} was accepted, and refused with ${code}`)
    seen.refusals.set(code, (seen.refusals.get(code) ?? 0) + 1)
    return undefined
  }

  /** Sends a request once, which may be lost on its way there or back, or come twice. */
  #send(order: Order, key: string | undefined): Promise<Reply> {
    const { scheduler, chance, faults, find, seen } = this.#from
    const request = this.#sign(order, key)
    const reply = scheduler.waiting<Reply>(this.#world)
    const deliver = (): void => {
      const found = find()
      if (found === undefined) return
      seen.requests++
      scheduler.start(0, found.life, async () => {
        const answered = await found.gateway.take(request).then((answer): Reply => ({ answer }), (error: unknown): Reply => {
          if (error instanceof Fault) return { fault: error }
          throw error
        })
        if (!chance.happens(faults.requestLost)) reply.bring(answered, chance.between(1, 50))
      })
    }
    scheduler.after(answerTimeoutMs, this.#world, () => reply.bring('lost', 0))
    if (!chance.happens(faults.requestLost)) scheduler.after(chance.between(1, 50), this.#world, deliver)
    if (chance.happens(faults.requestTwice)) scheduler.after(chance.between(1, 2_000), this.#world, deliver)
    return reply.take()
  }

  #sign({ path, body, isSigned }: Order, idempotencyKey: string | undefined): MerchantRequest {
    const { tenant, apiKey, signing: { id, privateKey } } = this.#keys
    const { scheduler, chance } = this.#from
    const bytes = Buffer.from(body === undefined ? '' : JSON.stringify(body), 'utf8')
    const request = { tenant, apiKey, path, body, bytes, idempotencyKey }
    if (!isSigned) return request
    const clock = { nowMs: () => scheduler.nowMs }
    const headers = signRequest({ method: 'POST', host, target: path, body: bytes, ...idempotencyKey === undefined ? {} : { idempotencyKey } }, { keyId: id, privateKey, clock, random: chance.random })
    return { ...request, signed: new Map<string, string | undefined>([...Object.entries(headers), ['idempotency-key', idempotencyKey]]) }
  }
}

/** A half, in the digits that the amount has. */
function halfOf(amount: string): string {
  const [units = '0', cents] = amount.split('.', 2)
  const half = String(Math.max(1, Math.floor(Number(units) / 2)))
  return cents === undefined ? half : `${half}.00`
}
