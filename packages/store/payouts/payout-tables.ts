import type { ApiKeyId, Currency, DataKeyId, MerchantId, MerchantSigningKeyId, PaymentId, PayoutBatchId, PayoutBatchPartId, World } from '@ngome/kernel'
import type { ColumnType, Generated } from 'kysely'

type TenantColumns = { merchant: MerchantId; world: World }

/** The tables of approvals and of batches. */
export type PayoutTables = {
  payout_approvals: TenantColumns & {
    payment: PaymentId
    decision: 'asked' | 'approved' | 'refused'
    is_answer: ColumnType<boolean, never, never>
    api_key: ApiKeyId
    key_line: ApiKeyId
    signing_key: MerchantSigningKeyId
    base: string | null
    signature: string | null
    body: string | null
    at: Date
  }
  payout_batches: TenantColumns & {
    id: PayoutBatchId
    reference: string
    currency: Currency
    declared_count: number
    declared_minor: bigint
    api_key: ApiKeyId
  } & { accepted_count: Generated<number>; accepted_minor: Generated<bigint>; needs_approval: Generated<boolean>; is_answered: Generated<boolean> } & { created_at: Date; updated_at: Date; cancelled_at: Date | null }
  payout_batch_parts: TenantColumns & { id: PayoutBatchPartId; batch: PayoutBatchId; number: number; sealed: Uint8Array; data_key: DataKeyId; created_at: Date } & {
    digest: Uint8Array | null
    key_line: ApiKeyId | null
    signing_key: MerchantSigningKeyId | null
  }
  payout_batch_approvals: TenantColumns & {
    batch: PayoutBatchId
    decision: 'asked' | 'approved' | 'refused' | 'expired'
    is_answer: ColumnType<boolean, never, never>
    api_key: ApiKeyId | null
    key_line: ApiKeyId | null
    signing_key: MerchantSigningKeyId | null
    base: string | null
    signature: string | null
    body: string | null
    at: Date
  }
  payout_batch_rows: TenantColumns & { batch: PayoutBatchId; reference: string; part: PayoutBatchPartId; payment: PaymentId }
  payout_part_words: TenantColumns & { batch: PayoutBatchId; number: number; digest: Uint8Array; currency: Currency; total_minor: bigint; row_count: Generated<number>; at: Date }
  payout_batch_openings: TenantColumns & { batch: PayoutBatchId; reference: string; sealed: Uint8Array; data_key: DataKeyId; created_at: Date }
  payout_batch_words: TenantColumns & {
    reference: string
    batch: PayoutBatchId
    currency: Currency
    declared_count: number
    declared_minor: bigint
    signing_key: MerchantSigningKeyId
    at: Date
  }
}
