import type { Network } from '../dispatcher.ts'

type Timing = Pick<Network, 'settleAfterMs' | 'enquiryIntervalMs' | 'giveUpAfterMs' | 'sendWithinMs'>

/** A payment that is still open is asked about in proportion to its age, within these bounds. */
const shareOfAge = 0.1
const intervalMaxMs = 60_000
const rareShareOfAge = 0.2
const rareIntervalMaxMs = 3_600_000

/** How long until a payment that was sent `ageMs` ago is asked about again. */
export function nextEnquiryAfterMs(ageMs: number, { enquiryIntervalMs, giveUpAfterMs }: Pick<Timing, 'enquiryIntervalMs' | 'giveUpAfterMs'>): number {
  const [share, maxMs] = ageMs < giveUpAfterMs ? [shareOfAge, intervalMaxMs] : [rareShareOfAge, rareIntervalMaxMs]
  return Math.max(enquiryIntervalMs, Math.min(Math.round(ageMs * share), maxMs))
}

/** Sendings of one reference; the custodian opens a record a dozen times, and a reserve must be left for crashes. */
export const sendingsMax = 8

/** Whether the last sending that could have been, before giving up, has had the network's whole settling time. */
export function isPastGivingUp(ageMs: number, { giveUpAfterMs, sendWithinMs, settleAfterMs }: Omit<Timing, 'enquiryIntervalMs'>): boolean {
  return ageMs >= giveUpAfterMs + sendWithinMs + settleAfterMs
}

/**
 * What "not found" means for a reference that was first sent `ageMs` before the network was asked, and sent
 * `sendings` times by now; taking it over is no sending. It is final only when {@link isPastGivingUp}; until then the same reference is sent again, one settling time apart.
 */
export function afterNotFound(ageMs: number, sendings: number, timing: Omit<Timing, 'enquiryIntervalMs'>): 'wait' | 'send_again' | 'final' {
  if (isPastGivingUp(ageMs, timing)) return 'final'
  if (ageMs >= timing.giveUpAfterMs || sendings >= sendingsMax) return 'wait'
  return ageMs >= timing.settleAfterMs * sendings ? 'send_again' : 'wait'
}

/**
 * What "not found" means for a reference whose only sending was refused. A refusal may come of a part of the network
 * that another part has passed by, so that it is final no sooner than a silence would be; but nothing is sent again.
 */
export function afterRefusedNotFound(ageMs: number, { settleAfterMs, sendWithinMs }: Pick<Timing, 'settleAfterMs' | 'sendWithinMs'>): 'wait' | 'final' {
  return ageMs >= sendWithinMs + settleAfterMs ? 'final' : 'wait'
}
