import { formatMoney } from '@ngome/kernel'
import type { Difference, DifferenceTrail } from '@ngome/store'

/** A difference as one line; whoever prints it takes out what a terminal would run. */
export function differenceLine(difference: Difference): string {
  const { number, network, kind, state, payment, movement } = difference
  const said = movement === null ? '' : `  ${movement.status} ${movement.direction} ${movement.networkReference}`
  return `${number}  ${network}  ${kind}  ${deltaText(difference)}  ${state}${payment === null ? '' : `  ${payment}`}${said}`
}

export function trailLine({ atMs, what, byWhom, note, adjustment }: DifferenceTrail): string {
  return `${new Date(atMs).toISOString()}  ${what} by ${byWhom}${adjustment === null ? '' : `  ${adjustment}`}${note === null ? '' : `  ${note}`}`
}

/** By how much more the network owes us than our books have, with its sign. */
export function deltaText({ deltaMinor, currency }: Pick<Difference, 'deltaMinor' | 'currency'>): string {
  return `${deltaMinor > 0n ? '+' : ''}${formatMoney({ amountMinor: deltaMinor, currency })} ${currency}`
}

/** The same for programs: minor units as text, times as ISO 8601. */
export function differenceView({ deltaMinor, foundAtMs, movement, ...rest }: Difference): object {
  return {
    ...rest, delta_minor: String(deltaMinor), found_at: new Date(foundAtMs).toISOString(),
    movement: movement === null ? null : {
      ...movement, amountMinor: String(movement.amountMinor), occurredAtMs: undefined, occurred_at: new Date(movement.occurredAtMs).toISOString(),
    },
  }
}
