import { parseOrigin } from '@ngome/access'
import { Fault } from '@ngome/kernel'
import type { Operation } from '../api/operations.ts'
import type { Answer } from '../http/answer.ts'
import type { HeaderGroup } from '../http/header-table.ts'

/** What a browser sends with a preflight. */
export const preflightHeaderGroups: readonly HeaderGroup[] = ['every', 'fetch', 'browser', 'preflight']
/** How long a browser need not ask again: no longer than a changed route may go unseen. The answer is no secret. */
const maxAgeS = 600

/** What a preflight asks for; absent where a client sent none. */
export type Preflight = {
  readonly origin: string | undefined
  readonly method: string | undefined
  /** Names in lower case, with commas between. */
  readonly headers: string | undefined
}

/**
 * Answers a browser that asks whether a page may ask (Fetch §3.3.4). No key comes with that, so that any page's origin gets
 * the same answer, and nobody learns which origins merchants use; the request itself is held against its merchant's list.
 * @param offered the operations of this path that pages may call
 * @throws Fault `access/origin_refused` where it comes from no origin that could be on a list, `request/method_refused`,
 * `request/header_refused`
 */
export function answerPreflight({ origin = '', method, headers = '' }: Preflight, offered: readonly Operation[]): Answer {
  if (parseOrigin(origin, 'test') === undefined) throw new Fault('access/origin_refused', 'a preflight from no origin of a page')
  const operation = offered.find((one) => one.method === method)
  if (operation === undefined) throw new Fault('request/method_refused', 'no operation of that method is for pages')
  const allowed = allowedHeaders(operation)
  const asked = headers === '' ? [] : headers.split(/, ?/)
  if (!asked.every((name) => allowed.includes(name))) {
    const field = { pointer: '', detail: `Refused: a page sends these headers here: ${allowed.join(', ')}.` }
    throw new Fault('request/header_refused', 'a preflight asks for other headers', { fields: [field] })
  }
  return {
    status: 204,
    headers: [
      'access-control-allow-origin', origin,
      'access-control-allow-methods', operation.method,
      'access-control-allow-headers', allowed.join(', '),
      'access-control-max-age', String(maxAgeS),
      'vary', 'Origin',
    ],
  }
}

/** Those that a script must ask for: the others are safelisted (Fetch §2.2.2), or the browser's own. */
function allowedHeaders(operation: Operation): readonly string[] {
  return [
    'authorization', 'accept-signature',
    ...(operation.body === undefined ? [] : ['content-type', 'content-digest']),
    ...(operation.needsIdempotencyKey === true ? ['idempotency-key'] : []),
  ]
}
