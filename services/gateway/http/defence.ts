import type { FaultCode } from '@ngome/kernel'
import type { SlowKind } from './slow-connections.ts'

/** Why a connection was ended before its handshake. */
export const connectionRefusals = ['banned', 'too_many', 'too_fast'] as const
export type ConnectionRefusal = (typeof connectionRefusals)[number]

/** What somebody did to us: a request that was refused, or a connection that was. */
export type Misdeed = FaultCode | `slow_${SlowKind}` | Exclude<ConnectionRefusal, 'banned'>

/** What the public server asks of whoever keeps attackers away, and tells it. Addresses are as the socket says them. */
export type Defence = {
  readonly isBanned: (address: string | undefined) => boolean
  /** Whether the operator vouches for an address: it is not banned, and opens connections as fast as it likes. */
  readonly isTrusted: (address: string | undefined) => boolean
  readonly onMisdeed: (misdeed: Misdeed, address: string | undefined) => void
  readonly onCut: (kind: SlowKind) => void
  readonly onConnectionRefused: (why: ConnectionRefusal) => void
}
