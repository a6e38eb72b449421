import { Fault } from '@ngome/kernel'

/**
 * Why the custodian says no → what of it a signed refusal tells the caller. The log has the reason itself. What could
 * teach a forger how far a forgery came is one word outside: `unproven` where it is about the caller or a clock or a key
 * of ours, which may pass, and `record_refused` where it is about what was sealed, which does not.
 */
export const refusalReasons = {
  operation_unknown: 'operation_unknown',
  caller_not_permitted: 'caller_not_permitted',
  request_invalid: 'request_invalid',
  certificate_unknown: 'unproven',
  certificate_revoked: 'unproven',
  certificate_expired: 'unproven',
  certificate_not_for_calls: 'unproven',
  token_malformed: 'unproven',
  token_forged: 'unproven',
  token_expired: 'unproven',
  token_too_long_lived: 'unproven',
  token_used: 'unproven',
  token_role: 'unproven',
  csr_refused: 'unproven',
  too_many_renewals: 'unproven',
  signer_missing: 'unproven',
  signer_not_permitted: 'unproven',
  signer_refused: 'unproven',
  tenant_unknown: 'tenant_unknown',
  secret_not_permitted: 'secret_not_permitted',
  secret_version_unknown: 'unproven',
  api_key_known: 'api_key_known',
  api_key_unproven: 'unproven',
  api_key_not_shown: 'unproven',
  api_key_ended: 'unproven',
  signing_key_known: 'signing_key_known',
  signing_key_unknown: 'unproven',
  signing_key_revoked: 'unproven',
  merchant_signature_refused: 'unproven',
  signed_for_another: 'unproven',
  nonce_seen: 'unproven',
  own_key_refused: 'request_invalid',
  own_keys_spent: 'budget_spent',
  root_unprotected: 'root_unprotected',
  root_has_no_successor: 'root_has_no_successor',
  rotation_running: 'rotation_running',
  destruction_unknown: 'destruction_unknown',
  destruction_not_waiting: 'destruction_not_waiting',
  merchant_key_not_destroyable: 'merchant_key_not_destroyable',
  purpose_not_permitted: 'purpose_not_permitted',
  table_not_permitted: 'table_not_permitted',
  class_not_permitted: 'class_not_permitted',
  retention_not_permitted: 'record_refused',
  tenant_differs: 'record_refused',
  suite_differs: 'record_refused',
  data_key_too_old: 'record_refused',
  data_key_from_future: 'unproven',
  data_key_malformed: 'record_refused',
  data_key_unused: 'request_invalid',
  inner_not_permitted: 'request_invalid',
  inner_misplaced: 'record_refused',
  // Whoever seals can seal nonsense: that is about one value, and no alarm.
  inner_unopenable: 'inner_refused',
  data_key_misplaced: 'record_refused',
  data_key_unopenable: 'record_refused',
  signer_unknown: 'record_refused',
  signer_not_valid_then: 'record_refused',
  // It may pass: the operator can say since when the signer is doubted.
  signer_revoked: 'unproven',
  merchant_key_unknown: 'record_refused',
  merchant_key_destroyed: 'record_refused',
  key_unusable: 'unproven',
  approval_missing: 'approval_missing',
  approval_not_enough: 'approval_missing',
  approval_malformed: 'unproven',
  approval_repeated: 'unproven',
  approval_staff_unknown: 'unproven',
  approval_staff_retired: 'unproven',
  approval_forged: 'unproven',
  approval_of_another_call: 'unproven',
  approval_expired: 'unproven',
  approval_too_long_lived: 'unproven',
  approval_used: 'unproven',
  staff_unknown: 'staff_unknown',
  staff_last: 'staff_last',
  staff_key_refused: 'unproven',
  person_budget_spent: 'budget_spent',
  record_budget_spent: 'budget_spent',
  purpose_budget_spent: 'budget_spent',
} as const satisfies Record<string, string>

export type RefusalReason = keyof typeof refusalReasons

/** The custodian's no. Every one is recorded before it is answered, and all look the same from outside. */
export class Refusal extends Fault {
  readonly reason: RefusalReason
  /** What it was about: ids and names. */
  readonly subject: string

  constructor(reason: RefusalReason, subject: string, options: { cause?: unknown; isEnrolment?: boolean } = {}) {
    const { isEnrolment = false, ...rest } = options
    super(isEnrolment ? 'custodian/enrolment_refused' : 'custodian/refused', `${reason}: ${subject}`, rest)
    this.reason = reason
    this.subject = subject
  }
}
