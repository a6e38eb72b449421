import type {
  AlertKind, AnomalyResponse, DeliveryState, DifferenceKind, DifferenceStep, EventType, FailureCode, ObjectEventType, FingerprintStatus, ForwardFailure, ForwardStatus, PaymentDirection, PaymentStatus, Restriction,
  RetentionClass, SeenNetworkStatus, SettlementState, Severity, SigningKeyAlgorithm, SigningKeyUse, StapleFailure, StapleStatus, TlsVerdict, VaultTokenStatus, VaultTokenType,
  WebhookDeliveryReason, WebhookDisabledReason, WebhookEncryption, WebhookHoldReason,
} from '@ngome/contracts'
import type {
  AccountId, AcmeOrderId, AdjustmentId, AlertId, ApiKeyId, AttemptId, CallbackHintId, CheckoutSessionId, Currency, DataKeyId, EventId, ForwardDestinationId, ForwardId,
  GatewayInstanceId, LedgerDocumentId, MerchantId, MerchantSigningKeyId, PaymentId, ProcessRole, RequestId, SettlementId, TlsCheckId, VaultTokenId, WebhookDeliveryId, WebhookEndpointId,
  World,
} from '@ngome/kernel'
import type { AccountKind, AdjustmentKind, TransferKind, TransferPhase } from '@ngome/payments'
import type { ColumnType, Generated } from 'kysely'
import type { PayoutTables } from './payouts/payout-tables.ts'

/** The tables as SQL has them; `migrations/` says what each column is for and which class it has. */
export type Tables = PayoutTables & {
  merchants: {
    id: MerchantId; name: string; created_at: Date; frozen_at: Date | null
    vault_plaintext_test: Generated<VaultPlaintext>; vault_plaintext_live: Generated<VaultPlaintext>
    on_anomaly_test: AnomalyResponse | null; on_anomaly_live: AnomalyResponse | null
  }
  merchant_limits: TenantColumns & { rate_per_s: number; burst: number; changed_at: Date }
  api_keys: TenantColumns & {
    id: ApiKeyId
    verifier: Uint8Array
    pepper_version: number
    /** `null` only of keys that were revoked when proofs came. */
    proof: Uint8Array | null
    settings: ColumnType<unknown, string, string>
    hint: string
    created_at: Date
    revoked_at: Date | null
    /** The database's to compute. */
    rotates_at: ColumnType<Date | null, never, never>
  }
  merchant_origins: TenantColumns & { origin: string; created_at: Date }
  api_key_days: TenantColumns & { api_key: ApiKeyId; day: string; currency: Currency; total_minor: bigint }
  api_key_uses: TenantColumns & { api_key: ApiKeyId; last_used_at: Date; network: string; agent: string }
  api_key_reminders: TenantColumns & { api_key: ApiKeyId; kind: ApiKeyReminder; at: Date }
  revocation_counter: { only_row: boolean; value: bigint }
  revocations: {
    sequence: bigint
    kind: RevocationKind
    merchant: MerchantId
    api_key: ApiKeyId | null
    at: Date
  }
  data_keys: TenantColumns & { id: DataKeyId; retention: RetentionClass; sealed: Uint8Array; created_at: Date }
  payments: TenantColumns & {
    id: PaymentId
    status: PaymentStatus
    failure: FailureCode | null
    direction: PaymentDirection
    network: string
    currency: Currency
    amount_minor: bigint
    fee_minor: Generated<bigint>
    reference: string
    payer_masked: string
    original: PaymentId | null
    api_key: ApiKeyId
    data_key: DataKeyId
    sealed: Uint8Array
    created_at: Date
    updated_at: Date
  }
  accounts: TenantColumns & { id: AccountId; kind: AccountKind; network: string; currency: Currency }
  transfers: TenantColumns & {
    /** One of the three, which is its document. */
    payment: PaymentId | null
    settlement: SettlementId | null
    adjustment: AdjustmentId | null
    document: ColumnType<LedgerDocumentId, never, never>
    kind: TransferKind
    phase: TransferPhase
    is_end: Generated<boolean>
    debit_account: AccountId
    credit_account: AccountId
    debit_kind: AccountKind
    credit_kind: AccountKind
    amount_minor: bigint
    currency: Currency
    at: Date
    came_in: Generated<string>
  }
  settlements: TenantColumns & {
    id: SettlementId; currency: Currency; amount_minor: bigint; day: string; state: SettlementState
    bank_reference: string | null; failure: string | null; created_at: Date; updated_at: Date
  }
  adjustments: TenantColumns & {
    id: AdjustmentId; kind: AdjustmentKind | 'debt_repayment'; network: string; currency: Currency; amount_minor: bigint; reason: string; made_by: string; created_at: Date
  }
  account_sums: TenantColumns & {
    account: AccountId
    below: Generated<string>
    posted_in: Generated<bigint>
    posted_out: Generated<bigint>
    pending_in: Generated<bigint>
    pending_out: Generated<bigint>
  }
  attempts: TenantColumns & {
    id: AttemptId
    payment: PaymentId
    reference: string
    fence: number
    sendings: Generated<number>
    facts_proof: Uint8Array | null
    state: AttemptState
    network_reference: string | null
    network_reason: string | null
    prepared_at: Date
    sent_at: Date | null
    taken_at: Date | null
    known_at: Date | null
    stuck_at: Date | null
    enquiry_turn: Generated<number>
  }
  payment_actions: TenantColumns & { payment: PaymentId; url: string; at: Date }
  payment_authorizations: TenantColumns & { digest: Uint8Array; payment: PaymentId; at: Date; spoken_at: Date | null }
  webhook_endpoints: TenantColumns & {
    id: WebhookEndpointId
    slot: number
    url: string
    encryption: Generated<WebhookEncryption>
    /** `null` of those that nobody stated since proofs came. */
    terms_proof: Uint8Array | null
    held_since: Date | null
    held_because: WebhookHoldReason | null
    /** `null`: what is told by default. */
    event_types: ObjectEventType[] | null
    failing_since: ColumnType<Date | null, never, Date | null>
    failures: Generated<number>
    warned_at: ColumnType<Date | null, never, Date | null>
    disabled_at: ColumnType<Date | null, never, Date | null>
    disabled_because: ColumnType<WebhookDisabledReason | null, never, WebhookDisabledReason | null>
    enabled_at: ColumnType<Date | null, never, Date>
    created_at: Date
  }
  webhook_secrets: TenantColumns & {
    endpoint: WebhookEndpointId
    version: number
    data_key: DataKeyId
    sealed: Uint8Array
    created_at: Date
    ends_at: Date | null
    reminded_at: Date | null
  }
  webhook_deliveries: TenantColumns & {
    id: WebhookDeliveryId
    endpoint: WebhookEndpointId
    payment: PaymentId | null
    object: PaymentId | SettlementId | WebhookEndpointId
    /** The event's own; 0 of those from before there were events. */
    sequence: number
    event: EventId
    event_type: ObjectEventType
    event_at: Date
    state: DeliveryState
    tries: Generated<number>
    tried_since: ColumnType<Date | null, never, Date>
    waits: Generated<boolean>
    replays: Generated<number>
    replayed_at: Date | null
    last_status: number | null
    attempts: ColumnType<unknown, never, never>
    reason: ColumnType<WebhookDeliveryReason | null, never, WebhookDeliveryReason>
    next_try_at: ColumnType<Date | null, never, Date | null>
    created_at: Date
    settled_at: Date | null
  }
  /** The database's to write, all but the proof. */
  object_events: TenantColumns & {
    object: PaymentId | SettlementId | WebhookEndpointId
    sequence: ColumnType<number, never, never>
    id: ColumnType<EventId, never, never>
    type: ColumnType<ObjectEventType, never, never>
    at: ColumnType<Date, never, never>
    facts: ColumnType<unknown, never, never>
    position: ColumnType<string, never, never>
    number: ColumnType<bigint, never, never>
    proof: ColumnType<Uint8Array | null, never, Uint8Array>
  }
  event_words: TenantColumns & { event: EventId; certificate: string; signature: Uint8Array }
  callback_hints: TenantColumns & {
    id: CallbackHintId
    payment: PaymentId
    number: number
    data_key: DataKeyId
    sealed: Uint8Array
    received_at: Date
    judged_at: ColumnType<Date | null, never, Date>
  }
  vault_tokens: TenantColumns & {
    id: VaultTokenId
    type: VaultTokenType
    status: VaultTokenStatus
    network: string | null
    masked: string | null
    metadata: ColumnType<Readonly<Record<string, string>>, string, string>
    api_key: ApiKeyId
    data_key: DataKeyId
    sealed: Uint8Array | null
    fingerprint_status: FingerprintStatus
    fingerprint: string | null
    created_at: Date
    expires_at: Date | null
    ended: VaultTokenEnd | null
    ended_at: Date | null
  }
  forward_destinations: TenantColumns & {
    id: ForwardDestinationId
    url: string
    methods: readonly string[]
    certificate_sha256: Uint8Array | null
    authority: string | null
    proof: Uint8Array
    created_at: Date
    expires_at: Date
  }
  forwards: TenantColumns & {
    id: ForwardId
    destination: ForwardDestinationId
    api_key: ApiKeyId
    data_key: DataKeyId
    sealed: Uint8Array | null
    status: ForwardStatus
    failure: ForwardFailure | null
    answer: Uint8Array | null
    created_at: Date
    sent_at: Date | null
    ended_at: Date | null
  }
  api_key_usage: UsageColumns & {
    operation: string
    requests: bigint; refused: bigint; failed: bigint; not_found: bigint
    missed_ids: bigint; payers: bigint; unauthenticated: bigint; unlogged: bigint
    latency_us: bigint; latency_max_us: bigint
  }
  api_key_usage_facets: UsageColumns & { facet: UsageFacet; value: string; requests: bigint; amount_minor: string }
  request_log: TenantColumns & {
    id: RequestId
    at: Date
    api_key: ApiKeyId
    operation: string
    status: number
    fault: string | null
    latency_us: bigint
    address: string | null
    country: string | null
    agent: string | null
  }
  api_key_alerts: TenantColumns & {
    id: AlertId
    api_key: ApiKeyId
    kind: AlertKind
    subject: string
    score: number
    reason: string
    evidence: ColumnType<Readonly<Record<string, number | string>>, string, never>
    response: AnomalyResponse
    at: Date
    day: Date
  }
  api_key_baselines: TenantColumns & {
    api_key: ApiKeyId
    learned_to: Date
    state: ColumnType<unknown, string, string>
  }
  api_key_restrictions: TenantColumns & { api_key: ApiKeyId; restriction: Restriction; set_at: Date; ends_at: Date }
  merchant_signing_keys: TenantColumns & {
    id: MerchantSigningKeyId
    algorithm: SigningKeyAlgorithm
    spki: Uint8Array
    uses: readonly SigningKeyUse[]
    proof: Uint8Array
    created_at: Date
    expires_at: Date
    revoked_at: ColumnType<Date | null, never, Date>
  }
  events: {
    id: EventId
    type: EventType
    severity: Severity
    at: Date
    process: Exclude<ProcessRole, 'auditor'>
    merchant: MerchantId | null
    world: World | null
    data: ColumnType<Readonly<Record<string, unknown>>, string, never>
    xact: ColumnType<string, never, never>
  }
  custodian_log_cursor: {
    only_row: boolean
    sequence: bigint
    leaf: Uint8Array | null
    logged_at: Date | null
    told_until: Date | null
  }
  address_bans: {
    network: string; banned_by: 'gateway' | 'operator'; reason: string; times: number; banned_at: Date; ends_at: Date
  }
  audit_leaves: { event: EventId; at: Date; leaf: Uint8Array }
  checkout_sessions: TenantColumns & {
    id: CheckoutSessionId; token_hash: Uint8Array; api_key: ApiKeyId; currency: Currency; amount_minor: bigint; reference: string
    networks: readonly string[]; details: Uint8Array | null; created_at: Date; expires_at: Date; cancelled_at: Date | null
  }
  checkout_tries: TenantColumns & { session: CheckoutSessionId; try: number; payment: PaymentId; at: Date }
  tls_checks: {
    id: TlsCheckId
    address: string
    checked_at: Date
    verdict: TlsVerdict
    findings: readonly string[]
    chain: Uint8Array | null
    observed: ColumnType<unknown, string | null, never>
  }
  network_health: { network: string; status: SeenNetworkStatus; since: Date; seen_at: Date }
  network_maintenance: { network: string; begins_at: Date; ends_at: Date; reason: string }
  network_reports: {
    id: ColumnType<bigint, never, never>; network: string; network_world: World; form: string; currency: Currency; digest: Uint8Array; rows_digest: Uint8Array; movements: bigint
    skipped: bigint; from_at: Date; to_at: Date; began_by: string; began_at: Date
  }
  network_report_rows: {
    report: bigint; number: bigint; line: bigint; identity: Uint8Array; occurred_at: Date; direction: string; status: string; amount_minor: bigint
    reference: string | null; payment_named: string | null; network_reference: string
  }
  network_report_ends: { report: bigint; ended_at: Date }
  /** The database's to write, like the two below. */
  network_movements: {
    position: bigint; network: string; network_world: World; identity: Uint8Array; occurrence: number; report: bigint; number: bigint; occurred_at: Date
    direction: string; status: string; amount_minor: bigint; reference: string | null; payment_named: string | null; network_reference: string
    verdict: string | null; merchant: MerchantId | null; world: World | null; payment: PaymentId | null; judged_at: Date | null
  }
  reconciliation_differences: {
    number: bigint; network: string; network_world: World; kind: DifferenceKind; movement: bigint | null; merchant: MerchantId | null; world: World | null
    payment: PaymentId | null; delta_minor: bigint; currency: Currency; found_at: Date
  }
  reconciliation_steps: {
    difference: bigint; step: number; what: DifferenceStep; is_end: boolean; by_whom: string; note: string | null; adjustment: string | null; at: Date
  }
  ocsp_staples: {
    leaf: Uint8Array
    chain: string
    wanted_at: Date
    next_ask_at: Date
    response: Uint8Array | null
    status: StapleStatus | null
    this_update: Date | null
    next_update: Date | null
    failures: number
    failure: StapleFailure | null
    failing_since: Date | null
    told_at: Date | null
  }
  pin_sets: { version: number; statement: string; published_at: Date }
  acme_orders: {
    id: AcmeOrderId; instance: GatewayInstanceId; names: readonly string[]; csr: string; state: Generated<AcmeOrderState>
    requested_at: Date; created_at: Generated<Date>; due_at: Date; account: string | null; order_url: string | null; ordered_at: Date | null
    tries: Generated<number>; problem: string | null; detail: string | null; chain: string | null
    renew_at: Date | null; renewal_due_at: Date | null; renewal_asked_at: Date | null; refusal: string | null; ended_at: Date | null
  }
  acme_challenges: { token: string; order_id: AcmeOrderId; name: string; key_authorization: string; created_at: Generated<Date> }
}

type TenantColumns = { merchant: MerchantId; world: World }
type UsageColumns = TenantColumns & { api_key: ApiKeyId; grain: 'minute' | 'hour'; at: Date }

export type RevocationKind = 'api_key_revoked' | 'merchant_frozen' | 'merchant_unfrozen' | 'merchant_policy_changed'
  | 'merchant_signing_key_revoked' | 'merchant_origins_changed'
  | 'api_key_restricted'
/** What requests are counted by, beside the operation. */
export type UsageFacet = 'address' | 'country' | 'agent' | 'amount'
export type ApiKeyReminder = 'rotation_due' | 'unused'
export type VaultPlaintext = 'allowed' | 'refused'
/** `prepared`: nothing left us. `sent`: something may have. `known`: the network's final word is recorded. */
export type AttemptState = 'prepared' | 'sent' | 'known'
export type VaultTokenEnd = 'deleted' | 'expired'

/** `issued`: the gateway has not looked at it yet; `refused`: it looked, and does not serve it. */
export type AcmeOrderState = 'requested' | 'ordered' | 'issued' | 'installed' | 'failed' | 'refused' | 'withdrawn'
