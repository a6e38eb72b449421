import { networkOf } from '@ngome/behaviour'
import type { RequestLine, UsageBatch, UsageCounts, UsageFacetCounts } from '@ngome/store'
import { otherValue } from './bounds.ts'
import { plainAgent } from './plain-agent.ts'
import type { Heard, HeardLine, KeyMinute, NamedKey } from './recorder.ts'

/** Gives what was heard the form that the store adds. */
export function usageBatch(heard: Heard, countryOf: (address: string) => string | null): UsageBatch {
  return {
    counts: heard.minutes.flatMap(countsOf),
    facets: heard.minutes.flatMap((minute) => facetsOf(minute, countryOf)),
    lines: heard.lines.map((line) => lineOf(line, countryOf)),
  }
}

const ofKey = ({ tenant, apiKey }: NamedKey) => ({ merchant: tenant.merchant, world: tenant.world, api_key: apiKey })
const iso = (ms: number): string => new Date(ms).toISOString()
/** An address in the one form that it is kept in: `undefined` of what is none. */
const plainAddress = (address: string | undefined): string | null =>
  (address === undefined || networkOf(address) === undefined ? null : address.replace(/^::ffff:(?=[0-9.]+$)/, '').replace(/%.*$/, ''))

function countsOf(minute: KeyMinute): readonly UsageCounts[] {
  return [...minute.operations].map(([operation, counts]) => ({
    ...ofKey(minute), at: iso(minute.minuteMs), operation, requests: counts.requests, refused: counts.refused, failed: counts.failed,
    not_found: counts.notFound, missed_ids: counts.missedIds, payers: counts.payers, unauthenticated: counts.unauthenticated,
    unlogged: counts.unlogged, latency_us: counts.latencyUs, latency_max_us: counts.latencyMaxUs,
  }))
}

function facetsOf(minute: KeyMinute, countryOf: (address: string) => string | null): readonly UsageFacetCounts[] {
  const sums = new Map<string, UsageFacetCounts>()
  const add = (facet: UsageFacetCounts['facet'], value: string, requests: number, minor = 0n): void => {
    const name = `${facet} ${value}`
    const known = sums.get(name)
    sums.set(name, {
      ...ofKey(minute), at: iso(minute.minuteMs), facet, value, requests: (known?.requests ?? 0) + requests,
      amount_minor: (BigInt(known?.amount_minor ?? 0) + minor).toString(),
    })
  }
  for (const [address, requests] of minute.addresses) {
    const plain = plainAddress(address)
    add('address', plain ?? otherValue, requests)
    add('country', (plain === null ? null : countryOf(plain)) ?? 'unknown', requests)
  }
  for (const [agent, requests] of minute.agents) add('agent', plainAgent(agent) ?? otherValue, requests)
  for (const [bucket, { requests, minor }] of minute.amounts) add('amount', bucket, requests, minor)
  return [...sums.values()]
}

function lineOf(line: HeardLine, countryOf: (address: string) => string | null): RequestLine {
  const address = plainAddress(line.address)
  return {
    ...ofKey(line), id: line.id, at: iso(line.atMs), operation: line.operation, status: line.status, fault: line.fault,
    latency_us: line.latencyUs, address, country: address === null ? null : countryOf(address), agent: plainAgent(line.agent),
  }
}
