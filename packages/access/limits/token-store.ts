import type { Pace } from './pace.ts'

/** Asked of one bucket; amounts in nanotokens. */
export type Want = {
  readonly bucket: string
  readonly pace: Pace
  /** Without which nothing of anything that is asked for together is taken. */
  readonly need: number
  /** As much of this as is there. */
  readonly want: number
  /** What was spent while the store was away, taken off before all else. */
  readonly debt: number
}

/** What became of it: all needs were met, or the needs of none. */
export type Grant = { readonly taken: number; readonly level: number; readonly waitUs: number }

/** Where gateways take tokens of limits that they share. The time is the store's: gateways' clocks differ. */
export type TokenStore = {
  /** When it was found to be away, `null` while it answers. */
  readonly awaySinceUs: number | null
  /** @returns in the order of the wants; `null` where no answer came in time, and the store is away from then on */
  take(wants: readonly Want[]): Promise<readonly Grant[] | null>
}
