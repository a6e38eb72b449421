import type { Probe } from './probe.ts'
import { answersAreSigned } from './probes/answers-are-signed.ts'
import { apiKeysAreNotKept } from './probes/api-keys-are-not-kept.ts'
import { apiKeysAreUnguessable } from './probes/api-keys-are-unguessable.ts'
import { apiKeysRollAndEnd } from './probes/api-keys-roll-and-end.ts'
import { checkoutPagesAreHeld } from './probes/checkout-pages-are-held.ts'
import { browsersAreHeldToTheirOrigins } from './probes/browsers-are-held-to-their-origins.ts'
import { databaseGrants } from './probes/database-grants.ts'
import { destroyedKeysStayDestroyed } from './probes/destroyed-keys-stay-destroyed.ts'
import { dispatcherCannotOverreach } from './probes/dispatcher-cannot-overreach.ts'
import { egressIsClosed } from './probes/egress-is-closed.ts'
import { ephemeralKeyExchange } from './probes/ephemeral-key-exchange.ts'
import { gatewayCannotOpen } from './probes/gateway-cannot-open.ts'
import { hostileHeadersAreRefused } from './probes/hostile-headers-are-refused.ts'
import { hstsOnEveryAnswer } from './probes/hsts-on-every-answer.ts'
import { eventsAreComplete } from './probes/events-are-complete.ts'
import { forbiddenForwardIsRefused } from './probes/forbidden-forward-is-refused.ts'
import { keysRotateByPolicy } from './probes/keys-rotate-by-policy.ts'
import { largeBatchesWaitForASecondPerson } from './probes/large-batches-wait-for-a-second-person.ts'
import { largePayoutsWaitForASecondPerson } from './probes/large-payouts-wait-for-a-second-person.ts'
import { merchantsRollTheirOwnKeys } from './probes/merchants-roll-their-own-keys.ts'
import { merchantsSeeTheirOwnLogs } from './probes/merchants-see-their-own-logs.ts'
import { oldAndUnusedKeysAreToldOf } from './probes/old-and-unused-keys-are-told-of.ts'
import { moneyGoesOutOnItsMerchantsWord } from './probes/money-goes-out-on-its-merchants-word.ts'
import { openingsLogOnlyGrows } from './probes/openings-log-only-grows.ts'
import { operatorCannotOpen } from './probes/operator-cannot-open.ts'
import { pinsMatchTheChain } from './probes/pins-match-the-chain.ts'
import { plainHttpReachesNothing } from './probes/plain-http-reaches-nothing.ts'
import { plantedValueIsNowhere } from './probes/planted-value-is-nowhere.ts'
import { processIsolation } from './probes/process-isolation.ts'
import { rateLimitsHold } from './probes/rate-limits-hold.ts'
import { realCertificate } from './probes/real-certificate.ts'
import { recordFormat } from './probes/record-format.ts'
import { rootKeyIsProtected } from './probes/root-key-is-protected.ts'
import { sdkIntegratesSafely } from './probes/sdk-integrates-safely.ts'
import { separateMerchantKeys } from './probes/separate-merchant-keys.ts'
import { slowAndGreedyClientsAreCut } from './probes/slow-and-greedy-clients-are-cut.ts'
import { signedRequestsAreVerified } from './probes/signed-requests-are-verified.ts'
import { strangerCannotOpen } from './probes/stranger-cannot-open.ts'
import { tls13Only } from './probes/tls-1-3-only.ts'
import { unapprovedRevealIsRefused } from './probes/unapproved-reveal-is-refused.ts'
import { theBooksOnlyGrow } from './probes/the-books-only-grow.ts'
import { transportIsWatched } from './probes/transport-is-watched.ts'
import { unusualUseIsFlagged } from './probes/unusual-use-is-flagged.ts'
import { webhooksAreEncrypted } from './probes/webhooks-are-encrypted.ts'
import type { Target } from './target.ts'

/** Every probe that there is; the catalog names them by id. */
export const probes: readonly Probe<Target>[] = [
  plainHttpReachesNothing, realCertificate, hstsOnEveryAnswer, tls13Only, ephemeralKeyExchange, transportIsWatched, pinsMatchTheChain,
  plantedValueIsNowhere, recordFormat,
  gatewayCannotOpen, operatorCannotOpen, strangerCannotOpen, processIsolation, egressIsClosed,
  separateMerchantKeys, rootKeyIsProtected, keysRotateByPolicy, destroyedKeysStayDestroyed, forbiddenForwardIsRefused,
  apiKeysAreUnguessable, apiKeysAreNotKept, apiKeysRollAndEnd, merchantsRollTheirOwnKeys, oldAndUnusedKeysAreToldOf, rateLimitsHold, unusualUseIsFlagged, merchantsSeeTheirOwnLogs,
  databaseGrants, dispatcherCannotOverreach, unapprovedRevealIsRefused,
  hostileHeadersAreRefused, browsersAreHeldToTheirOrigins, checkoutPagesAreHeld, signedRequestsAreVerified, moneyGoesOutOnItsMerchantsWord, largePayoutsWaitForASecondPerson, largeBatchesWaitForASecondPerson, answersAreSigned, webhooksAreEncrypted, eventsAreComplete, slowAndGreedyClientsAreCut, sdkIntegratesSafely,
  openingsLogOnlyGrows, theBooksOnlyGrow,
]
