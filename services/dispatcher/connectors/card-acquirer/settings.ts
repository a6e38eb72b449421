import type { Clock, Secret } from '@ngome/kernel'
import type { EgressGuard } from '../../egress/egress-guard.ts'

export type CardAcquirerSettings = {
  /** The name of the network in the configuration, by which the egress guard knows its address. */
  readonly network: string
  /** Origins of the pages that payers may be sent to: nobody is sent anywhere else, whatever the acquirer answers. */
  readonly challengeOrigins: readonly string[]
  readonly requestTimeoutMs: number
  readonly enquiriesPerSecondMax: number
}
export type CardAcquirerCredentials = {
  /** The merchant account, which is no secret: what it is worth is the other. */
  readonly account: Secret<string>
  /** Signs our calls, and the acquirer's callbacks. */
  readonly secret: Secret<string>
}
export type CardAcquirerPorts = { readonly egress: EgressGuard; readonly clock: Clock }
