import type { PaymentDirection } from '@ngome/contracts'
import type { Currency, Money } from '@ngome/kernel'
import type { Transmission } from '../../egress/transmit.ts'
import { parseLooseMoney } from '../parse-loose-money.ts'
import { parseMessage } from '../parse-message.ts'
import type { AskedPayment, EnquiryOutcome, HolderStanding, RequestOutcome } from '../payment-network.ts'
import { failureOf, refusalOf } from './failures.ts'
import { balanceSchema, differencesOf, errorSchema, holderSchema, statusSchema } from './messages.ts'

/** What MTN's answer to an order says. */
export function requestOutcome(transmission: Transmission, direction: PaymentDirection): RequestOutcome {
  if (transmission.kind === 'unreached') return { kind: 'not_sent', reason: transmission.reason }
  if (transmission.kind === 'lost') return { kind: 'unknown', reason: transmission.reason }
  const { status, body } = transmission
  const code = parseMessage(errorSchema, body)?.code ?? 'NONE'
  const reason = `${status} ${code}`
  if (status === 202) return { kind: 'taken' }
  // The reference is ours alone, so whoever has it already is an earlier try of ours.
  if (status === 409 && code === 'RESOURCE_ALREADY_EXIST') return { kind: 'taken' }
  const failure = refusalOf(direction, code)
  if (failure !== undefined) return { kind: 'refused', failure, reason }
  // MTN answers 400 to what it cannot read, 403 to an address that is not on the disbursement's list, and both before it looks on.
  if (status === 400 || status === 403) return { kind: 'refused', failure: 'network_refused', reason }
  return { kind: 'unknown', reason }
}

/** What MTN's answer to an enquiry says. */
export function enquiryOutcome(transmission: Transmission, asked: AskedPayment): EnquiryOutcome {
  if (transmission.kind !== 'answered') return { kind: 'unknown', reason: transmission.reason }
  const { status, body } = transmission
  if (status === 404) return { kind: 'not_found' }
  const answer = status === 200 ? parseMessage(statusSchema, body) : undefined
  if (answer === undefined) return { kind: 'unknown', reason: `${status}` }
  const fields = differencesOf(answer, asked)
  if (fields.length > 0) return { kind: 'differs', fields }
  switch (answer.status) {
    case 'PENDING': return { kind: 'pending' }
    case 'SUCCESSFUL': return { kind: 'succeeded', networkReference: answer.financialTransactionId ?? null }
    case 'FAILED': {
      const reason = answer.reason ?? 'NONE'
      return { kind: 'failed', failure: failureOf(asked.direction, reason), reason }
    }
    default: return answer.status satisfies never
  }
}

export function balanceFrom(transmission: Transmission, currency: Currency): Money | undefined {
  if (transmission.kind !== 'answered' || transmission.status !== 200) return undefined
  const answer = parseMessage(balanceSchema, transmission.body)
  if (answer?.currency !== currency) return undefined
  // An empty account is a balance too, and no payment.
  if (/^0+(?:\.0+)?$/.test(answer.availableBalance)) return { amountMinor: 0n, currency }
  return parseLooseMoney(answer.availableBalance, currency)
}

export function holderFrom(transmission: Transmission): HolderStanding {
  if (transmission.kind !== 'answered') return 'unknown'
  if (transmission.status === 404) return 'inactive'
  const answer = transmission.status === 200 ? parseMessage(holderSchema, transmission.body) : undefined
  return answer === undefined ? 'unknown' : answer.result ? 'active' : 'inactive'
}
