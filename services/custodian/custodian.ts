import type { OwnKeyPolicy } from '@ngome/access'
import type { SuiteName } from '@ngome/envelope'
import type { Clock, ProcessRole, Random, Secret } from '@ngome/kernel'
import type { Authorities } from './authority/authorities.ts'
import type { CertificateLookUps } from './authority/certificate-look-ups.ts'
import type { RefusalMeter } from './calls/refusal-meter.ts'
import type { KeyPolicy } from './key-life/key-policy.ts'
import type { StatementKey } from './merchants/statement-key.ts'
import type { DataKeyCache } from './openings/data-key-cache.ts'
import type { PresentedDataKeys } from './openings/presented-data-key.ts'
import type { OpeningRecorder } from './openings/record-openings.ts'
import type { RootRing } from './root-keys/root-ring.ts'
import type { RootSuccession } from './root-keys/root-succession.ts'
import type { NamedSecrets } from './secrets/named-secrets.ts'
import type { Store } from './store/store.ts'

export type Settings = {
  readonly certificateLifeMs: number
  readonly merchantKeyPeriodMs: number
  /** For merchant keys that are made from now on; each keeps its own. */
  readonly merchantKeySuite: SuiteName
  readonly keyPolicy: KeyPolicy
  /** How far merchants may go with API keys of their own. */
  readonly ownKeyPolicy: OwnKeyPolicy
  /** Names in the certificate of the public API. */
  readonly publicNames: readonly string[]
  /** Further names by which the processes of a role are reached, besides this machine's own. */
  readonly internalNames: Readonly<Record<ProcessRole, readonly string[]>>
}

/** What somebody should look at now: it leaves this process by its log, and stays in the store's. */
export type Alarm = { readonly what: string; readonly caller: string; readonly subject: string }

/** All that a call may need. Each verb takes it whole; what it may not use, its tests show that it refuses. */
export type Custodian = {
  readonly clock: Clock
  readonly random: Random
  readonly store: Store
  readonly root: RootRing
  readonly succession: RootSuccession
  /** Its own folder. */
  readonly folder: string
  /** Whether another custodian may work on the same store. */
  readonly hasTwin: boolean
  readonly authority: Authorities
  readonly statementKey: StatementKey
  /** Ties rows that are no secret, but must not be forged, to this custodian. */
  readonly rowTagKey: Secret<Uint8Array>
  /** Shared with the launcher, which mints enrolment tokens with it. */
  readonly enrolmentKey: Secret<Uint8Array>
  readonly secrets: NamedSecrets
  readonly certificates: CertificateLookUps
  readonly dataKeys: DataKeyCache
  readonly presented: PresentedDataKeys
  readonly recorder: OpeningRecorder
  readonly refusals: RefusalMeter
  readonly settings: Settings
  readonly alarm: (alarm: Alarm) => void
}
