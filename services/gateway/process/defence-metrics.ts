import { Counter, Gauge, type Registry } from 'prom-client'
import { connectionRefusals, type ConnectionRefusal } from '../http/defence.ts'
import { slowKinds, type SlowKind } from '../http/slow-connections.ts'
import { urgencies, type Urgency } from '../overload/concurrency-limit.ts'

export type DefenceCounts = { readonly slow: Record<SlowKind, number>; readonly refused: Record<ConnectionRefusal, number> }

/** What an operator sees of an attack: read when somebody looks, so that counting costs an addition. */
export function defenceMetrics(registry: Registry, from: DefenceCounts & {
  readonly shed: Readonly<Record<Urgency, number>>
  readonly limit: { readonly limit: number; readonly inFlight: number }
  readonly pressure: { readonly level: number }
  readonly bans: { readonly size: number; readonly offenders: number }
}): void {
  counter(registry, 'ngome_gateway_shed_total', 'Requests turned away because of too much load.', 'urgency', urgencies, from.shed)
  counter(registry, 'ngome_gateway_slow_connections_total', 'Connections ended because their client was too slow.', 'with', slowKinds, from.slow)
  counter(registry, 'ngome_gateway_refused_connections_total', 'Connections ended before their handshake.', 'why', connectionRefusals, from.refused)
  gauge(registry, 'ngome_gateway_concurrency_limit', 'Requests that may be in handlers at once.', () => from.limit.limit)
  gauge(registry, 'ngome_gateway_concurrency', 'Requests in handlers now.', () => from.limit.inFlight)
  gauge(registry, 'ngome_gateway_loop_pressure', 'Kinds of requests that are too old when they are read, 0 to 3.', () => from.pressure.level)
  gauge(registry, 'ngome_gateway_bans', 'Networks that are banned now.', () => from.bans.size)
  gauge(registry, 'ngome_gateway_offenders', 'Networks with misdeeds that are not forgiven yet.', () => from.bans.offenders)
}

function counter<K extends string>(
  registry: Registry, name: string, help: string, label: string, keys: readonly K[], counts: Readonly<Record<K, number>>,
): void {
  registry.registerMetric(new Counter({
    name, help, labelNames: [label], registers: [],
    collect() {
      this.reset()
      for (const key of keys) this.inc({ [label]: key }, counts[key])
    },
  }))
}

function gauge(registry: Registry, name: string, help: string, read: () => number): void {
  registry.registerMetric(new Gauge({
    name, help, registers: [],
    collect() {
      this.set(read())
    },
  }))
}
