import type { Transmission } from '../../egress/transmit.ts'
import { parseMessage } from '../parse-message.ts'
import type { AskedPayment, EnquiryOutcome, RequestOutcome } from '../payment-network.ts'
import { failureOf, meaningOf } from './codes.ts'
import { answerSchema, codeOf, differencesOf, moneyIdOf, type Place } from './messages.ts'
import { transactionIdOf } from './transaction-id.ts'

export type Answered = Extract<Transmission, { kind: 'answered' }>

/** Whether Airtel says that what was signed does not match, so that it took nothing. */
export function isSignatureRefused({ body }: Answered): boolean {
  return meaningOf(codeOf(parseMessage(answerSchema, body))) === 'signature'
}

/** What is known after asking: taken where the answer says so without a doubt, refused where nobody looked at the money. */
export function requestOutcome({ status, body }: Answered, request: Pick<AskedPayment, 'direction' | 'reference'>): RequestOutcome {
  const answer = parseMessage(answerSchema, body)
  const code = codeOf(answer)
  const reason = `${status} ${code}`
  const meaning = meaningOf(code)
  if (meaning === 'refusal' || meaning === 'signature') return { kind: 'refused', failure: failureOf(code), reason }
  const transaction = answer?.data?.transaction
  const isOurs = request.direction === 'refund' || typeof transaction?.id !== 'string'
    || transaction.id.toLowerCase() === transactionIdOf(request.reference)
  if (!isOurs) return { kind: 'unknown', reason: `${reason}, about another transaction` }
  // A collection is given back as a whole and so once: who did that already is an earlier try, or the enquiry says otherwise.
  if (meaning === 'duplicate') return { kind: 'taken' }
  // A transaction that has a state is there, also one that has failed already; a push that was sent is only called a success.
  const isTaken = transaction?.status === 'SUCCESS' || isThere(transaction?.status) || (answer?.status?.success === true && transaction?.status !== 'TA')
  return status === 200 && isTaken ? { kind: 'taken' } : { kind: 'unknown', reason }
}

function isThere(status: string | null | undefined): boolean {
  return ['TS', 'TF', 'TE', 'TIP', 'TR'].includes(status ?? '')
}

/** What Airtel says of a collection or a disbursement. */
export function enquiryOutcome({ status, body }: Answered, asked: AskedPayment, place: Place): EnquiryOutcome {
  const answer = status === 200 || status === 404 ? parseMessage(answerSchema, body) : undefined
  const code = codeOf(answer)
  const transaction = answer?.data?.transaction
  if (transaction?.status === null || transaction?.status === undefined) {
    // Only its own word for it: a router that has lost its way answers 404 as well.
    return meaningOf(code) === 'not_found' ? { kind: 'not_found' } : { kind: 'unknown', reason: `${status} ${code}` }
  }
  if (status !== 200) return { kind: 'unknown', reason: `${status} ${code}` }
  const fields = differencesOf(transaction, { id: transactionIdOf(asked.reference), money: asked.money }, place)
  if (fields.length > 0) return { kind: 'differs', fields }
  switch (transaction.status) {
    case 'TS': return { kind: 'succeeded', networkReference: moneyIdOf(transaction) }
    case 'TF': return { kind: 'failed', failure: failureOf(code), reason: code }
    case 'TE': return { kind: 'failed', failure: 'payer_timed_out', reason: `TE ${code}` }
    case 'TIP': return { kind: 'pending' }
    case 'TA': return { kind: 'ambiguous', reason: code }
    case 'TR': return { kind: 'reversed', reason: code }
    default: return { kind: 'unknown', reason: 'another state than those documented' }
  }
}

/** What the collection's state says of its refund: given back, or not, and then Airtel has no refund. */
export function refundOutcome(original: EnquiryOutcome, networkReference: string | null): EnquiryOutcome {
  switch (original.kind) {
    case 'reversed': return { kind: 'succeeded', networkReference }
    case 'succeeded': return { kind: 'not_found' }
    // A collection that we know to have succeeded and that is not there, or has another end: somebody has to look.
    case 'failed':
    case 'not_found':
      return { kind: 'differs', fields: ['original'] }
    case 'pending':
    case 'ambiguous': return { kind: 'ambiguous', reason: 'the collection is in doubt' }
    case 'differs':
    case 'unknown': return original
    default: return original satisfies never
  }
}
