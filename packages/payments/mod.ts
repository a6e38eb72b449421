export { accountFor, accountKinds, type Account, type AccountKind } from './accounts.ts'
export { adjustmentKinds, documentTransferRules, type AdjustmentKind, type DocumentTransferKind, type DocumentTransferRule } from './document-transfers.ts'
export { needsApproval, type ApprovalRules } from './approval-rules.ts'
export { batchDigestKey, partDigest, partsDigest, type DigestedPart } from './batch-digests.ts'
export { feeOf, type Tariff } from './fees.ts'
export { holdsCardNumber, isLuhn, parseCardNumber } from './instruments/card-number.ts'
export { parseVaultValue, type VaultValue, type VaultValueParse } from './instruments/parse-vault-value.ts'
export { isCardMask, maskCard } from './mask-card.ts'
export { maskPhone } from './mask-phone.ts'
export {
  eventBody, eventIdOf, eventSubject, eventView, firstEvent, isFormless, isProvenEvent, proveEvent, proveNextEvent, type EndpointFacts, type Movement,
  type MovementFacts, type ObjectEvent, type SettlementFacts,
} from './object-event.ts'
export {
  canTransition, dispatcherOrigins, gatewayOrigins, hasEnded, initialStatuses, openStatuses, paymentStates, paymentTransitions, type PaymentState,
  type PaymentTransition,
} from './payment-states.ts'
export { paymentView, payoutView, refundView, type ShownPayment } from './payment-view.ts'
export { settlementView, type ShownSettlement } from './settlement-view.ts'
export { networkFor, type RoutableNetwork, type Routing } from './routing/network-for.ts'
export { prefixRows, type PrefixConfidence, type PrefixRow } from './routing/prefixes.ts'
export {
  reversalsOf, transferPhases, transferRules, transferShares, transfersOf, type MovedPayment, type PaymentTransferKind, type Transfer, type TransferKind,
  type TransferPhase, type TransferRule, type TransferShare,
} from './transfers.ts'
export { csv } from './statements/csv.ts'
export { statementCamt } from './statements/statement-camt.ts'
export { statementCsv } from './statements/statement-csv.ts'
export {
  sumOf, writeStatement, type StatementEntry, type StatementForm, type StatementPart,
} from './statements/statement.ts'
export type { ReportOfNetwork } from './reports/csv-report.ts'
export { reportEncodings, type ReportEncoding } from './reports/decode.ts'
export { csvFormats, reportColumns, type CsvFormat, type ReportColumn } from './reports/formats.ts'
export { dateOrders, readInstant, startOfDayMs } from './reports/read-instant.ts'
export { readReport, type ReportForm } from './reports/read-report.ts'
export {
  isReportRow, movementDirections, movementStatuses, type MovementDirection, type MovementStatus, type ReportItem, type ReportPeriod, type ReportProblem,
  type ReportRow,
} from './reports/report-row.ts'
