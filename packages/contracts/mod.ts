export * from './api/forwards.ts'
export * from './api/payments.ts'
export * from './api/problem.ts'
export * from './api/vault.ts'
export * from './api/webhook-endpoints.ts'
export {
  approvalBytes, approvalLifeMsMax, approvalRequestSchema, approvalSchema, approvalSignaturesMax, parseApprovalRequest,
  staffAdmissionBytes, staffEnrolmentBytes, type Approval, type ApprovalRequest,
} from './approvals.ts'
export {
  bansMax, banSecondsMax, formatBanOrder, operatorBanSecondsMax, parseBanNetwork, parseBanOrder, type BanNetwork, type BanOrder,
} from './bans.ts'
export { canonicalJson } from './canonical-json.ts'
export * from './ceremony.ts'
export { classKey, classOf, classed } from './classed.ts'
export { custodianActs, custodianEventOf } from './custodian-alarms.ts'
export * from './custodian.ts'
export * from './destruction-certificates.ts'
export * from './custodian-log.ts'
export * from './events.ts'
export { fingerprintPattern, fingerprintPrefix, indexGenerationsMax, parseFingerprint } from './fingerprints.ts'
export { forwardPrefixLengthMax, parseForwardPrefix, suffixBelow, type ForwardSuffix } from './forward-address.ts'
export { forwardTokens, parsePieces, type Piece } from './forward-template.ts'
export { idSchema, worldSchema } from './ids.ts'
export * from './inner-opening.ts'
export * from './jobs.ts'
export * from './rotations.ts'
export * from './self-tests.ts'
export * from './tls-checks.ts'
