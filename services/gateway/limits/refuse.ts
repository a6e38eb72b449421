import type { Limit } from '@ngome/access'
import { Fault } from '@ngome/kernel'
import type { GatewayRequest } from '../http/gateway-request.ts'

const usPerSecond = 1_000_000
/** Nobody is told to stay away longer: what he waits for may come sooner than its rate says. */
const retryAfterSMax = 3_600

/** Adds two fields, names and values in turn, to whatever the answer will be. */
export function addAnswerHeaders(request: GatewayRequest, ...[name, value, other, otherValue]: readonly [string, string, string, string]): void {
  // A list that is made with what it holds: one that grows takes room for more.
  if (request.answerHeaders === undefined) request.answerHeaders = [name, value, other, otherValue]
  else request.answerHeaders.push(name, value, other, otherValue)
}

/** A refusal that says which limit it was, and when the same request may come again. */
export function refusal(
  request: GatewayRequest,
  { name, limit, cost, waitUs, fields }: {
    readonly name: string; readonly limit: Limit; readonly cost: number; readonly waitUs: number
    /** RateLimit fields, names and values in turn; none before the key: who is not known is told no more than when to come again. */
    readonly fields: readonly string[]
  },
): Fault {
  const afterS = Math.min(retryAfterSMax, Math.max(1, Math.ceil(waitUs / usPerSecond)))
  request.answerHeaders = [...request.answerHeaders ?? [], 'retry-after', String(afterS), ...fields]
  const detail = `The limit of this ${name}, ${limit.ratePerS} tokens a second and ${limit.burst} at once, is reached; this call costs ${cost}. Come again in ${afterS} s.`
  return new Fault('access/limit_exceeded', `the limit of the ${name}`, { fields: [{ pointer: '', detail }] })
}
