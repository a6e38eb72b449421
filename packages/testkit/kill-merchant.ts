import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Ngome, NgomeError, SigningKey, type BatchedPayout, type CallOptions } from '@ngome/sdk'
import type { Platform } from './platform.ts'

/** One thing that is ordered while processes are killed; its reference is its key too. */
export type KillOrder = {
  readonly way: 'collection' | 'payout' | 'refund'
  readonly reference: string
  readonly phone: string
  readonly expected: 'succeeded' | 'failed'
}
export type KillView = { readonly id: string; readonly status: string; readonly reference: string; readonly fee: string }

/** Of MTN's documented numbers: it pays, and takes what it is paid. */
export const payingPhone = '+46733123499'
const ofSandbox = { currency: 'EUR', network: 'mtn-sandbox' } as const
const fundsAmount = '5000.00'
const amount = '5.00'
const batchParts = 4
const partRows = 5
const answerMsMax = 120_000
const fundsMsMax = 60_000

/** A merchant of a platform that is about to be shot at: it has money to pay out and give back, and a key to sign with. */
export class KillMerchant {
  readonly #ngome: Ngome
  readonly #wrongs: string[]
  /** The payment that brought its money, of which it gives back. */
  readonly funds: string

  private constructor(ngome: Ngome, funds: string, wrongs: string[]) {
    this.#ngome = ngome
    this.funds = funds
    this.#wrongs = wrongs
  }

  /** While nothing is killed yet. */
  static async begin(platform: Platform, wrongs: string[]): Promise<KillMerchant> {
    const file = join(platform.folder, 'signing.pem')
    const made = await platform.run('merchants', 'keys', 'make', platform.merchant, '--private-key', file, '--algorithm', 'ed25519', '--json')
    if (made.code !== 0) throw new Error(`no key to sign with: ${made.stderr}`)
    const { key: keyId } = JSON.parse(made.stdout) as { key: string }
    const ngome = new Ngome({
      apiKey: platform.key, baseUrl: `https://localhost:${platform.ports.gateway}`, ca: readFileSync(join(platform.dataFolder, 'ca.pem'), 'utf8'),
      signingKey: new SigningKey({ keyId, privateKey: readFileSync(file, 'utf8') }), retriesMax: 0, attemptTimeoutMs: 15_000,
    })
    const { id } = await ngome.payments.create({ ...ofSandbox, amount: fundsAmount, payer: { phone: payingPhone }, reference: 'funds' }, { idempotencyKey: 'funds' })
    const untilMs = performance.now() + fundsMsMax
    while ((await ngome.payments.get(id)).status !== 'succeeded') {
      if (performance.now() > untilMs) throw new Error(`nobody paid ${id}`)
      await sleep(100)
    }
    return new KillMerchant(ngome, id, wrongs)
  }

  /** @returns its id from the 201, which the platform has promised by then */
  async order({ way, reference, phone }: KillOrder): Promise<string | undefined> {
    const order = { ...ofSandbox, amount, reference }
    const made = await this.#untilAnswered(reference, async (options): Promise<{ readonly id: string }> => {
      switch (way) {
        case 'collection': return this.#ngome.payments.create({ ...order, payer: { phone } }, options)
        case 'payout': return this.#ngome.payouts.create({ ...order, payee: { phone } }, options)
        case 'refund': return this.#ngome.refunds.create(this.funds, { amount, reference }, options)
      }
    })
    return made?.id
  }

  /** Opens a batch and sends its parts. @returns its rows */
  async orderBatch(seed: number): Promise<readonly KillOrder[]> {
    const orders = Array.from({ length: batchParts * partRows }, (_, at): KillOrder => ({ way: 'payout', reference: `kill-${seed}-row-${at}`, phone: payingPhone, expected: 'succeeded' }))
    const declared = { reference: `kill-${seed}`, currency: ofSandbox.currency, count: orders.length, total: (cents(amount) * orders.length / 100).toFixed(2) }
    const opened = await this.#untilAnswered(`kill-${seed}-batch`, (options) => this.#ngome.payoutBatches.create(declared, options))
    if (opened === undefined) return orders
    for (let part = 1; part <= batchParts; part++) {
      const payouts = orders.slice((part - 1) * partRows, part * partRows).map(({ reference, phone }): BatchedPayout => ({ reference, amount, payee: { phone } }))
      await this.#untilAnswered(`kill-${seed}-part-${part}`, (options) => this.#ngome.payoutBatches.add(opened.id, { ...ofSandbox, part, batch_reference: declared.reference, payouts }, options))
    }
    return orders
  }

  /** All that it ever ordered. */
  async listAll(): Promise<readonly KillView[]> {
    const views: KillView[] = []
    for await (const view of this.#ngome.payments.list({ limit: 100 })) views.push(view)
    for await (const view of this.#ngome.payouts.list({ limit: 100 })) views.push(view)
    for await (const view of this.#ngome.refunds.list({ limit: 100 })) views.push(view)
    return views
  }

  /** What it holds in all. */
  async balanceCents(): Promise<number> {
    return (await this.#ngome.balances()).reduce((sum, { available, reserved }) => sum + cents(available) + cents(reserved), 0)
  }

  close(): void {
    this.#ngome.close()
  }

  async #untilAnswered<T>(key: string, call: (options: CallOptions) => Promise<T>): Promise<T | undefined> {
    const untilMs = performance.now() + answerMsMax
    while (performance.now() < untilMs) {
      try {
        return await call({ idempotencyKey: key })
      } catch (error) {
        if (error instanceof NgomeError && (error.status ?? 500) < 500 && error.status !== 409) {
          this.#wrongs.push(`${key} was answered ${error.status}: ${error.message}`)
          return undefined
        }
      }
      await sleep(100)
    }
    this.#wrongs.push(`${key} got no answer in ${answerMsMax / 1000} s`)
    return undefined
  }
}

/** Of an amount of euros. */
export function cents(text: string): number {
  return Math.round(Number(text) * 100)
}
