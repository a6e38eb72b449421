export { AcmeResponder } from './acme-responder.ts'
export { AcmeSimulator, type AcmeSimulatorBooks } from './acme-simulator.ts'
export { AirtelMoneySimulator, type AirtelApplication, type AirtelTransaction } from './airtel-money-simulator.ts'
export { CardAcquirerSimulator, type AcquirerAccount, type AcquirerOrder } from './card-acquirer-simulator.ts'
export { TestAuthority, type IssueOptions } from './test-authority.ts'
export {
  startTestCustodian, type CustodianAnswers, type TestCustodian, type TestCustodianOptions,
} from './test-custodian.ts'
export {
  describeDatabase, postgresUser, startTestServer, testDatabase, testServer, type TestDatabase, type TestServer,
} from './postgres.ts'
export { addUpPast, writePastPayments, type Past, type PastPayment } from './past-payments.ts'
export { testBatchOpening, testBatchReference, testPayoutBatch, testPayoutPart } from './payout-parts.ts'
export { addTestMerchant, testAcceptance, type TestMerchant } from './payments.ts'
export { MtnMomoSimulator, type SimulatorCharge, type SimulatorCredentials, type SimulatorMovement } from './mtn-momo-simulator.ts'
export type { SimulatorAnswer, SimulatorCall } from './simulator-process.ts'
export { SealingMerchant, type SealedPaymentOptions } from './sealing-merchant.ts'
export { DrivenChromium, type DriveOptions } from './drive-chromium.ts'
export { chromiumPath, runInChromium, type PageOptions } from './browser-page.ts'
export { VaultReader } from './vault-reader.ts'
export { vectorsDir } from './vectors.ts'
export { freePorts } from './free-ports.ts'
export { compiledBefore } from './compiled-before.ts'
export { MerchantClient, type Answer, type MerchantCall } from './merchant-client.ts'
export { newSealingParties, type SealingParties } from './sealing-parties.ts'
export {
  Platform, type PlatformGreeting, type PlatformOptions, type PlatformPorts, type PlatformProcess,
} from './platform.ts'
export { ageLedger, Purse } from './purse.ts'
export { runKillLoop, type KillLoop, type KillReport } from './kill-loop.ts'
export {
  fingerprintOfIndex, guessesMax, guessNumbers, indexUnder, thiefsConstructions, type Construction,
} from './guess-numbers.ts'
export { keyCandidates, processMemory } from './process-memory.ts'
export { RedisServer, redisIsMissing } from './redis.ts'
export { SoftHsm, softHsmIsMissing } from './soft-hsm.ts'
export { wideLimits } from './wide-limits.ts'
export { WatchedChild } from './watched-child.ts'
export { SeededRandom, seedFrom } from './random.ts'
export {
  defaultParameters, digestOf, newNonce, signRaw, type SignedRequest, type SigningOptions,
} from './raw-signature.ts'
export { rsaAttacks, signatureAttacks, signPss, type AttackedRequest, type SignatureAttack } from './signature-attacks.ts'
export { OcspAuthority, ocspSigningUsage, type OcspIssued, type OcspIssueOptions } from './ocsp-authority.ts'
export { declinedOcspResponse, makeOcspResponse, type OcspAnswerOptions } from './ocsp-response.ts'
export { OcspServer, type OcspManners } from './ocsp-server.ts'
export { answerAttacks, answerKeyAttacks, type AnswerAttack, type AnswerKeyAttack } from './answer-attacks.ts'
export {
  answerKeyId, signAnswerRaw, stateAnswerKeyRaw, type AnsweredRequest, type AnswerKeyParts, type AnswerParts, type SentAnswer,
} from './raw-answer.ts'
