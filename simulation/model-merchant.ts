import { balancesSchema, createPaymentSchema, createPayoutSchema, createRefundSchema, type PayoutView } from '@ngome/contracts'
import type { PaymentId } from '@ngome/kernel'
import type { Market } from './market.ts'
import type { ModelApprover } from './model-approver.ts'
import type { ModelBatcher } from './model-batcher.ts'
import { pauseMsMax, type ClientPorts, type ClientRequest, type ModelClient } from './model-client.ts'
import type { Life } from './scheduler.ts'

type View = Pick<PayoutView, 'status'> & { readonly id: PaymentId }

/** Some dozens are under way at any moment, from each merchant. */
const repetitionEveryMs = 25
/** As the operator's tariff has it. */
export const payoutFeeUnits = 1

const pathOf: Readonly<Record<string, string>> = { pay: '/v1/payments', pyt: '/v1/payouts', rfd: '/v1/refunds' }

/** Who decides about payouts that wait, and who pays many at once. */
type MerchantStaff = { readonly approver: ModelApprover; readonly batcher: ModelBatcher }

/** A merchant's program: orders, and repeats each order with its key until it has an answer, as the documentation tells it to. */
export class ModelMerchant {
  readonly #from: ClientPorts
  readonly #client: ModelClient
  readonly #approver: ModelApprover
  readonly #batcher: ModelBatcher
  readonly #markets: readonly Market[]
  readonly #world: Life = { isOver: false }
  readonly #collections: { readonly id: PaymentId; readonly amount: string }[] = []

  constructor(from: ClientPorts, client: ModelClient, { approver, batcher }: MerchantStaff, markets: readonly Market[]) {
    this.#from = from
    this.#client = client
    this.#approver = approver
    this.#batcher = batcher
    this.#markets = markets
  }

  /** A client that places so many orders, one after the other. @param batches how many of them are batches, from 0 to 1 */
  work(orders: number, batches: number): void {
    const { scheduler, chance, seen } = this.#from
    seen.clients++
    scheduler.start(chance.between(0, pauseMsMax), this.#world, async () => {
      for (let count = 0; count < orders; count++) {
        if (chance.happens(batches)) await this.#batcher.open()
        else await this.#place(chance.happens(0.15) ? await this.#everything() : this.#order())
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

  #order(): ClientRequest {
    const { chance } = this.#from
    const choice = chance.between(1, 100)
    const [collection] = this.#collections.length === 0 ? [] : [chance.pick(this.#collections)]
    if (choice <= 45 || collection === undefined) return this.#collection()
    const market = chance.pick(this.#markets)
    if (choice <= 78) return this.#payout(market, this.#money(market).amount)
    const amount = chance.happens(0.5) ? collection.amount : halfOf(collection.amount)
    return { path: `/v1/payments/${collection.id}/refunds`, body: createRefundSchema.parse({ amount, reference: this.#reference() }), isSigned: true }
  }

  /** All that is there of some currency goes out, so that what is taken back afterwards is owed. */
  async #everything(): Promise<ClientRequest> {
    const { chance } = this.#from
    const reply = await this.#client.insist({ path: '/v1/balances', body: undefined, isSigned: false })
    const balances = 'answer' in reply ? balancesSchema.parse(JSON.parse(String(reply.answer.body))).data : []
    const market = chance.pick(this.#markets)
    const { available } = balances.find(({ currency }) => currency === market.currency) ?? { available: '0' }
    const units = Math.floor(Number(available)) - payoutFeeUnits
    if (units <= 0) return this.#collection()
    const amount = market.digits === 0 ? `${units}` : `${units}.00`
    return this.#payout(market, amount)
  }

  #payout({ network, currency, phone }: Market, amount: string): ClientRequest {
    const body = { amount, currency, network, payee: { phone }, reference: this.#reference() }
    return { path: '/v1/payouts', body: createPayoutSchema.parse(body), isSigned: true }
  }

  #collection(): ClientRequest {
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

  async #place(order: ClientRequest): Promise<void> {
    const { chance } = this.#from
    const key = this.#newKey()
    const view = await this.#insist(order, key)
    if (view === undefined) return
    const { id } = view
    if (order.path === '/v1/payments') this.#collections.push({ id, amount: (order.body as { amount: string }).amount })
    if (view.status === 'awaiting_approval') this.#approver.decide(view as PayoutView)
    if (chance.happens(0.15)) await this.#cancel(id)
    // A program that lost its memory asks once more, much later too.
    if (chance.happens(0.2)) await this.#insist(order, key)
  }

  /** @returns the payment, or `undefined` where it was refused */
  async #insist(order: ClientRequest, idempotencyKey: string): Promise<View | undefined> {
    const { seen } = this.#from
    const reply = await this.#client.insist({ ...order, idempotencyKey })
    if ('fault' in reply) {
      if (seen.acknowledged.has(idempotencyKey)) seen.contradictions.push(`${idempotencyKey} was accepted, and refused with ${reply.fault.code}`)
      this.#count(reply.fault.code)
      return undefined
    }
    const view = JSON.parse(String(reply.answer.body)) as View
    const before = seen.acknowledged.get(idempotencyKey)
    if (before !== undefined && before !== view.id) seen.contradictions.push(`${idempotencyKey} was answered with ${before} and with ${view.id}`)
    seen.acknowledged.set(idempotencyKey, view.id)
    return view
  }

  async #cancel(id: PaymentId): Promise<void> {
    const reply = await this.#client.insist({ path: `${pathOf[id.slice(0, 3)]}/${id}/cancel`, body: undefined, isSigned: !id.startsWith('pay_') })
    if ('answer' in reply) this.#from.seen.decisions.push({ payment: id, word: 'cancelled' })
    else this.#count(reply.fault.code)
  }

  #count(code: string): void {
    const { refusals } = this.#from.seen
    refusals.set(code, (refusals.get(code) ?? 0) + 1)
  }
}

/** A half, in the digits that the amount has. */
function halfOf(amount: string): string {
  const [units = '0', cents] = amount.split('.', 2)
  const half = String(Math.max(1, Math.floor(Number(units) / 2)))
  return cents === undefined ? half : `${half}.00`
}
