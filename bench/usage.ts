import { newId, systemClock, systemRandom, type Tenant } from '@ngome/kernel'
import { Counter, Registry } from 'prom-client'
import { UsageRecorder, type HeardRequest } from '../services/gateway/usage/recorder.ts'
import { usageBatch } from '../services/gateway/usage/write-usage.ts'
import { interleave, timeCase, type BenchReport } from './harness.ts'

const from = { clock: systemClock, random: systemRandom }
const keys = 1_000
/** What an answer may cost us for its key's use to be known. */
const barMicros = 2
const microsPerSecond = 1e6
/** Answers between two writings, at 5,000 a second and a writing every 2 seconds. */
const answersTaken = 10_000

/** What hearing of an answer costs a gateway, beside a counter with the same labels; the taking of what was heard included. */
export function bench(): BenchReport {
  const requests = Array.from({ length: keys }, newRequest)
  const recorder = new UsageRecorder(from)
  const counter = new Counter({ name: 'answers', help: 'as a gateway would', labelNames: ['key', 'route', 'status'], registers: [new Registry()] })
  let [heard, counted] = [0, 0]
  const hear = (): void => {
    recorder.onAnswer('getPayment', 200, 1.5, requests[heard++ % keys])
    if (heard % answersTaken === 0) usageBatch(recorder.take(), () => null)
  }
  const count = (): void => counter.inc({ key: requests[counted++ % keys]?.caller?.apiKey ?? '', route: 'getPayment', status: 200 })
  const rates = interleave({ hear, count }, { batch: 500 })
  const [hearMicros, countMicros] = [microsPerSecond / rates.hear, microsPerSecond / rates.count]
  return {
    bench: 'usage',
    cases: [
      timeCase('hearing of an answer, beside a labelled counter', 'µs', hearMicros, countMicros),
      timeCase('hearing of an answer, against the bar', 'µs', hearMicros, barMicros),
    ],
    notes: [
      `${keys.toLocaleString('en')} keys in turns. Hearing keeps counts by key, minute and operation, addresses, agents, and a line of the request`,
      'log within its bounds; what is taken for the database is part of it, the database is not. The baseline is a counter of',
      'prom-client with key, route and status as labels, which knows neither when nor from where.',
    ],
  }
}

function newRequest(_: unknown, at: number): HeardRequest {
  const tenant: Tenant = { merchant: newId('merchant', from), world: 'test' }
  return {
    requestId: newId('request', from), url: `/v1/payments/${newId('payment', from)}`, faultCode: null,
    caller: { apiKey: newId('apiKey', from), tenant }, socket: { remoteAddress: `41.210.${at % 250}.7` }, headers: { 'user-agent': 'shop/1.0' },
  }
}
