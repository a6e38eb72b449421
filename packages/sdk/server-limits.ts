import type { Policy, Quota } from './rate-limit-fields.ts'

/** A call as limits see it: what it is, and how many tokens it takes. */
export type Price = { readonly operation: string; readonly cost: number }
/** What is known of one limit: tokens at a time, how fast more come, and how many there can be; or no more than when to ask again. */
type Left = { level: number; atMs: number; readonly perMs: number; readonly quota: number; readonly endsAtMs: number }

/** Of the key, the merchant, and each operation. */
const limitsMax = 64
/** Without a time of its own a spent quota is asked about again after this. */
const resetMsDefault = 1_000
/** What times that are no whole milliseconds leave of a token: nobody waits for that. */
const roundingMax = 1e-6
/** The limit of this name is one for each operation; the others are for all. */
const ofOperation = 'route'

/** What the server last said of its limits: nothing is sent for which one of them has too little. */
export class ServerLimits {
  readonly #left = new Map<string, Left>()
  #heldUntilMs = 0
  #inFlight = 0

  /** A request leaves. */
  took({ operation, cost }: Price): void {
    this.#inFlight += cost
    for (const [name, left] of this.#left) if (isOf(name, operation)) left.level -= Math.min(cost, left.quota)
  }

  /** Its answer came, or none will. */
  ended({ cost }: Price): void {
    this.#inFlight -= cost
  }

  /** Takes over what the answer of a call says; requests that are under way may not be counted in it yet. */
  note({ operation }: Price, said: { readonly quotas: readonly Quota[]; readonly policies: readonly Policy[] }, nowMs: number): void {
    for (const { name, remaining, resetS } of said.quotas) {
      const key = name === ofOperation ? nameOf(operation) : name
      if (!this.#left.has(key) && this.#left.size >= limitsMax) continue
      const policy = said.policies.find((one) => one.name === name)
      const known = policy === undefined
        ? { perMs: 0, quota: Number.POSITIVE_INFINITY, endsAtMs: nowMs + (resetS === undefined ? resetMsDefault : resetS * 1_000) }
        : { perMs: policy.quota / (policy.windowS * 1_000), quota: policy.quota, endsAtMs: Number.POSITIVE_INFINITY }
      this.#left.set(key, { ...known, level: remaining - this.#inFlight, atMs: nowMs })
    }
  }

  /** The server refused a request and said when to come back. */
  hold(untilMs: number): void {
    this.#heldUntilMs = Math.max(this.#heldUntilMs, untilMs)
  }

  /** How long until this call may leave; 0: now. */
  delayMs({ operation, cost }: Price, nowMs: number): number {
    let delayMs = Math.max(0, this.#heldUntilMs - nowMs)
    for (const [name, left] of this.#left) {
      const { perMs, quota, endsAtMs } = left
      if (endsAtMs <= nowMs) this.#left.delete(name)
      if (endsAtMs <= nowMs || !isOf(name, operation)) continue
      left.level = Math.min(quota, left.level + Math.max(0, nowMs - left.atMs) * perMs)
      left.atMs = Math.max(left.atMs, nowMs)
      // What costs more than there can be costs all of it.
      const missing = Math.min(cost, quota) - left.level
      if (missing > roundingMax) delayMs = Math.max(delayMs, perMs === 0 ? endsAtMs - nowMs : missing / perMs)
    }
    return delayMs
  }
}

function nameOf(operation: string): string {
  return `${ofOperation} ${operation}`
}

/** Whether a limit is paid from by calls of an operation. */
function isOf(name: string, operation: string): boolean {
  return !name.startsWith(`${ofOperation} `) || name === nameOf(operation)
}
