export * from './api/payments.ts'
export * from './api/problem.ts'
export * from './api/vault.ts'
export * from './api/webhook-endpoints.ts'
export {
  approvalBytes, approvalLifeMsMax, approvalRequestSchema, approvalSchema, approvalSignaturesMax, parseApprovalRequest,
  staffAdmissionBytes, staffEnrolmentBytes, type Approval, type ApprovalRequest,
} from './approvals.ts'
export { canonicalJson } from './canonical-json.ts'
export * from './ceremony.ts'
export { classKey, classOf, classed } from './classed.ts'
export * from './custodian.ts'
export * from './destruction-certificates.ts'
export * from './custodian-log.ts'
export * from './events.ts'
export { idSchema, worldSchema } from './ids.ts'
export * from './jobs.ts'
export * from './self-tests.ts'
