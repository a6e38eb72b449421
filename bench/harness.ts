/** One line of a benchmark: what we measured beside what it is measured against, in one run and in one unit. */
export type BenchCase = {
  readonly case: string
  readonly value: number
  readonly unit: string
  readonly baseline: number
  /** How good we are beside the baseline: above 1 is better than it, whether the unit counts work or time. */
  readonly ratio: number
}

/** What a benchmark's file gives from its `bench` export. */
export type BenchReport = {
  readonly bench: string
  readonly cases: readonly BenchCase[]
  /** What the baseline includes, and where the time goes; printed under the table. */
  readonly notes: readonly string[]
}

/** What the command line says of a benchmark, where it can be told. */
export type BenchOptions = {
  /** Rows to begin with, for a run that is over sooner than the one that counts. */
  readonly rows?: number | undefined
}

/** Enough that a median stands still, few enough that a run stays under half a minute. */
const roundsDefault = 400
/** Short batches, so that a neighbour's burst of work falls on every side alike. */
const batchDefault = 100
const warmUpBatches = 100

/**
 * Runs synchronous sides in turns, batch by batch, in one process.
 * @returns for each side the median operations per second
 */
export function interleave<Name extends string>(
  sides: Readonly<Record<Name, () => unknown>>,
  { rounds = roundsDefault, batch = batchDefault }: { readonly rounds?: number; readonly batch?: number } = {},
): Readonly<Record<Name, number>> {
  const names = Object.keys(sides) as Name[]
  const perSecond = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, number[]>
  for (let round = -warmUpBatches; round < rounds; round++) {
    // Each round starts with another side: what one leaves to the garbage collector falls on each of the others in turn.
    const first = Math.abs(round) % names.length
    for (const name of [...names.slice(first), ...names.slice(0, first)]) {
      const startNs = process.hrtime.bigint()
      for (let count = 0; count < batch; count++) sides[name]()
      const tookNs = Number(process.hrtime.bigint() - startNs)
      if (round >= 0) perSecond[name].push(batch * 1e9 / tookNs)
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(perSecond[name])])) as Record<Name, number>
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle]
  if (upper === undefined) throw new RangeError('a median of nothing')
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2
}

/** A line whose unit counts work in a time: more is better. */
export function rateCase(name: string, unit: string, value: number, baseline: number): BenchCase {
  return { case: name, value: round3(value), unit, baseline: round3(baseline), ratio: round3(value / baseline) }
}

/** A line whose unit is a time: less is better. */
export function timeCase(name: string, unit: string, value: number, baseline: number): BenchCase {
  return { case: name, value: round3(value), unit, baseline: round3(baseline), ratio: round3(baseline / value) }
}

/** The report as it is printed: one line of JSON, or a table with its notes. */
export function formatReport(report: BenchReport, form: 'json' | 'table'): string {
  if (form === 'json') return JSON.stringify({ bench: report.bench, cases: report.cases })
  const head = ['case', 'value', 'baseline', 'unit', 'ratio']
  const rows = report.cases.map((one) => [
    one.case, one.value.toLocaleString('en'), one.baseline.toLocaleString('en'), one.unit, `${(one.ratio * 100).toFixed(1)} %`,
  ])
  const widths = head.map((_, at) => Math.max(...[head, ...rows].map((row) => row[at]?.length ?? 0)))
  const line = (row: readonly string[]): string => row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ').trimEnd()
  return [report.bench, '', line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line), '', ...report.notes]
    .join('\n')
}

function round3(value: number): number {
  return Number(value.toPrecision(4))
}
