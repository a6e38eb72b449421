/** A rule of a script of bad manners: at which moment, for whom, how often, and what is done. */
export type Rule = {
  readonly on: string
  readonly do: object
  /** Only for this person at the other end; without it for all. */
  readonly payer?: string | undefined
  /** Only for this kind of call, in the network's words; without it for all. */
  readonly operation?: string | undefined
  /** For the next so many matches; without it until the script is replaced. */
  readonly times?: number | undefined
  /** The share of matches that are hit, drawn from the seed. */
  readonly share?: number | undefined
}
type Done<R extends Rule> = { readonly [one in R as one['on']]: one['do'] }

/** The script in force: says what bad manner, if any, this moment gets. The first rule that matches decides. */
export class ScriptInForce<R extends Rule> {
  #rules: { rule: R; left: number }[] = []
  #next: () => number

  /** @param seed what shares are drawn from until a script brings its own */
  constructor(seed = 1) {
    this.#next = sequenceOf(seed)
  }

  replace(script: { readonly seed: number; readonly rules: readonly R[] }): void {
    this.#rules = script.rules.map((rule) => ({ rule, left: rule.times ?? Number.POSITIVE_INFINITY }))
    this.#next = sequenceOf(script.seed)
  }

  take<O extends R['on']>(on: O, payer: string | undefined, operation?: string): Done<R>[O] | undefined {
    for (const entry of this.#rules) {
      const { rule } = entry
      if (rule.on !== on || entry.left <= 0) continue
      if (rule.payer !== undefined && rule.payer !== payer) continue
      if (rule.operation !== undefined && rule.operation !== operation) continue
      if (rule.share !== undefined && this.#next() >= rule.share) continue
      entry.left--
      return rule.do as Done<R>[O]
    }
    return undefined
  }
}

/** Mulberry32: 32 bits of state, so that a run is replayed from one small number. Nothing here needs to be secret. */
function sequenceOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }
}
