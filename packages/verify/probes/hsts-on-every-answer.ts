import type { Endpoint } from '@ngome/runtime'
import type { Probe } from '../probe.ts'
import type { ProbeMerchants } from '../probe-merchant.ts'
import { fails, holds, type Verdict } from '../verdict.ts'
import { exchangeTls, headerOf, statusOf } from '../wire/exchange.ts'
import { requestBytes } from '../wire/request.ts'

/** One year: what browsers' preload lists ask for, and the shortest that outlives a forgetful visitor. */
const maxAgeSMin = 31_536_000

type Target = ProbeMerchants & { readonly gateway: Endpoint; readonly authority: string }

export const hstsOnEveryAnswer: Probe<Target> = {
  id: 'hsts-on-every-answer',
  source: import.meta.filename,
  does: 'Asks the public API for a success, for each kind of refusal and for what its HTTP parser itself refuses. Each answer must carry Strict-Transport-Security for at least a year.',
  run: async ({ gateway, authority, merchant }) => {
    const { apiKey } = await merchant('first')
    const asked: readonly (readonly [string, number, Uint8Array])[] = [
      ['a success', 200, requestBytes({ method: 'GET', path: '/v1/payments', apiKey })],
      ['no key', 401, requestBytes({ method: 'GET', path: '/v1/payments' })],
      ['nothing there', 404, requestBytes({ method: 'GET', path: '/v1/nothing', apiKey })],
      ['no such payment', 404, requestBytes({ method: 'GET', path: '/v1/payments/pay_nothing', apiKey })],
      ['a body that is no payment', 422, requestBytes({ method: 'POST', path: '/v1/payments', apiKey, body: {}, headers: { 'idempotency-key': 'hsts-probe' } })],
      ['a header that is not allowed', 400, requestBytes({ method: 'GET', path: '/v1/payments', apiKey, headers: { 'x-forwarded-for': '192.0.2.1' } })],
      ['a broken head', 400, Buffer.from('GET / HTTP/1.1\r\nbroken\r\n\r\n')],
    ]
    for (const [name, status, bytes] of asked) {
      const failure = judge(name, status, await exchangeTls(gateway, authority, bytes))
      if (failure !== undefined) return failure
    }
    return holds(`${asked.length} answers (${asked.map(([, status]) => status).join(', ')}) carry it`)
  },
}

function judge(name: string, expected: number, answer: Parameters<typeof statusOf>[0]): Verdict | undefined {
  const status = statusOf(answer)
  const value = headerOf(answer, 'strict-transport-security')
  const ageS = Number(/(?:^|;\s*)max-age="?([0-9]+)"?/i.exec(value ?? '')?.[1] ?? 0)
  if (status === undefined) return fails(`no answer to a request for ${name}`)
  if (value === undefined) return fails(`the answer to ${name} (${status}) has no Strict-Transport-Security`)
  if (ageS < maxAgeSMin) return fails(`the answer to ${name} (${status}) says "${value}", ${maxAgeSMin} s at least`)
  // Another status than expected is not this promise's failure, but then the answer is not the one that was meant.
  return status === expected ? undefined : fails(`${name} was answered with ${status}, expected ${expected}`)
}
