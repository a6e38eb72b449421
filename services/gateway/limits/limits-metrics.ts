import { Counter, Gauge, type Registry } from 'prom-client'
import type { TokenStore } from '@ngome/access'
import type { LimitNames } from './tenant-meters.ts'

type Names = LimitNames | 'address'

/** What the limits count of themselves. */
export function limitsMetrics(registry: Registry, of: {
  readonly addresses: { readonly size: number }
  readonly meters: { readonly size: number }
  readonly store: TokenStore | undefined
}): { readonly refused: (limit: Names) => void } {
  const refused = new Counter({
    name: 'ngome_gateway_limited_total', help: 'Requests that a limit refused, by the limit.', labelNames: ['limit'], registers: [registry],
  })
  const gauge = (name: string, help: string, read: () => number): void => {
    registry.registerMetric(new Gauge({ name, help, registers: [], collect() { this.set(read()) } }))
  }
  gauge('ngome_gateway_limited_addresses', 'Addresses that have a bucket.', () => of.addresses.size)
  gauge('ngome_gateway_limited_callers', 'Keys and merchants that have a bucket.', () => of.meters.size)
  gauge('ngome_gateway_limit_store_away', '1 while the store that gateways share does not answer.', () => (of.store?.awaySinceUs ?? null) === null ? 0 : 1)
  return { refused: (limit) => refused.inc({ limit }) }
}
