import type { KeyUse } from '@ngome/contracts'
import { currencyDigits, Fault, formatMoney, parseCurrency, type Clock } from '@ngome/kernel'
import { listUsage as listRows, usageRowsMax, type Database, type UsageFacetRow, type UsageOperationRow } from '@ngome/store'
import { jsonType, type Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
/** The longest span, and the one that is shown when nothing is said. */
const spans = { minute: { maxMs: dayMs, defaultMs: hourMs }, hour: { maxMs: 31 * dayMs, defaultMs: dayMs } } as const
const microsecondsPerMs = 1_000

/** @throws Fault `request/invalid` where the span is too wide to show */
export async function listUsage(
  ports: { readonly database: Database; readonly clock: Clock }, call: Call<'listUsage'>,
): Promise<Answer> {
  const { key = null, by = 'hour' } = call.query
  const { tenant } = call.caller
  const toMs = call.query.to === undefined ? ports.clock.nowMs() + 1 : Date.parse(call.query.to)
  const fromMs = call.query.from === undefined ? toMs - spans[by].defaultMs : Date.parse(call.query.from)
  if (fromMs > toMs || toMs - fromMs > spans[by].maxMs) refuse(`/from`, `At most ${spans[by].maxMs / hourMs} hours by ${by}.`)
  const rows = await listRows(ports.database, tenant, { apiKey: key, fromMs, toMs, by })
  if (rows.operations.length > usageRowsMax || rows.facets.length > usageRowsMax) refuse('/from', 'Too much at once: ask for less time, or for one key.')
  const body = { object: 'usage', world: tenant.world, by, data: usesOf(rows.operations, rows.facets) }
  return { status: 200, contentType: jsonType, body: JSON.stringify(body) }
}

function refuse(pointer: string, detail: string): never {
  throw new Fault('request/invalid', 'a span of time', { fields: [{ pointer, detail }] })
}

type Open = KeyUse & { readonly latencyUs: { sum: number; max: number }; readonly minor: Map<string, { count: number; minor: bigint }> }

function usesOf(operations: readonly UsageOperationRow[], facets: readonly UsageFacetRow[]): readonly KeyUse[] {
  const uses = new Map<string, Open>()
  for (const row of operations) {
    const use = openUse(uses, row)
    for (const name of ['requests', 'refused', 'failed', 'unauthenticated', 'unlogged'] as const) use[name] += row[name]
    if (row.requests > 0) use.operations[row.operation] = (use.operations[row.operation] ?? 0) + row.requests
    use.latencyUs.sum += row.latencyUs
    use.latencyUs.max = Math.max(use.latencyUs.max, row.latencyMaxUs)
  }
  for (const row of facets) addFacet(openUse(uses, row), row)
  return [...uses.values()].map(closeUse)
}

function openUse(uses: Map<string, Open>, { apiKey, atMs }: { readonly apiKey: KeyUse['key']; readonly atMs: number }): Open {
  const name = `${atMs} ${apiKey}`
  let use = uses.get(name)
  if (use === undefined) {
    uses.set(name, use = {
      key: apiKey, at: new Date(atMs).toISOString(), requests: 0, refused: 0, failed: 0, unauthenticated: 0, unlogged: 0,
      latency_ms: { mean: 0, max: 0 }, operations: {}, addresses: {}, countries: {}, agents: {}, payments: {},
      latencyUs: { sum: 0, max: 0 }, minor: new Map(),
    })
  }
  return use
}

const plural = { address: 'addresses', country: 'countries', agent: 'agents' } as const

function addFacet(use: Open, { facet, value, requests, amountMinor }: UsageFacetRow): void {
  if (facet !== 'amount') {
    use[plural[facet]][value] = requests
    return
  }
  // The sizes of payments are for what is unusual; a merchant wants the sum of each currency.
  const currency = value.split('/')[0] ?? ''
  const sum = use.minor.get(currency) ?? { count: 0, minor: 0n }
  use.minor.set(currency, { count: sum.count + requests, minor: sum.minor + amountMinor })
}

function closeUse({ latencyUs, minor, ...use }: Open): KeyUse {
  const mean = use.requests === 0 ? 0 : latencyUs.sum / use.requests
  const payments = [...minor].flatMap(([name, { count, minor: amountMinor }]) => {
    const currency = parseCurrency(name)
    return currency === undefined || !(currency in currencyDigits) ? [] : [[name, { count, total: formatMoney({ currency, amountMinor }) }] as const]
  })
  return {
    ...use, payments: Object.fromEntries(payments),
    latency_ms: { mean: Math.round(mean) / microsecondsPerMs, max: latencyUs.max / microsecondsPerMs },
  }
}
