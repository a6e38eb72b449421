import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { OperationName } from '../api/operations.ts'

const millisecondsPerSecond = 1_000
/** Reading the clock twice costs as much as a part of the check itself; a share of them shows the same. */
const keyChecksPerSample = 16
/** Upper ends of the buckets of answer times, in seconds. */
const bucketEnds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5]

export type GatewayMetrics = {
  readonly onAnswer: (route: OperationName | 'none', status: number, ms: number) => void
  /** Wraps the check of keys, so that those whose row is in memory are timed. */
  timeKeyChecks<A extends unknown[], R>(check: (...args: A) => R | Promise<R>): (...args: A) => R | Promise<R>
}

/** What the gateway counts of itself; routes are names from our table, never paths from outside. */
export function gatewayMetrics(
  registry: Registry, lease: { readonly ageMs: number }, monotonicMs: () => number,
): GatewayMetrics {
  const registers = [registry]
  const kept = new Map<string, Kept>()
  addAnswers(registry, kept)
  const keyCheck = new Histogram({
    name: 'ngome_gateway_key_check_seconds', registers,
    help: `Time of an API key check with its row in memory; one in ${keyChecksPerSample} is timed.`,
    buckets: [0.000_002, 0.000_005, 0.000_01, 0.000_02, 0.000_05, 0.0001, 0.001],
  })
  registry.registerMetric(new Gauge({
    name: 'ngome_gateway_revocation_lease_age_seconds', help: 'Time since the revocation counter was read.', registers: [],
    collect() {
      this.set(Math.min(lease.ageMs / millisecondsPerSecond, Number.MAX_SAFE_INTEGER))
    },
  }))
  return {
    onAnswer(route, status, ms) {
      const name = `${route} ${status}`
      let one = kept.get(name)
      if (one === undefined) kept.set(name, one = newKept(route, String(status)))
      one.count++
      one.seconds += ms / millisecondsPerSecond
      let bucket = 0
      while (bucket < bucketEnds.length && ms / millisecondsPerSecond > (bucketEnds[bucket] ?? 0)) bucket++
      one.buckets[bucket] = (one.buckets[bucket] ?? 0) + 1
    },
    timeKeyChecks: (check) => {
      let untilSample = 0
      return (...args) => {
        if (untilSample-- > 0) return check(...args)
        untilSample = keyChecksPerSample - 1
        const beforeMs = monotonicMs()
        const result = check(...args)
        if (!(result instanceof Promise)) keyCheck.observe((monotonicMs() - beforeMs) / millisecondsPerSecond)
        return result
      }
    },
  }
}

/** What happened so far: counting in our own terms costs a tenth of what the library's labels do for each answer. */
type Kept = { readonly route: string; readonly status: string; count: number; seconds: number; readonly buckets: number[] }

function newKept(route: string, status: string): Kept {
  return { route, status, count: 0, seconds: 0, buckets: Array.from({ length: bucketEnds.length + 1 }, () => 0) }
}

/** Answers, and their times as the three series of a Prometheus histogram, made when somebody looks. */
function addAnswers(registry: Registry, kept: ReadonlyMap<string, Kept>): void {
  const add = (name: string, help: string, labelNames: readonly string[], tell: (counter: Counter, one: Kept) => void): void => {
    registry.registerMetric(new Counter({
      name, help, labelNames: [...labelNames], registers: [],
      collect() {
        this.reset()
        for (const one of kept.values()) tell(this, one)
      },
    }))
  }
  add('ngome_gateway_answers_total', 'Answers by route and status.', ['route', 'status'], (counter, { route, status, count }) =>
    counter.inc({ route, status }, count))
  add('ngome_gateway_answer_seconds_bucket', 'Answers by route that took at most so long.', ['route', 'le'], (counter, one) => {
    let soFar = 0
    for (const [at, count] of one.buckets.entries()) {
      soFar += count
      counter.inc({ route: one.route, le: String(bucketEnds[at] ?? '+Inf') }, soFar)
    }
  })
  add('ngome_gateway_answer_seconds_sum', 'Time from head to answer, by route.', ['route'], (counter, { route, seconds }) =>
    counter.inc({ route }, seconds))
  add('ngome_gateway_answer_seconds_count', 'Timed answers by route.', ['route'], (counter, { route, count }) =>
    counter.inc({ route }, count))
}
