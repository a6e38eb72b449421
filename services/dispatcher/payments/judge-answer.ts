import type { PaymentDirection } from '@ngome/contracts'
import type { PaymentOutcome } from '@ngome/store'
import type { EnquiryOutcome } from '../connectors/payment-network.ts'
import type { Network } from '../dispatcher.ts'
import { afterNotFound, afterRefusedNotFound, isPastGivingUp } from './enquiry-schedule.ts'
import type { NetworkRefusal } from './schedule.ts'

/** What is known of a sending, beside the answer that is judged. */
export type KnownSending = {
  readonly direction: PaymentDirection
  readonly isIdempotent: boolean
  /** Whether the network was once seen to have it. */
  readonly wasSeen: boolean
  /** Its no to the only sending that there was. */
  readonly refusal: NetworkRefusal | undefined
  /** From the first sending to the question, by the clock on the wall, which may jump forward. */
  readonly ageMs: number
  /** For how long this process has known of the last sending, by a clock that cannot. */
  readonly witnessedMs: number
  readonly sendings: number
}

/** What an answer makes of a payment. `stands`: absent where it stays as it was; `isStuck`: a person has to ask. */
export type Verdict =
  | { readonly kind: 'end'; readonly outcome: PaymentOutcome }
  | { readonly kind: 'send_again' }
  | { readonly kind: 'open'; readonly stands?: 'processing' | 'in_doubt'; readonly isStuck: boolean; readonly differs?: readonly string[] }

type Timing = Pick<Network, 'settleAfterMs' | 'giveUpAfterMs' | 'sendWithinMs'>

/**
 * Judges what a network says of a payment that may have been sent, and guesses nothing: money has moved or has not by the network's
 * word alone, and without one the payment is in doubt until there is. That nothing is found ends a collection at last, since nobody
 * approves what the network does not have; what goes out may have gone, and stays in doubt for a person.
 */
export function judgeAnswer(answer: EnquiryOutcome, known: KnownSending, timing: Timing): Verdict {
  const inDoubt = { kind: 'open', stands: 'in_doubt', isStuck: isPastGivingUp(known.ageMs, timing) } as const
  switch (answer.kind) {
    case 'succeeded': return { kind: 'end', outcome: { status: 'succeeded', networkReference: answer.networkReference } }
    case 'failed': return failed(answer)
    // It was never ours to count: the money came back before we heard that it had gone.
    case 'reversed': return failed({ failure: 'network_refused', reason: answer.reason })
    case 'pending': return { kind: 'open', stands: 'processing', isStuck: false }
    case 'not_found': return judgeNotFound(known, timing) ?? inDoubt
    case 'differs': return { ...inDoubt, differs: answer.fields }
    case 'ambiguous': return inDoubt
    // That it has it was its word before, and it has not taken that back.
    case 'unknown': return known.wasSeen ? { kind: 'open', isStuck: false } : inDoubt
    default: return answer satisfies never
  }
}

/** @returns `undefined` where nobody knows */
function judgeNotFound({ direction, isIdempotent, wasSeen, refusal, ageMs, sendings, witnessedMs }: KnownSending, timing: Timing): Verdict | undefined {
  // The network had it once, so that it cannot have nothing: it is asked until it remembers.
  if (wasSeen) return undefined
  // Said twice is no doubt; it is only not final yet.
  const hasHadItsTime = witnessedMs >= timing.sendWithinMs + timing.settleAfterMs
  if (refusal !== undefined) return !hasHadItsTime || afterRefusedNotFound(ageMs, timing) === 'wait' ? { kind: 'open', isStuck: false } : failed(refusal)
  switch (afterNotFound(ageMs, sendings, timing)) {
    case 'wait': return undefined
    case 'send_again': return isIdempotent ? { kind: 'send_again' } : undefined
    case 'final': return direction === 'collection' && hasHadItsTime ? failed({ failure: 'network_refused', reason: 'not_found' }) : undefined
    default: return undefined
  }
}

function failed({ failure, reason }: Pick<NetworkRefusal, 'failure' | 'reason'>): Verdict {
  return { kind: 'end', outcome: { status: 'failed', failure, networkReason: reason } }
}
