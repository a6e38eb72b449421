import type { Clock, Money, Random, Secret } from '@ngome/kernel'
import type { EgressGuard } from '../../egress/egress-guard.ts'
import type { PinScheme } from './encrypt-pin.ts'
import type { Place } from './messages.ts'

export type AirtelMoneySettings = Place & {
  readonly currency: Money['currency']
  /** The name of the network in the configuration, by which the egress guard knows its address. */
  readonly network: string
  /** Whether this country wants requests that move money signed. */
  readonly signsMessages: boolean
  /** SHA-256 of Airtel's key for messages (DER), in hexadecimal, where the operator pinned it. */
  readonly messageKeySha256: string | undefined
  readonly pinScheme: PinScheme
  /** Whether requests name the address of their callbacks; else the one in Airtel's portal has them all. */
  readonly namesCallback: boolean
  readonly requestTimeoutMs: number
  readonly enquiriesPerSecondMax: number
}
export type AirtelMoneyCredentials = {
  readonly clientId: Secret<string>
  readonly clientSecret: Secret<string>
  /** Without it a callback claims nothing. */
  readonly callbackKey: Secret<string> | undefined
  /** Without both there are no payouts. */
  readonly pin: Secret<string> | undefined
  readonly pinKey: Secret<string> | undefined
}
export type AirtelMoneyPorts = { readonly egress: EgressGuard; readonly clock: Clock; readonly random: Random }
