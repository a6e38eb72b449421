import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Registry } from 'prom-client'
import { gatewayMetrics } from './gateway-metrics.ts'

test('answers are counted by route and status, and their times fall into buckets that only grow', async () => {
  const registry = new Registry()
  const metrics = gatewayMetrics(registry, { ageMs: 120 }, () => 0)
  for (const [status, ms] of [[200, 0.2], [200, 0.7], [404, 30], [200, 99_000]] as const) metrics.onAnswer('getPayment', status, ms)
  for (let look = 0; look < 2; look++) {
    const text = await registry.metrics()
    for (const line of [
      'ngome_gateway_answers_total{route="getPayment",status="200"} 3', 'ngome_gateway_answers_total{route="getPayment",status="404"} 1',
      'ngome_gateway_answer_seconds_bucket{route="getPayment",le="0.0005"} 1',
      'ngome_gateway_answer_seconds_bucket{route="getPayment",le="0.001"} 2',
      'ngome_gateway_answer_seconds_bucket{route="getPayment",le="0.05"} 3',
      'ngome_gateway_answer_seconds_bucket{route="getPayment",le="+Inf"} 4',
      'ngome_gateway_answer_seconds_count{route="getPayment"} 4', 'ngome_gateway_revocation_lease_age_seconds 0.12',
    ]) assert.ok(text.includes(line), `${line}\n${text}`)
  }
})

test('one key check in sixteen is timed, and those that wait for the database are not', async () => {
  const registry = new Registry()
  let nowMs = 0
  const metrics = gatewayMetrics(registry, { ageMs: 0 }, () => nowMs += 0.003)
  const check = metrics.timeKeyChecks((isCached: boolean) => (isCached ? 'who' : Promise.resolve('who')))
  for (let count = 0; count < 33; count++) assert.equal(await check(true), 'who')
  const waiting = metrics.timeKeyChecks(() => Promise.resolve('who'))
  await waiting()
  assert.match(await registry.metrics(), /ngome_gateway_key_check_seconds_count 3\n/)
})
