import { emit, type Event, type SeenNetworkStatus } from '@ngome/contracts'
import type { Clock, Random } from '@ngome/kernel'
import { findNetworkStanding, recordNetworkHealth, type Database, type NetworkHealth, type NetworkMaintenance } from '@ngome/store'
import { Gauge, type Registry } from 'prom-client'
import type { Network } from '../dispatcher.ts'
import { CircuitBreaker } from './circuit-breaker.ts'
import { guardNetwork } from './guard-network.ts'

/** What does not change is said again so often, so that others know that somebody looks. */
const repeatMs = 10_000
/** Of one network, so often at most that it is away: one that comes and goes fills no log. */
const toldEveryMs = 60_000
/** What a network is worth to who draws a line of it. */
const worth: Readonly<Record<SeenNetworkStatus, number>> = { operational: 1, degraded: 0.5, down: 0 }

type Seen = {
  readonly breaker: CircuitBreaker
  status: SeenNetworkStatus
  sinceMs: number
  saidAtMs: number
  /** When it was told that it is away; `null` while it is not. */
  awayMs: number | null
  toldAtMs: number
}

/**
 * What this dispatcher sees of the networks, each behind its breaker: kept in the database for gateways and the operator, told as events
 * and metrics.
 */
export class NetworkWatch {
  readonly #ports: { readonly clock: Clock; readonly random: Random }
  readonly #configured: readonly NetworkMaintenance[]
  readonly #seen = new Map<string, Seen>()
  #added: readonly NetworkMaintenance[] = []

  /** @param configured the times of the configuration */
  constructor(ports: { readonly clock: Clock; readonly random: Random }, configured: readonly NetworkMaintenance[]) {
    this.#ports = ports
    this.#configured = configured
  }

  /** Puts networks behind breakers. */
  guard(networks: ReadonlyMap<string, Network>): ReadonlyMap<string, Network> {
    const { clock } = this.#ports
    return new Map([...networks].map(([name, network]) => {
      const breaker = new CircuitBreaker(clock)
      this.#seen.set(name, { breaker, status: breaker.status, sinceMs: clock.nowMs(), saidAtMs: -Infinity, awayMs: null, toldAtMs: -Infinity })
      return [name, { ...network, connector: guardNetwork(network.connector, breaker, () => this.#isClosed(name)) }]
    }))
  }

  measure(metrics: Registry): void {
    const seen = this.#seen
    metrics.registerMetric(new Gauge({
      name: 'ngome_dispatcher_network_health', help: 'Of each network: 1 it works, 0.5 it fails at times, 0 it is away.', labelNames: ['network'], registers: [],
      collect() {
        for (const [network, { breaker }] of seen) this.set({ network }, worth[breaker.status])
      },
    }))
  }

  /** Looks once, and says what is new, or was not said for a while. @throws Fault `store/unavailable` */
  async look(db: Database): Promise<void> {
    const nowMs = this.#ports.clock.nowMs()
    this.#added = (await findNetworkStanding(db, nowMs)).maintenance
    const due = [...this.#seen].flatMap(([network, seen]) => {
      const { status } = seen.breaker
      if (status === seen.status && Math.abs(nowMs - seen.saidAtMs) < repeatMs) return []
      const sinceMs = status === seen.status ? Math.min(seen.sinceMs, nowMs) : nowMs
      return [{ seen, ...this.#tell(network, seen, status, nowMs), health: { network, status, sinceMs, seenAtMs: nowMs } satisfies NetworkHealth }]
    })
    if (due.length === 0) return
    await recordNetworkHealth(db, due.map(({ health }) => health), due.flatMap(({ event }) => event ?? []))
    // Only now: what could not be written is due again.
    for (const { seen, told, health: { status, sinceMs } } of due) Object.assign(seen, told, { status, sinceMs, saidAtMs: nowMs })
  }

  #tell(
    network: string, { awayMs, toldAtMs }: Seen, status: SeenNetworkStatus, nowMs: number,
  ): { readonly event?: Event; readonly told: Partial<Pick<Seen, 'awayMs' | 'toldAtMs'>> } {
    const from = { ...this.#ports, process: 'dispatcher' } as const
    if (status === 'down' && awayMs === null && Math.abs(nowMs - toldAtMs) >= toldEveryMs) {
      return { event: emit(from, 'network.away', null, { network }), told: { awayMs: nowMs, toldAtMs: nowMs } }
    }
    if (status === 'down' || awayMs === null) return { told: {} }
    return { event: emit(from, 'network.back', null, { network, awayMs: Math.max(0, nowMs - awayMs) }), told: { awayMs: null } }
  }

  #isClosed(name: string): boolean {
    const nowMs = this.#ports.clock.nowMs()
    return [...this.#configured, ...this.#added].some(({ network, fromMs, toMs }) => network === name && fromMs <= nowMs && nowMs < toMs)
  }
}
