import type { KeyObject } from 'node:crypto'
import type { Clock, Currency, Random, Secret, World } from '@ngome/kernel'
import type { Logger } from '@ngome/runtime'
import type { ApprovalRules } from '@ngome/payments'
import type { BatchStore, Database, EventStore, EventWord, PaymentStore } from '@ngome/store'
import type { PaymentNetwork } from './connectors/payment-network.ts'
import type { ComputeFingerprint } from './custodian/compute-fingerprint.ts'
import type { OpenSealed } from './custodian/open-sealed.ts'
import type { MerchantKeyStateOf } from './custodian/standing-keys.ts'
import type { EgressGuard } from './egress/egress-guard.ts'
import type { SendingWitness } from './payments/sending-witness.ts'
import type { OpenCard } from './vault/vault-token-opening.ts'

/** A configured payment network. */
export type Network = {
  readonly connector: PaymentNetwork
  /** The provider's name in callback addresses. */
  readonly provider: string
  readonly world: World
  readonly currency: Currency
  readonly callingCode: string
  /** Before this the network's "not found" is not final. */
  readonly settleAfterMs: number
  readonly enquiryIntervalMs: number
  /** After this nothing is sent again, and enquiries become rare. */
  readonly giveUpAfterMs: number
  /** A sending that was decided on leaves within this time, or not at all. */
  readonly sendWithinMs: number
}

export type WebhookSettings = {
  readonly attemptsMax: number
  readonly firstRetryMs: number
  readonly retryMaxMs: number
  /** Since the first try; then a delivery is given up. */
  readonly retryForMs: number
  readonly timeoutMs: number
  /** An endpoint that took nothing for so long is told of, and then disabled. */
  readonly warnAfterMs: number
  readonly disableAfterMs: number
  readonly disableAfterTries: number
}

/** All that the dispatcher's jobs need; made once, in `main.ts`. */
export type Dispatcher = {
  readonly db: Database
  readonly payments: PaymentStore
  readonly openSealed: OpenSealed
  /** Opens a card that is paid by; without it nothing is sent by card. */
  readonly openCard?: OpenCard
  readonly computeFingerprint: ComputeFingerprint
  /** The custodian's, which it signs allowed addresses with. */
  readonly statementKey: KeyObject
  readonly merchantKeyState: MerchantKeyStateOf
  /** Of this process's own configuration: what a gateway lets pass is not asked. */
  readonly approvals: ApprovalRules
  readonly egress: EgressGuard
  readonly networks: ReadonlyMap<string, Network>
  readonly callbacks: { readonly baseUrl: string; readonly secret: Secret<Uint8Array> }
  /** Whether an operator's command said so at that time, by its certificate. */
  readonly isOperatorsWord: (subject: Uint8Array, word: EventWord, atMs: number) => boolean
  readonly webhooks: WebhookSettings
  readonly clock: Clock
  readonly random: Random
  /** Milliseconds by a clock that nobody can set. */
  readonly monotonicMs: () => number
  readonly witness: SendingWitness
  /** Lets time pass. */
  readonly sleep: (ms: number) => Promise<unknown>
  readonly logger: Logger
}

/** What the jobs of payments need: a store of payments and no database, so that a simulation runs the same code. */
export type PaymentDispatcher = Pick<
  Dispatcher, 'payments' | 'openSealed' | 'openCard' | 'statementKey' | 'merchantKeyState' | 'approvals' | 'networks' | 'callbacks' | 'clock' | 'random' |
  'monotonicMs' | 'witness' | 'sleep' | 'logger'
>

/** What the job of a part of a batch needs, beside what its rows do. */
export type BatchDispatcher = PaymentDispatcher & {
  readonly batches: BatchStore
  /** Rows of one part that are sent at once. */
  readonly rowsAtOnce: number
}

/** What the job of webhooks needs: what is to be told, and the one way out. */
export type WebhookDispatcher = Pick<
  Dispatcher, 'openSealed' | 'statementKey' | 'merchantKeyState' | 'callbacks' | 'isOperatorsWord' | 'webhooks' | 'clock' | 'random' | 'logger'
> & { readonly events: EventStore; readonly egress: Pick<EgressGuard, 'toWebhook'> }

/** What marks this process's events. */
export function eventSource({ clock, random }: Pick<Dispatcher, 'clock' | 'random'>) {
  return { clock, random, process: 'dispatcher' } as const
}
