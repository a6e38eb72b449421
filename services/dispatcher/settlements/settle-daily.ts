import { parseAmount, type Clock, type Currency, type Random, type Secret, type World } from '@ngome/kernel'
import type { Logger } from '@ngome/runtime'
import { proveEvent } from '@ngome/payments'
import { lastClosedDay, settleDay, unsettledMerchants, type Database, type Vouch } from '@ngome/store'

export type SettlementSchedule = {
  /** Which currencies, and the least that is settled, in major units. */
  readonly daily: Readonly<Record<string, { readonly minimum: string }>>
  readonly worlds: readonly World[]
}
type Surroundings = { readonly db: Database; readonly clock: Clock; readonly random: Random; readonly logger: Pick<Logger, 'info' | 'warn'>
  readonly callbacks: { readonly secret: Secret<Uint8Array> } }

/**
 * Settles every merchant of the schedule once for each day of the ledger that closes. To be called often: where no day has closed since
 * the last whole pass, nothing is asked. A merchant whose settlement fails has another turn; one that was settled is not settled again,
 * whoever did it.
 */
export function settleDaily(from: Surroundings, schedule: SettlementSchedule): (signal: AbortSignal) => Promise<void> {
  let passed: string | null = null
  return async (signal) => {
    if (Object.keys(schedule.daily).length === 0) return
    const day = await lastClosedDay(from.db)
    if (day === null || day === passed) return
    let isWhole = true
    for (const world of schedule.worlds) {
      for (const [currency, { minimum }] of Object.entries(schedule.daily)) {
        isWhole = await settleAll(from, world, currency as Currency, minimum, signal) && isWhole
      }
    }
    if (isWhole) passed = day
  }
}

/** @returns whether every merchant had its turn */
async function settleAll(from: Surroundings, world: World, currency: Currency, minimum: string, signal: AbortSignal): Promise<boolean> {
  const terms = { currency, minimumMinor: parseAmount(minimum, currency) ?? 0n }
  const vouch: Vouch = (event) => ({ kind: 'proof', proof: proveEvent(from.callbacks.secret, event) })
  let isWhole = true
  for await (const merchant of unsettledMerchants(from.db, world, currency)) {
    if (signal.aborted) return false
    try {
      const settled = await settleDay(from.db, { ...from, process: 'dispatcher' }, { merchant, world }, terms, vouch)
      if (settled.kind === 'settled') from.logger.info({ merchant, settlement: settled.settlement, day: settled.day }, 'settled')
    } catch (error) {
      isWhole = false
      from.logger.warn({ merchant, err: error }, 'a merchant could not be settled')
    }
  }
  return isWhole
}
