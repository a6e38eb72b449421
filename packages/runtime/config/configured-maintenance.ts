import type { Config } from './schema.ts'

/** The times that the configuration has, of all networks, in milliseconds. */
export function configuredMaintenance(networks: Config['networks']): readonly {
  readonly network: string; readonly fromMs: number; readonly toMs: number; readonly reason: string
}[] {
  return Object.entries(networks).flatMap(([network, { maintenance }]) => (
    maintenance.map(({ from, to, reason }) => ({ network, fromMs: Date.parse(from), toMs: Date.parse(to), reason }))
  ))
}
