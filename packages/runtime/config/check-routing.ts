import type { NetworkConfig } from './fields.ts'

/** What relates a network's routing to the rest of it, and to other networks. */
export function checkRouting(
  networks: Readonly<Record<string, NetworkConfig>>, name: string, refuse: (path: readonly string[], message: string) => void,
): void {
  const network = networks[name]
  if (network === undefined) return
  const foreign = network.prefixes?.find((prefix) => !prefix.startsWith(network.callingCode))
  if (foreign !== undefined) refuse(['prefixes'], `must begin with ${network.callingCode}, as the network's numbers do: ${foreign} does not`)
  if (new Set(network.fallback).size < network.fallback.length) refuse(['fallback'], 'must name each once')
  for (const other of network.fallback) {
    const fallback = Object.hasOwn(networks, other) ? networks[other] : undefined
    const isAlike = fallback !== undefined && other !== name && fallback.world === network.world && fallback.currency === network.currency
      && fallback.callingCode === network.callingCode
    if (!isAlike) refuse(['fallback'], `must name other networks of the same world, currency and calling code: ${other} is none`)
  }
  for (const [index, { from, to }] of network.maintenance.entries()) {
    if (Date.parse(from) >= Date.parse(to)) refuse(['maintenance', String(index), 'to'], 'must be after from')
  }
}
