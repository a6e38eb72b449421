import type { Transmission } from '../../egress/transmit.ts'
import { checkToken } from '../check-token.ts'
import { Pacer, tooManyEnquiries } from '../pacer.ts'
import { parseMessage } from '../parse-message.ts'
import type { PaymentNetwork, PaymentRequest, RequestOutcome } from '../payment-network.ts'
import { accountSchema, parseCallback, paymentBody, refundBody, statusClaimed } from './messages.ts'
import { enquiryOutcome, requestOutcome } from './outcomes.ts'
import type { CardAcquirerCredentials, CardAcquirerPorts, CardAcquirerSettings } from './settings.ts'
import { isSignedClaim, signCall } from './sign-call.ts'

/** How long an enquiry waits for its turn under the cap; past it the job comes back later. */
const enquiryPatienceMs = 5_000
const nothing = new Uint8Array()
const pathOf = (direction: PaymentRequest['direction']): string => (direction === 'refund' ? '/v1/refunds' : '/v1/payments')

type Call = {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly reference: string
  readonly body: Uint8Array
  readonly beforeFirstByte?: () => Promise<boolean>
}

/**
 * Speaks the card acquirer's protocol (simulators/card-acquirer/README.md). Every call is signed by itself, so that there is no token
 * that could run out or be stolen. Callbacks and payers who come back are hints; only the answer to an enquiry is believed.
 */
export function connectCardAcquirer(
  settings: CardAcquirerSettings, { account, secret }: CardAcquirerCredentials, { egress, clock }: CardAcquirerPorts,
): PaymentNetwork {
  const pacer = new Pacer(settings.enquiriesPerSecondMax, clock)
  /** Until somebody answered, and again after a call that found nobody. */
  let isDoubtful = true

  const send = async ({ method, path, reference, body, beforeFirstByte }: Call): Promise<Transmission> => {
    const signature = signCall(secret, { atS: Math.floor(clock.nowMs() / 1_000), method, path, reference, body })
    const transmission = await egress.toProvider(settings.network, path, {
      method, body, timeoutMs: settings.requestTimeoutMs,
      headers: {
        ...method === 'POST' ? { 'content-type': 'application/json' } : {},
        'acquirer-account': account.expose((id) => id), 'acquirer-signature': signature, 'idempotency-key': reference,
      },
      ...beforeFirstByte === undefined ? {} : { beforeFirstByte },
    })
    isDoubtful = transmission.kind === 'unreached'
    return transmission
  }
  const askAccount = async (): Promise<{ readonly transmission: Transmission; readonly isOurs: boolean }> => {
    const transmission = await send({ method: 'GET', path: '/v1/account', reference: '', body: nothing })
    const shown = transmission.kind === 'answered' && transmission.status === 200 ? parseMessage(accountSchema, transmission.body) : undefined
    isDoubtful = shown === undefined || !account.expose((id) => id === shown.account)
    return { transmission, isOurs: !isDoubtful }
  }

  return {
    takesCards: true,
    directions: ['collection', 'refund'],
    // A reference that is there already is answered as it stands, and another order under it is refused.
    isIdempotent: true,
    async prepare() {
      return !isDoubtful || (await askAccount()).isOurs ? 'ready' : 'unavailable'
    },
    async request(request) {
      const { direction, reference, beforeFirstByte } = request
      const isWhole = direction === 'collection' ? request.card !== undefined : direction === 'refund' && request.original !== null
      if (!isWhole) return refuseOurselves(request)
      const body = direction === 'refund' ? refundBody(request) : paymentBody(request)
      const transmission = await send({ method: 'POST', path: pathOf(direction), reference, body, beforeFirstByte })
      body.fill(0)
      switch (transmission.kind) {
        case 'unreached': return { kind: 'not_sent', reason: transmission.reason }
        case 'lost': return { kind: 'unknown', reason: transmission.reason }
        case 'answered': return requestOutcome(transmission, request, settings.challengeOrigins)
        default: return transmission satisfies never
      }
    },
    async enquire(asked) {
      if (!await pacer.turn(enquiryPatienceMs)) return { kind: 'unknown', reason: tooManyEnquiries }
      const { direction, reference } = asked
      const transmission = await send({ method: 'GET', path: `${pathOf(direction)}/${reference}`, reference, body: nothing })
      if (transmission.kind !== 'answered') return { kind: 'unknown', reason: transmission.reason }
      return enquiryOutcome(transmission, asked, settings.challengeOrigins)
    },
    async check() {
      const { transmission, isOurs } = await askAccount()
      return [checkToken('account', transmission, isOurs)]
    },
    readCallback(body) {
      const callback = parseCallback(body)
      return callback !== undefined && isSignedClaim(secret, callback.claim, callback.signature) ? statusClaimed(callback.claim) : undefined
    },
  }
}

/** It counts as sent, so that its enquiries, which find nothing, bring it to its end. */
async function refuseOurselves(request: PaymentRequest): Promise<RequestOutcome> {
  return await request.beforeFirstByte()
    ? { kind: 'refused', failure: 'network_refused', reason: 'nothing to ask for' } : { kind: 'not_sent', reason: 'held back' }
}
