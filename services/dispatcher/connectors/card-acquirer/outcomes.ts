import { isPageOf } from '@ngome/access'
import type { Transmission } from '../../egress/transmit.ts'
import { parseMessage } from '../parse-message.ts'
import type { AskedPayment, EnquiryOutcome, PayerAction, RequestOutcome } from '../payment-network.ts'
import { failureOf, refusalOf } from './failures.ts'
import { differencesOf, errorSchema, orderSchema, type AcquirerOrder } from './messages.ts'

type Answered = Extract<Transmission, { kind: 'answered' }>

/** What the answer to an order says. That it failed or succeeded is not believed here: an enquiry says so. */
export function requestOutcome({ status, body }: Answered, asked: AskedPayment, origins: readonly string[]): RequestOutcome {
  const code = parseMessage(errorSchema, body)?.code ?? 'none'
  const reason = `${status} ${code}`
  // The reference is ours alone, so whoever has it already is an earlier try of ours.
  if (status === 409 && code === 'reference_reused') return { kind: 'taken' }
  const failure = status === 422 ? refusalOf(code) : undefined
  if (failure !== undefined) return { kind: 'refused', failure, reason }
  const order = status === 201 ? parseMessage(orderSchema, body) : undefined
  if (order === undefined) return { kind: 'unknown', reason }
  const action = actionOf(order, origins)
  if (differencesOf(order, asked).length > 0 || action === 'refused') return { kind: 'unknown', reason: 'an answer that differs' }
  return action === undefined ? { kind: 'taken' } : { kind: 'taken', action }
}

/** What the answer to an enquiry says. */
export function enquiryOutcome({ status, body }: Answered, asked: AskedPayment, origins: readonly string[]): EnquiryOutcome {
  if (status === 404) {
    return parseMessage(errorSchema, body)?.code === 'not_found' ? { kind: 'not_found' } : { kind: 'unknown', reason: '404' }
  }
  const order = status === 200 ? parseMessage(orderSchema, body) : undefined
  if (order === undefined) return { kind: 'unknown', reason: `${status}` }
  const fields = differencesOf(order, asked)
  if (fields.length > 0) return { kind: 'differs', fields }
  switch (order.status) {
    case 'processing': return { kind: 'pending' }
    case 'requires_action': {
      const action = actionOf(order, origins)
      return action === 'refused' || action === undefined ? { kind: 'differs', fields: ['action'] } : { kind: 'pending', action }
    }
    case 'succeeded': return { kind: 'succeeded', networkReference: order.id }
    case 'failed': return { kind: 'failed', ...failureOf(order.code ?? 'none') }
    // The holder disputed it, and the acquirer gave the money back.
    case 'reversed': return { kind: 'reversed', reason: order.code ?? 'none' }
    case 'unknown': return { kind: 'ambiguous', reason: order.code ?? 'none' }
    default: return order.status satisfies never
  }
}

/** @returns `refused` where the payer would be sent to a page that is not on the list, or to none */
function actionOf({ status, action }: AcquirerOrder, origins: readonly string[]): PayerAction | 'refused' | undefined {
  if (status !== 'requires_action') return undefined
  return action !== null && isPageOf(action.url, origins) ? { type: 'redirect', url: action.url } : 'refused'
}
