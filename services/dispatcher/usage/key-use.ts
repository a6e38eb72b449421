import { networkOf, type HourUse, type RecentUse } from '@ngome/behaviour'
import type { KeyCounts, KeyHour } from '@ngome/store'

/** What the store knows of an hour, as behaviour wants it. */
export function hourUse({ facets, ...hour }: KeyHour): HourUse {
  const counts = { country: {}, network: {}, amount: {} } as Record<'country' | 'network' | 'amount', Record<string, number>>
  const add = (to: Record<string, number>, name: string, requests: number): void => {
    to[name] = (to[name] ?? 0) + requests
  }
  for (const { facet, value, requests } of facets) {
    if (facet === 'country' && value !== 'unknown') add(counts.country, value, requests)
    if (facet === 'amount') add(counts.amount, value, requests)
    const network = facet === 'address' ? networkOf(value) : undefined
    if (network !== undefined) add(counts.network, network, requests)
  }
  return { ...hour, countries: counts.country, networks: counts.network, amounts: counts.amount }
}

export function recentUse({ unauthenticated: _others, ...counts }: KeyCounts, failedPayers: number): RecentUse {
  return { ...counts, failedPayers }
}
