import type { Random } from '@ngome/kernel'
import type { Endpoint } from '@ngome/runtime'
import type { ApprovalsOfProbes } from './approvals/two-people.ts'
import type { Auditor } from './at-rest/auditor.ts'
import type { Planted, PlantedVault } from './at-rest/plant-payment.ts'
import type { CustodianView } from './custodian/custodian-view.ts'
import type { KeyRecords } from './custodian/key-records.ts'
import type { OpeningsLog } from './custodian/openings-log.ts'
import type { SelfTester } from './custodian/self-test.ts'
import type { MachineView } from './isolation/machine-view.ts'
import type { ProbeMerchants } from './probe-merchant.ts'
import type { KeyRoller } from './probes/api-keys-roll-and-end.ts'
import type { KeyReminding } from './probes/old-and-unused-keys-are-told-of.ts'
import type { LimitedMerchants } from './probes/rate-limits-hold.ts'
import type { CheckoutOfProbes } from './probes/checkout-pages-are-held.ts'
import type { BrowserKeys } from './probes/browsers-are-held-to-their-origins.ts'
import type { MerchantSignerAdder } from './probes/merchants-roll-their-own-keys.ts'
import type { MerchantKeyAdder } from './probes/signed-requests-are-verified.ts'
import type { BooksOfProbes } from './probes/the-books-only-grow.ts'
import type { PayoutsOfProbes } from './probes/money-goes-out-on-its-merchants-word.ts'
import type { WebhooksOfProbes } from './probes/webhooks-are-encrypted.ts'
import type { WatchedTransport } from './probes/transport-is-watched.ts'

/** The running system, as far as the probes reach it; each takes the part that it needs. */
export type Target = Planted & PlantedVault & ProbeMerchants & SelfTester & KeyRoller & KeyReminding & BrowserKeys & MerchantKeyAdder & MerchantSignerAdder & LimitedMerchants
  & WatchedTransport & WebhooksOfProbes & CheckoutOfProbes & PayoutsOfProbes & ApprovalsOfProbes & BooksOfProbes & {
  readonly gateway: Endpoint
  /** Everything of the platform that listens and speaks TLS, the public API among them. */
  readonly listeners: readonly Endpoint[]
  /** The internal authority's certificate, PEM. */
  readonly authority: string
  readonly dataFolder: string
  /** An external database: its files are on another machine, where these probes do not reach. */
  readonly isDatabaseElsewhere: boolean
  readonly auditor: Auditor
  readonly custodian: CustodianView
  readonly keyRecords: KeyRecords
  readonly openingsLog: OpeningsLog
  readonly machine: () => Promise<MachineView>
  readonly expectedGrants: readonly string[]
  readonly random: Random
}
