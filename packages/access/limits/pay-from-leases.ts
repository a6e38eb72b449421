import type { LeasedMeter } from './leased-meter.ts'
import { spendAll } from './meter.ts'
import type { Grant, TokenStore, Want } from './token-store.ts'

export type Shared = { readonly store: TokenStore; readonly nowUs: () => number }

/** How often one request asks: the second time it asks together with all that wait by then. */
const triesMax = 4

/**
 * Pays where what was taken ahead does not suffice: takes from the store what lacks, all or none, and spends it. Waits for
 * one answer at a time, each within the store's own deadline.
 * @returns the meter that refuses, `undefined` where all was paid
 */
export async function payFromLeases(
  meters: readonly LeasedMeter[], cost: number, from: Shared,
): Promise<LeasedMeter | undefined> {
  for (const meter of meters) meter.wait(cost, 1)
  try {
    for (let tries = 0; tries < triesMax; tries++) {
      const nowUs = from.nowUs()
      const short = spendAll(meters, cost, nowUs)
      if (short === undefined) return undefined
      if (from.store.awaySinceUs !== null) return short
      const refusing = meters.find((meter) => meter.isRefused(cost, nowUs))
      if (refusing !== undefined) return refusing
      await takeInto(meters.filter((meter) => !meter.canSpend(cost, nowUs)), cost, from)
    }
    return spendAll(meters, cost, from.nowUs())
  } finally {
    for (const meter of meters) meter.wait(cost, -1)
  }
}

/** Takes for some meters in one step; for `cost` 0 only ahead of need. */
export async function takeInto(meters: readonly LeasedMeter[], cost: number, from: Shared): Promise<void> {
  const sentAtUs = from.nowUs()
  await exchange(meters, meters.map((meter) => meter.want(cost, sentAtUs)), sentAtUs, from)
}

/** Tells a store that is back what was spent while it was away. */
export async function settleDebts(meters: readonly LeasedMeter[], from: Shared): Promise<void> {
  await exchange(meters, meters.map((meter) => meter.settlement()), from.nowUs(), from)
}

async function exchange(meters: readonly LeasedMeter[], wants: readonly Want[], sentAtUs: number, { store, nowUs }: Shared): Promise<void> {
  let grants: readonly Grant[] | null = null
  try {
    grants = await store.take(wants)
  } finally {
    settle(meters, wants, grants, { sentAtUs, nowUs })
  }
}

function settle(
  meters: readonly LeasedMeter[], wants: readonly Want[], grants: readonly Grant[] | null,
  { sentAtUs, nowUs }: { readonly sentAtUs: number; readonly nowUs: () => number },
): void {
  const atUs = nowUs()
  for (const [at, meter] of meters.entries()) {
    const want = wants[at]
    if (want !== undefined) meter.settle(want, grants?.[at] ?? null, sentAtUs, atUs)
  }
}
