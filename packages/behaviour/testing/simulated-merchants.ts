import type { SeededRandom } from '@ngome/testkit'
import { amountBucket } from '../sizes.ts'
import { dayMs, hourMs, type HourUse } from '../use.ts'

/** A Monday, 00:00 UTC. */
export const mondayMs = Date.UTC(2026, 0, 5)

/** Draws from a seeded source. */
export class Draws {
  readonly #random: SeededRandom

  constructor(random: SeededRandom) {
    this.#random = random
  }

  /** Between 0 and 1. */
  share(): number {
    return this.#random.next()
  }

  /** Of a Poisson distribution: by its normal approximation where that is good. */
  poisson(mean: number): number {
    if (mean > 50) return Math.max(0, Math.round(mean + Math.sqrt(mean) * this.normal()))
    const limit = Math.exp(-mean)
    let count = 0
    for (let product = this.share(); product > limit; product *= this.share()) count++
    return count
  }

  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.share())) * Math.cos(2 * Math.PI * this.share())
  }
}

/** What a merchant does in an hour; `undefined` is nothing. */
export type SimulatedMerchant = { readonly name: string; readonly hour: (atMs: number, draws: Draws) => HourUse | undefined }

const medianMinor = 25_000

function use(atMs: number, draws: Draws, payments: number, from: { readonly country: string; readonly networks: readonly string[] }): HourUse | undefined {
  if (payments === 0) return undefined
  const amounts: Record<string, number> = {}
  for (let at = 0; at < Math.min(payments, 40); at++) {
    const bucket = amountBucket('UGX', BigInt(Math.round(medianMinor * Math.exp(draws.normal()))))
    amounts[bucket] = (amounts[bucket] ?? 0) + 1
  }
  const reads = draws.poisson(payments * 1.5)
  const refused = draws.poisson(payments * 0.02)
  const network = from.networks[Math.floor(draws.share() * from.networks.length)] ?? ''
  return {
    hourMs: atMs, operations: { createPayment: payments, ...(reads > 0 ? { getPayment: reads } : {}) },
    refused, notFound: 0, missedIds: 0, countries: { [from.country]: payments + reads }, networks: { [network]: payments + reads }, amounts,
  }
}

/** Monday to Saturday in the day, some evenings, more at the end of the month. */
export const officeShop: SimulatedMerchant = {
  name: 'a shop with office hours',
  hour(atMs, draws) {
    const [day, hour] = [new Date(atMs).getUTCDay(), new Date(atMs).getUTCHours()]
    const isMonthEnd = new Date(atMs).getUTCDate() > 27
    const isOpen = day !== 0 && hour >= 6 && hour < 16
    const isLate = day !== 0 && hour >= 16 && hour < 18 && draws.share() < 0.2
    return use(atMs, draws, isOpen || isLate ? draws.poisson((isMonthEnd ? 30 : 14) * (isLate ? 0.2 : 1)) : 0,
      { country: 'UG', networks: draws.share() < 0.95 ? ['102.80.4.0/24'] : ['41.210.9.0/24'] })
  },
}

/** All day and all night, from a cloud, with a tide. */
export const aroundTheClock: SimulatedMerchant = {
  name: 'a biller around the clock',
  hour(atMs, draws) {
    const hour = new Date(atMs).getUTCHours()
    const tide = 1 + 0.8 * Math.sin(2 * Math.PI * (hour - 6) / 24)
    return use(atMs, draws, draws.poisson(90 * tide), { country: 'IE', networks: ['52.16.0.0/24', '52.18.7.0/24', '54.77.1.0/24'] })
  },
}

/** Fridays in the morning, some weeks on Thursday because of a holiday, and twice as much at the end of the month. */
export const weeklyBatch: SimulatedMerchant = {
  name: 'a payer of weekly batches',
  hour(atMs, draws) {
    const [day, hour, week] = [new Date(atMs).getUTCDay(), new Date(atMs).getUTCHours(), Math.floor(atMs / (7 * dayMs))]
    const isHolidayWeek = week % 13 === 7
    if (day !== (isHolidayWeek ? 4 : 5) || hour < 7 || hour > 8 + (week % 2)) return undefined
    const isMonthEnd = new Date(atMs).getUTCDate() > 24
    return use(atMs, draws, draws.poisson(isMonthEnd ? 500 : 250), { country: 'KE', networks: ['105.160.2.0/24'] })
  },
}

/** Each hour of a span in which the merchant did something. */
export function* hoursOf(merchant: SimulatedMerchant, draws: Draws, fromMs: number, untilMs: number): Generator<HourUse> {
  for (let atMs = fromMs; atMs < untilMs; atMs += hourMs) {
    const hour = merchant.hour(atMs, draws)
    if (hour !== undefined) yield hour
  }
}

/** Two uses of one key in the same hour: the merchant's and the thief's. */
export function both(merchant: HourUse | undefined, thief: HourUse): HourUse {
  if (merchant === undefined) return thief
  const sum = (a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): Record<string, number> => {
    const all = { ...a }
    for (const [name, count] of Object.entries(b)) all[name] = (all[name] ?? 0) + count
    return all
  }
  return {
    hourMs: thief.hourMs, operations: sum(merchant.operations, thief.operations), refused: merchant.refused + thief.refused,
    notFound: merchant.notFound + thief.notFound, missedIds: merchant.missedIds + thief.missedIds,
    countries: sum(merchant.countries, thief.countries), networks: sum(merchant.networks, thief.networks),
    amounts: sum(merchant.amounts, thief.amounts),
  }
}
