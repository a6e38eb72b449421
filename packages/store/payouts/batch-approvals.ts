import type { ApiKeyId, MerchantSigningKeyId, PayoutBatchId, Tenant } from '@ngome/kernel'
import type { DigestedPart } from '@ngome/payments'
import type { Database } from '../database.ts'
import { findApprovalStatement, toApproval, type ApprovalColumns, type PayoutApproval } from '../payments/payout-approvals.ts'
import { pipelined } from '../pipeline.ts'

/** A part as its gateway wrote it down: which body came under its number, and by whose keys. */
export type ApprovablePart = DigestedPart & { readonly keyLine: ApiKeyId; readonly signingKey: MerchantSigningKeyId }

/** Nobody answered in time. */
export type ExpiredAnswer = { readonly decision: 'expired'; readonly atMs: number }

/** Who opened a batch that needs a second person, its answer once there is one, and what that is about. */
export type BatchApproval = {
  readonly asked: PayoutApproval['asked']
  readonly answer: PayoutApproval['answer'] | ExpiredAnswer
  /** In the order of their numbers. */
  readonly parts: readonly ApprovablePart[]
}

type PartColumns = { number: number; digest: Uint8Array | null; key_line: ApiKeyId | null; signing_key: MerchantSigningKeyId | null }

/** @throws Fault `store/unavailable` */
export async function findBatchApproval(db: Database, tenant: Tenant, batch: PayoutBatchId): Promise<BatchApproval> {
  const [said, parts] = await pipelined(db, tenant, [findApprovalStatement(tenant, { batch }), {
    name: 'list_approvable_parts',
    text: `SELECT number, digest, key_line, signing_key FROM ngome.payout_batch_parts
      WHERE merchant = $1 AND world = $2 AND batch = $3 ORDER BY number`,
    values: [tenant.merchant, tenant.world, batch],
  }])
  const rows = (said?.rows ?? []) as unknown as readonly (Omit<ApprovalColumns, 'decision'> & { readonly decision: ApprovalColumns['decision'] | 'expired' })[]
  const expired = rows.find(({ decision }) => decision === 'expired')
  const { asked, answer } = toApproval(rows.filter((row): row is ApprovalColumns => row.decision !== 'expired'))
  return {
    asked, answer: expired === undefined ? answer : { decision: 'expired', atMs: expired.at.getTime() },
    parts: ((parts?.rows ?? []) as PartColumns[]).flatMap(({ number, digest, key_line: keyLine, signing_key: signingKey }) =>
      digest === null || keyLine === null || signingKey === null ? [] : [{ number, digest, keyLine, signingKey }]),
  }
}
