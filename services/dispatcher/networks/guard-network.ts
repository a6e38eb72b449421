import type { EnquiryOutcome, PaymentNetwork } from '../connectors/payment-network.ts'
import { tooManyEnquiries } from '../connectors/pacer.ts'
import type { CircuitBreaker } from './circuit-breaker.ts'

const away: EnquiryOutcome = { kind: 'unknown', reason: 'the network is away' }

/**
 * A network behind its breaker: while that is open, or the network is closed, payments wait as they do where it is away, and nobody asks
 * it. What is enquired about moves no money, and goes on while the network is closed.
 */
export function guardNetwork(connector: PaymentNetwork, breaker: CircuitBreaker, isClosed: () => boolean): PaymentNetwork {
  return {
    ...connector,
    async prepare(direction) {
      if (isClosed() || !breaker.mayPass()) return 'unavailable'
      const { era } = breaker
      const standing = await connector.prepare(direction)
      // A token that was kept says nothing of now: only a failure counts. What the connector cannot do is no failure.
      if (standing === 'unavailable' && connector.directions.includes(direction)) breaker.failed(era)
      return standing
    },
    async request(request) {
      const { era } = breaker
      let isHeldBack = false
      const outcome = await connector.request({
        ...request,
        beforeFirstByte: async () => {
          const mayLeave = await request.beforeFirstByte()
          isHeldBack = !mayLeave
          return mayLeave
        },
      })
      if (outcome.kind === 'taken' || outcome.kind === 'refused') breaker.worked(era)
      else if (!isHeldBack) breaker.failed(era, request.payment)
      return outcome
    },
    async enquire(asked) {
      if (!breaker.mayPass()) return away
      const { era } = breaker
      const outcome = await connector.enquire(asked)
      if (outcome.kind !== 'unknown') breaker.worked(era)
      else if (outcome.reason !== tooManyEnquiries) breaker.failed(era, asked.payment)
      return outcome
    },
  }
}
