/** Our own words for what an authority did, beside its own problem types (RFC 8555 §6.7). */
export type OwnProblem =
  | 'unreached' | 'away_from_itself' | 'unreadable_answer' | 'order_changed' | 'order_refused' | 'order_stuck' | 'order_invalid'
  | 'no_http_challenge' | 'authorization_invalid' | 'chain_of_another' | 'account_invalid' | 'external_account_incomplete'

export const acmeErrors = 'urn:ietf:params:acme:error:'
const problemPattern = /^[a-zA-Z0-9:._/-]{1,128}$/
/** What an operator reads; a longer story is cut. */
const detailLengthMax = 1_000

/** What keeps an order from going on: told to the operator with all that is known, and tried again later. */
export class AcmeFailure extends Error {
  override readonly name = 'AcmeFailure'
  /** The authority's problem type, or one of ours behind `ngome:`. */
  readonly problem: string
  readonly detail: string
  /** As the authority asks. */
  readonly retryAfterMs: number | undefined
  /** Whether the authority's order is of no more use, so that another is to be made. */
  readonly isOrderLost: boolean

  constructor(problem: string, detail: string, { retryAfterMs, isOrderLost = false }: { readonly retryAfterMs?: number | undefined; readonly isOrderLost?: boolean } = {}) {
    super(`${problem}: ${detail}`)
    this.problem = problemPattern.test(problem) ? problem : own('unreadable_answer')
    this.detail = plain(detail)
    this.retryAfterMs = retryAfterMs
    this.isOrderLost = isOrderLost
  }
}

export function own(problem: OwnProblem): string {
  return `ngome:${problem}`
}

/** Words from outside that a terminal will show: nothing in them moves a cursor. */
function plain(text: string): string {
  return text.replace(/[^\x20-\x7e]+/g, ' ').slice(0, detailLengthMax)
}
