import { rateLimitField, type Limit } from '@ngome/access'
import { Fault } from '@ngome/kernel'
import type { GatewayRequest } from '../http/gateway-request.ts'

const usPerSecond = 1_000_000
/** Nobody is told to stay away longer: what he waits for may come sooner than its rate says. */
const retryAfterSMax = 3_600

/** Adds fields to whatever the answer will be. */
export function addAnswerHeaders(request: GatewayRequest, ...headers: readonly string[]): void {
  if (request.answerHeaders === undefined) request.answerHeaders = [...headers]
  else request.answerHeaders.push(...headers)
}

/** A refusal that says which limit it was, and when the same request may come again. */
export function refusal(
  request: GatewayRequest,
  { name, limit, cost, remaining, waitUs, policyField }: {
    readonly name: string; readonly limit: Limit; readonly cost: number; readonly remaining: number; readonly waitUs: number
    /** `undefined` before the key: who is not known is told no more than when to come again. */
    readonly policyField: string | undefined
  },
): Fault {
  const afterS = Math.min(retryAfterSMax, Math.max(1, Math.ceil(waitUs / usPerSecond)))
  addAnswerHeaders(request, 'retry-after', String(afterS))
  if (policyField !== undefined) {
    addAnswerHeaders(request, 'ratelimit-policy', policyField, 'ratelimit', rateLimitField({ name, remaining, resetS: afterS }))
  }
  const detail = `The limit of this ${name}, ${limit.ratePerS} tokens a second and ${limit.burst} at once, is reached; this call costs ${cost}. Come again in ${afterS} s.`
  return new Fault('access/limit_exceeded', `the limit of the ${name}`, { fields: [{ pointer: '', detail }] })
}
