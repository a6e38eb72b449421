import type { NetworkStatus } from '@ngome/contracts'
import type { Clock } from '@ngome/kernel'
import type { NetworkMaintenance, NetworkStanding } from '@ngome/store'

/** The database is asked this rarely: a network that goes away was away before, and what was accepted waits. */
const keptMs = 2_000
/** What no dispatcher has said for so long is not known any more. */
export const seenMs = 60_000

/** How a network stands. Times in milliseconds; `null` where it is not known since when. */
export type Standing = { readonly status: NetworkStatus; readonly sinceMs: number | null }

/** How networks stood when somebody last looked. */
export class NetworkLook {
  readonly #known: NetworkStanding
  readonly nowMs: number

  constructor(known: NetworkStanding, nowMs: number) {
    this.#known = known
    this.nowMs = nowMs
  }

  /** The time that a network is closed in now; of several, the one that ends last. */
  closedNow(network: string): NetworkMaintenance | undefined {
    const now = this.maintenanceOf(network).filter(({ fromMs }) => fromMs <= this.nowMs)
    return now.toSorted((one, other) => other.toMs - one.toMs)[0]
  }

  /** The times that are not over, as they come. */
  maintenanceOf(network: string): readonly NetworkMaintenance[] {
    return this.#known.maintenance.filter((one) => one.network === network && one.toMs > this.nowMs).toSorted((one, other) => one.fromMs - other.fromMs)
  }

  standingOf(network: string): Standing {
    const closed = this.closedNow(network)
    if (closed !== undefined) return { status: 'maintenance', sinceMs: closed.fromMs }
    const seen = this.#known.health.find((one) => one.network === network)
    if (seen === undefined) return { status: 'degraded', sinceMs: null }
    // Nobody looks: that it is away is not known any more, nor that it works.
    if (Math.abs(this.nowMs - seen.seenAtMs) > seenMs) return { status: 'degraded', sinceMs: seen.seenAtMs }
    return { status: seen.status, sinceMs: seen.sinceMs }
  }
}

/** What the dispatcher and the operator say of networks, kept for a moment. */
export class NetworkBoard {
  readonly #ports: { readonly find: (nowMs: number) => Promise<NetworkStanding>; readonly clock: Clock; readonly monotonicMs: () => number }
  readonly #configured: readonly NetworkMaintenance[]
  #kept: { readonly atMs: number; readonly known: Promise<NetworkStanding> } | undefined

  /** @param configured the times of the configuration */
  constructor(ports: { readonly find: (nowMs: number) => Promise<NetworkStanding>; readonly clock: Clock; readonly monotonicMs: () => number }, configured: readonly NetworkMaintenance[]) {
    this.#ports = ports
    this.#configured = configured
  }

  /** @throws Fault `store/unavailable` where nothing was ever read; else what was known last holds */
  async look(): Promise<NetworkLook> {
    const atMs = this.#ports.monotonicMs()
    if (this.#kept === undefined || atMs - this.#kept.atMs >= keptMs) {
      const before = this.#kept
      const kept = this.#kept = { atMs, known: this.#read(before?.known) }
      kept.known.catch(() => {
        if (this.#kept === kept) this.#kept = undefined
      })
    }
    const known = await this.#kept.known
    return new NetworkLook({ health: known.health, maintenance: [...this.#configured, ...known.maintenance] }, this.#ports.clock.nowMs())
  }

  async #read(before: Promise<NetworkStanding> | undefined): Promise<NetworkStanding> {
    try {
      return await this.#ports.find(this.#ports.clock.nowMs())
    } catch (error) {
      if (before === undefined) throw error
      return before
    }
  }
}
