import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { toBase64Url, type Clock } from '@ngome/kernel'
import { certificateNames, sameNames } from '@ngome/runtime'
import { recordAcmeProgress, type AcmeOrderRow, type Database } from '@ngome/store'
import type { Account } from './account.ts'
import { AcmeFailure, own } from './acme-failure.ts'
import { requestMsMax, type AcmeAnswer, type AcmeSession } from './acme-session.ts'
import { isProblem, orderSchema, readAnswer, type AcmeOrder } from './answers.ts'
import { authorizeNames } from './authorize-names.ts'
import type { CheckedRequest } from './check-order.ts'

/** Moved ahead at each request, so that an order whose dispatcher ended in the middle waits for no more than this. */
export const leaseMs = 2 * requestMsMax
/** An authority is asked again after this at the earliest, and after what it says. */
const pollMsMin = 2_000
/** No authority takes this long over an order that it will fill; another one is made. */
const orderMsMax = 3_600_000
/** What an order can go through without waiting: authorized, finalized, issued. */
const stepsMax = 4
const chainType = 'application/pem-certificate-chain'

export type OrderWork = {
  readonly db: Database
  readonly clock: Clock
  readonly session: AcmeSession
  readonly account: Account & { readonly accountUrl: string }
  /** RFC 9773 §5: which certificate this one is to replace. */
  readonly replaces: string | undefined
}

/**
 * Takes an order as far as it goes now; what has to wait is due again later. All that must outlast this process is in the
 * database before the next request, so that any dispatcher goes on with it.
 * @throws AcmeFailure, Fault `store/unavailable`
 */
export async function workOnOrder(work: OrderWork, row: AcmeOrderRow, request: CheckedRequest): Promise<void> {
  const { db, clock, session, account } = work
  // Another dispatcher's account cannot read this one's orders.
  const isOurs = row.orderUrl !== null && row.account === account.accountUrl
  const url = isOurs && row.orderUrl !== null ? row.orderUrl : await placeOrder(work, row)
  const orderedAtMs = isOurs ? row.orderedAtMs ?? clock.nowMs() : clock.nowMs()
  if (clock.nowMs() - orderedAtMs > orderMsMax) throw new AcmeFailure(own('order_stuck'), 'the authority does not fill the order', { isOrderLost: true })
  const wait = (waitMs: number | undefined): Promise<boolean> =>
    recordAcmeProgress(db, row.id, { dueAtMs: clock.nowMs() + Math.max(waitMs ?? 0, pollMsMin) })
  let answer = await session.post(url, null, account)
  for (let step = 0; step < stepsMax; step++) {
    const order = readOrder(answer, row.names)
    switch (order.status) {
      case 'pending': {
        const waiting = await authorizeNames(work, row, order)
        if (waiting !== undefined) return void await wait(waiting.waitMs)
        answer = await session.post(url, null, account)
        break
      }
      case 'ready':
        await session.post(order.finalize, { csr: toBase64Url(request.der) }, account)
        answer = await session.post(url, null, account)
        break
      case 'processing': return void await wait(answer.retryAfterMs)
      case 'valid': return fetchChain(work, row, order, request)
      case 'invalid': throw new AcmeFailure(order.error?.type ?? own('order_invalid'), order.error?.detail ?? 'the order is invalid', { isOrderLost: true })
      default: order.status satisfies never
    }
  }
  await wait(answer.retryAfterMs)
}

async function placeOrder({ db, clock, session, account, replaces }: OrderWork, { id, names }: AcmeOrderRow): Promise<string> {
  const identifiers = names.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value }))
  const place = (more: object): Promise<AcmeAnswer> => session.post(session.directory.newOrder, { identifiers, ...more }, account)
  const answer = replaces === undefined || session.directory.renewalInfo === undefined ? await place({}) : await place({ replaces }).catch((error: unknown) => {
    // RFC 9773 §7.4; an authority that does not know the certificate may say so with any of the others.
    if (isProblem(error, 'alreadyReplaced') || isProblem(error, 'malformed')) return place({})
    throw error
  })
  if (answer.location === undefined) throw new AcmeFailure(own('unreadable_answer'), 'an order without an address')
  const now = clock.nowMs()
  await recordAcmeProgress(db, id, { state: 'ordered', account: account.accountUrl, orderUrl: answer.location, orderedAtMs: now, dueAtMs: now + leaseMs })
  return answer.location
}

/** An order that says other names than ours is another one, whatever its state. */
function readOrder(answer: AcmeAnswer, names: readonly string[]): AcmeOrder {
  const order = readAnswer(answer.body, orderSchema, 'the order')
  if (!sameNames(order.identifiers.map(({ value }) => value), names)) {
    throw new AcmeFailure(own('order_changed'), 'an order of other names than were ordered', { isOrderLost: true })
  }
  return order
}

async function fetchChain(
  { db, clock, session, account }: OrderWork, { id, names }: AcmeOrderRow, { certificate }: AcmeOrder, { spki }: CheckedRequest,
): Promise<void> {
  if (certificate === undefined) throw new AcmeFailure(own('unreadable_answer'), 'a valid order without a certificate')
  const answer = await session.post(certificate, null, account, chainType)
  if (answer.contentType.split(';')[0]?.trim() !== chainType) throw new AcmeFailure(own('unreadable_answer'), `a chain that is ${answer.contentType}`)
  const chain = Buffer.from(answer.body).toString('latin1')
  const leaf = parseLeaf(chain)
  // The gateway looks again, with its key in its hands and by other code.
  if (leaf === undefined || !leaf.publicKey.export({ format: 'der', type: 'spki' }).equals(spki) || !sameNames(certificateNames(leaf), names)) {
    throw new AcmeFailure(own('chain_of_another'), 'a certificate for another key or other names than were ordered', { isOrderLost: true })
  }
  await recordAcmeProgress(db, id, { state: 'issued', chain, dueAtMs: clock.nowMs() })
}

function parseLeaf(chain: string): X509Certificate | undefined {
  try {
    return new X509Certificate(chain)
  } catch {
    return undefined
  }
}
