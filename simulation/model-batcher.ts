import { addPayoutsSchema, approvePayoutBatchSchema, balancesSchema, createPayoutBatchSchema, type PayoutBatchPartView, type PayoutBatchView } from '@ngome/contracts'
import type { PayoutBatchId } from '@ngome/kernel'
import { approvalExpiresAfterMs } from './model-approver.ts'
import { pauseMsMax, type ClientPorts, type ModelClient, type Reply } from './model-client.ts'
import type { Market } from './market.ts'
import type { Life } from './scheduler.ts'
import type { SeenBatch } from './seen.ts'

type Row = { readonly reference: string; readonly units: number }
type Part = { readonly number: number; readonly rows: readonly Row[] }
type Order = { readonly batch: SeenBatch; readonly reference: string; readonly market: Market; readonly total: string }
type Word = 'approve' | 'refuse' | 'cancel'

const withinMs = 5_000
const rowUnitsMax = 130
const rowsAbout = 4
/** A batch is a few rows: a cancel of it that is not at its end by then never is. */
const cancelsMax = 40

/** A merchant's program that pays many at once: it declares a batch and sends its parts in any order, several at once, each until it has an answer. */
export class ModelBatcher {
  readonly #from: ClientPorts
  readonly #orderer: ModelClient
  readonly #second: ModelClient
  readonly #markets: readonly Market[]
  readonly #world: Life = { isOver: false }

  constructor(from: ClientPorts, orderer: ModelClient, second: ModelClient, markets: readonly Market[]) {
    this.#from = from
    this.#orderer = orderer
    this.#second = second
    this.#markets = markets
  }

  /** Opens a batch; its parts, and what is decided of it, are clients of their own. */
  async open(): Promise<void> {
    const { chance, seen } = this.#from
    const [market, unitsMax] = await this.#richest()
    if (unitsMax === 0) return
    const reference = `wages-${chance.between(1, 1_000_000_000)}`
    const parts = this.#plan(unitsMax)
    // Who declares less than comes has something refused.
    const declared = parts.slice(0, parts.length > 1 && chance.happens(0.1) ? -1 : undefined).flatMap(({ rows }) => rows)
    const total = amountOf(market, declared.reduce((sum, { units }) => sum + units, 0))
    const request = {
      path: '/v1/payout_batches', isSigned: true,
      body: createPayoutBatchSchema.parse({ reference, currency: market.currency, count: declared.length, total }),
    }
    const opened = await this.#ask<PayoutBatchView>(this.#orderer, { ...request, idempotencyKey: this.#newKey() })
    if (opened === undefined) return
    const batch: SeenBatch = { id: opened.id, parts: new Map(), words: new Set() }
    seen.batches.set(opened.id, batch)
    if (chance.happens(0.1) && await this.#ask(this.#orderer, { ...request, idempotencyKey: this.#newKey() }) !== undefined) seen.contradictions.push(`${reference} was opened twice`)
    const order: Order = { batch, reference, market, total }
    let left = parts.length
    for (const part of parts) this.#later(chance.between(0, withinMs), async () => {
      await this.#send(order, part)
      if (--left === 0) await this.#finish(order)
    })
  }

  /** Where it has most, and how many units a row may have so that most batches are covered. */
  async #richest(): Promise<readonly [market: Market, unitsMax: number]> {
    const reply = await this.#orderer.insist({ path: '/v1/balances', body: undefined, isSigned: false })
    const balances = 'answer' in reply ? balancesSchema.parse(JSON.parse(String(reply.answer.body))).data : []
    const rich = this.#markets.map((market): readonly [Market, number] => {
      const available = Number(balances.find(({ currency }) => currency === market.currency)?.available ?? 0)
      return [market, Math.min(rowUnitsMax, Math.floor(available / (market.digits === 0 ? 100 : 1) / rowsAbout))]
    }).toSorted(([, one], [, other]) => other - one)
    return rich[0] ?? [this.#from.chance.pick(this.#markets), 0]
  }

  /** Some parts of a few rows each; now and then a row has the reference of another part's. */
  #plan(unitsMax: number): readonly Part[] {
    const { chance } = this.#from
    const parts = Array.from({ length: chance.between(1, 4) }, (_, at): Part => ({
      number: at + 1, rows: Array.from({ length: chance.between(1, 3) }, (__, row): Row => ({ reference: `row-${at + 1}-${row}`, units: chance.between(1, unitsMax) })),
    }))
    const [first, ...others] = parts
    const last = others.at(-1)
    if (first === undefined || last === undefined || !chance.happens(0.15)) return parts
    const [copied] = first.rows
    return [first, ...others.slice(0, -1), { ...last, rows: [...last.rows, ...copied === undefined ? [] : [copied]] }]
  }

  async #send(order: Order, part: Part): Promise<void> {
    const { chance, seen } = this.#from
    const { batch, reference, market } = order
    const key = this.#newKey()
    const send = (idempotencyKey: string): Promise<PayoutBatchPartView | undefined> => this.#ask<PayoutBatchPartView>(this.#orderer, {
      path: `/v1/payout_batches/${batch.id}/payouts`, isSigned: true, idempotencyKey,
      body: addPayoutsSchema.parse({
        part: part.number, batch_reference: reference, currency: market.currency, network: market.network,
        payouts: part.rows.map((row) => ({ reference: row.reference, amount: amountOf(market, row.units), payee: { phone: market.phone } })),
      }),
    })
    const note = (view: PayoutBatchPartView | undefined): void => {
      if (view === undefined) return
      const before = batch.parts.get(part.number)
      if (before !== undefined && before.id !== view.id) seen.contradictions.push(`part ${part.number} of ${batch.id} was answered with ${before.id} and with ${view.id}`)
      batch.parts.set(part.number, { id: view.id, references: part.rows.map((row) => row.reference) })
    }
    // Twice at once, as a program does that lost sight of its first try.
    if (chance.happens(0.15)) this.#later(chance.between(0, withinMs), async () => note(await send(key)))
    note(await send(key))
    // Another key, and the same part.
    if (chance.happens(0.15)) note(await send(this.#newKey()))
  }

  /** What becomes of a batch whose parts have their answers. */
  async #finish({ batch, reference, market, total }: Order): Promise<void> {
    const { chance } = this.#from
    const view = await this.#ask<PayoutBatchView>(this.#orderer, { path: `/v1/payout_batches/${batch.id}`, body: undefined, isSigned: false })
    if (view === undefined) return
    if (view.status !== 'awaiting_approval') {
      if (chance.happens(0.2)) this.#later(chance.between(0, withinMs), () => this.#say('cancel', batch))
      return
    }
    const approval = approvePayoutBatchSchema.parse({ reference, currency: market.currency, count: view.count, total, parts_digest: view.approval?.parts_digest })
    const atMs = chance.happens(0.1) ? approvalExpiresAfterMs + chance.between(-withinMs, withinMs) : chance.between(0, pauseMsMax)
    if (chance.happens(0.3)) this.#later(atMs, () => this.#steal(batch.id, approval))
    const words = chance.pick<readonly Word[]>([['approve'], ['approve'], ['approve'], ['approve', 'approve'], ['refuse'], ['approve', 'refuse'], ['approve', 'cancel'], ['refuse', 'cancel'], []])
    for (const word of words) this.#later(atMs + chance.between(0, 1_000), () => this.#say(word, batch, word === 'approve' ? approval : undefined))
  }

  async #say(word: Word, batch: SeenBatch, body?: object): Promise<void> {
    const { seen } = this.#from
    if (word === 'approve') seen.approved.add(batch.id)
    if (word === 'refuse') seen.refused.add(batch.id)
    const ask = (): Promise<PayoutBatchView | undefined> =>
      this.#ask<PayoutBatchView>(word === 'cancel' ? this.#orderer : this.#second, { path: `/v1/payout_batches/${batch.id}/${word}`, body, isSigned: true })
    let view = await ask()
    for (let tries = 1; tries < cancelsMax && word === 'cancel' && view?.status === 'cancelling'; tries++) view = await ask()
    if (view === undefined) return
    if (view.status === 'cancelling') seen.contradictions.push(`${batch.id} is cancelled for ever`)
    batch.words.add(({ approve: 'approved', refuse: 'refused', cancel: 'cancelled' } as const)[word])
  }

  /** Who ordered it approves it as well. */
  async #steal(id: PayoutBatchId, body: object): Promise<void> {
    if (await this.#ask(this.#orderer, { path: `/v1/payout_batches/${id}/approve`, body, isSigned: true }) !== undefined) this.#from.seen.contradictions.push(`${id} was decided by who ordered it`)
  }

  /** @returns `undefined` where it was refused */
  async #ask<V>(client: ModelClient, request: Parameters<ModelClient['insist']>[0]): Promise<V | undefined> {
    const { refusals } = this.#from.seen
    const reply: Reply = await client.insist(request)
    if ('answer' in reply) return JSON.parse(String(reply.answer.body)) as V
    refusals.set(reply.fault.code, (refusals.get(reply.fault.code) ?? 0) + 1)
    return undefined
  }

  #later(afterMs: number, act: () => Promise<void>): void {
    const { scheduler, seen } = this.#from
    seen.clients++
    scheduler.start(afterMs, this.#world, async () => {
      await act()
      seen.clients--
    })
  }

  #newKey(): string {
    return Buffer.from(this.#from.chance.random.bytes(16)).toString('hex')
  }
}

function amountOf({ digits }: Market, units: number): string {
  return digits === 0 ? `${units * 100}` : `${units}.00`
}
