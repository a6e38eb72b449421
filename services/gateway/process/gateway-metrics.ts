import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { OperationName } from '../api/operations.ts'

const millisecondsPerSecond = 1_000

export type GatewayMetrics = {
  onAnswer(route: OperationName | 'none', status: number, ms: number): void
  onKeyCheck(ms: number): void
}

/** What the gateway counts of itself; routes are names from our table, never paths from outside. */
export function gatewayMetrics(registry: Registry, lease: { readonly ageMs: number }): GatewayMetrics {
  const registers = [registry]
  const answers = new Counter({
    name: 'ngome_gateway_answers_total', help: 'Answers by route and status.', labelNames: ['route', 'status'], registers,
  })
  const seconds = new Histogram({
    name: 'ngome_gateway_answer_seconds', help: 'Time from head to answer.', labelNames: ['route'], registers,
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
  })
  const keyCheck = new Histogram({
    name: 'ngome_gateway_key_check_seconds', help: 'Time of one API key check with its row in memory.', registers,
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
      answers.inc({ route, status })
      seconds.observe({ route }, ms / millisecondsPerSecond)
    },
    onKeyCheck: (ms) => keyCheck.observe(ms / millisecondsPerSecond),
  }
}
