import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { Account, Books } from './books.ts'

/** How old a call may be: clocks differ, and what was recorded is not played again tomorrow. */
const ageSMax = 300

export type Call = {
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Uint8Array
}

/**
 * Proves who calls: an HMAC-SHA-256 over time, method, path, reference and the body's digest, under the account's secret.
 * @returns `undefined` where nobody proved anything
 */
export function callerOf({ method, path, headers, body }: Call, books: Books, nowMs: number): Account | undefined {
  const { 'acquirer-account': id, 'acquirer-signature': signature, 'idempotency-key': reference = '' } = headers
  const account = typeof id === 'string' ? books.account(id) : undefined
  const match = typeof signature === 'string' ? /^t=([0-9]{10}),v1=([0-9a-f]{64})$/.exec(signature) : null
  if (account === undefined || match === null) return undefined
  const [, at = '', given = ''] = match
  if (Math.abs(nowMs / 1_000 - Number(at)) > ageSMax) return undefined
  const digest = createHash('sha256').update(body).digest('hex')
  const expected = createHmac('sha256', account.secret).update([at, method, path, reference, digest].join('\n'), 'utf8').digest()
  return timingSafeEqual(expected, Buffer.from(given, 'hex')) ? account : undefined
}
