import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { OperationName } from '../api/operations.ts'

const millisecondsPerSecond = 1_000
/** Reading the clock twice and counting costs as much as a part of the check itself; a share of them shows the same. */
const keyChecksPerSample = 16

export type GatewayMetrics = {
  onAnswer(route: OperationName | 'none', status: number, ms: number): void
  /** Wraps the check of keys, so that those whose row is in memory are timed. */
  timeKeyChecks<A extends unknown[], R>(check: (...args: A) => R | Promise<R>): (...args: A) => R | Promise<R>
}

/** What the gateway counts of itself; routes are names from our table, never paths from outside. */
export function gatewayMetrics(
  registry: Registry, lease: { readonly ageMs: number }, monotonicMs: () => number,
): GatewayMetrics {
  const registers = [registry]
  const answers = new Counter({
    name: 'ngome_gateway_answers_total', help: 'Answers by route and status.', labelNames: ['route', 'status'], registers,
  })
  const seconds = new Histogram({
    name: 'ngome_gateway_answer_seconds', help: 'Time from head to answer.', labelNames: ['route'], registers,
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
  })
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
  const tellers = new Map<string, (ms: number) => void>()
  return {
    onAnswer(route, status, ms) {
      const name = `${route} ${status}`
      let tell = tellers.get(name)
      if (tell === undefined) tellers.set(name, tell = teller(route, String(status)))
      tell(ms)
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

  /** The labels are looked up once for each route and status, of which there are a few. */
  function teller(route: string, status: string): (ms: number) => void {
    const [counted, timed] = [answers.labels(route, status), seconds.labels(route)]
    return (ms) => {
      counted.inc()
      timed.observe(ms / millisecondsPerSecond)
    }
  }
}
