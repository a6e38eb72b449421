import type { Transmission } from '../egress/transmit.ts'
import type { CredentialCheck } from './payment-network.ts'

/** What a network's answers to wrong credentials were seen to be; MTN and Airtel use all three, a card acquirer 401. */
const refusals: ReadonlySet<number> = new Set([400, 401, 403])

/** Reads what came of asking for a token, or whatever else proves that we are known. */
export function checkToken(product: string, transmission: Transmission, hasToken: boolean): CredentialCheck {
  if (transmission.kind !== 'answered') return { product, outcome: 'away', status: null, theirTimeMs: null }
  const { status, headers } = transmission
  const outcome = hasToken ? 'good' : refusals.has(status) ? 'refused' : 'failing'
  const theirTimeMs = Date.parse(headers.date ?? '')
  return { product, outcome, status, theirTimeMs: Number.isNaN(theirTimeMs) ? null : theirTimeMs }
}
