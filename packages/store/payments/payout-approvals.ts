import type { Authorization } from '@ngome/contracts'
import type { ApiKeyId, MerchantSigningKeyId, PaymentId, PayoutBatchId, Tenant } from '@ngome/kernel'
import { CompiledQuery, type Transaction } from 'kysely'
import type { Database } from '../database.ts'
import { pipelined } from '../pipeline.ts'
import type { Statement } from '../statement.ts'
import type { Tables } from '../tables.ts'

/** By whose keys something was asked or answered. */
export type ApprovalParty = {
  readonly apiKey: ApiKeyId
  /** The first of the keys that this one was rolled from, or itself. */
  readonly keyLine: ApiKeyId
  readonly signingKey: MerchantSigningKeyId
}

/** What a second person said of a payout; an approval with the signed request, whose body holds no number. */
export type ApprovalAnswer = ApprovalParty & (
  | { readonly decision: 'approved'; readonly proof: Omit<Authorization, 'key'> }
  | { readonly decision: 'refused' }
)

/** The question and, once there is one, its answer. */
export type PayoutApproval = {
  readonly asked: (ApprovalParty & { readonly atMs: number }) | null
  readonly answer: (ApprovalAnswer & { readonly atMs: number }) | null
}

/** @throws Fault `store/unavailable` */
export async function findPayoutApproval(db: Database, tenant: Tenant, payment: PaymentId): Promise<PayoutApproval> {
  const [result] = await pipelined(db, tenant, [findApprovalStatement(tenant, { payment })])
  return toApproval((result?.rows ?? []) as unknown as readonly ApprovalColumns[])
}

/** As {@link findPayoutApproval}, in a transaction that holds the payment. */
export async function readPayoutApproval(tx: Transaction<Tables>, tenant: Tenant, payment: PaymentId): Promise<PayoutApproval> {
  const { text, values } = findApprovalStatement(tenant, { payment })
  const { rows } = await tx.executeQuery(CompiledQuery.raw(text, [...values]))
  return toApproval(rows as readonly ApprovalColumns[])
}

/** Asks, in the transaction that accepts the payout, behind its row. */
export function askForApprovalStatement(tenant: Tenant, payment: PaymentId, party: ApprovalParty, atMs: number): Statement {
  return insertApprovalStatement(tenant, { payment }, { ...party, decision: 'asked' }, atMs)
}

/** Answers, in a transaction that holds the payment and has not changed it yet. The database refuses an answer by who asked. */
export async function insertApprovalAnswer(tx: Transaction<Tables>, tenant: Tenant, payment: PaymentId, answer: ApprovalAnswer, atMs: number): Promise<void> {
  const { text, values } = insertApprovalStatement(tenant, { payment }, answer, atMs)
  await tx.executeQuery(CompiledQuery.raw(text, [...values]))
}

export type ApprovalColumns = {
  readonly decision: 'asked' | 'approved' | 'refused'
  readonly api_key: ApiKeyId
  readonly key_line: ApiKeyId
  readonly signing_key: MerchantSigningKeyId
  readonly base: string | null
  readonly signature: string | null
  readonly body: string | null
  readonly at: Date
}

/** What is approved: a payout by itself, or a batch. */
export type ApprovalSubject = { readonly payment: PaymentId } | { readonly batch: PayoutBatchId }

function tableOf(subject: ApprovalSubject): { readonly table: string; readonly column: string; readonly id: string } {
  return 'payment' in subject
    ? { table: 'payout_approvals', column: 'payment', id: subject.payment }
    : { table: 'payout_batch_approvals', column: 'batch', id: subject.batch }
}

export function findApprovalStatement(tenant: Tenant, subject: ApprovalSubject): Statement {
  const { table, column, id } = tableOf(subject)
  return {
    name: `find_${table}`,
    text: `SELECT decision, api_key, key_line, signing_key, base, signature, body, at FROM ngome.${table}
      WHERE merchant = $1 AND world = $2 AND ${column} = $3`,
    values: [tenant.merchant, tenant.world, id],
  }
}

export function insertApprovalStatement(
  tenant: Tenant, subject: ApprovalSubject, row: (ApprovalParty & { readonly decision: 'asked' }) | ApprovalAnswer, atMs: number,
): Statement {
  const { table, column, id } = tableOf(subject)
  const { base = null, signature = null, body = null } = row.decision === 'approved' ? row.proof : {}
  return {
    name: `insert_${table}`,
    text: `INSERT INTO ngome.${table} (merchant, world, ${column}, decision, api_key, key_line, signing_key, base, signature, body, at)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    values: [tenant.merchant, tenant.world, id, row.decision, row.apiKey, row.keyLine, row.signingKey, base, signature, body, new Date(atMs)],
  }
}

export function toApproval(rows: readonly ApprovalColumns[]): PayoutApproval {
  const asked = rows.find(({ decision }) => decision === 'asked')
  const answer = rows.find(({ decision }) => decision !== 'asked')
  return { asked: asked === undefined ? null : partyOf(asked), answer: answer === undefined ? null : answerOf(answer) }
}

function partyOf({ api_key: apiKey, key_line: keyLine, signing_key: signingKey, at }: ApprovalColumns): ApprovalParty & { readonly atMs: number } {
  return { apiKey, keyLine, signingKey, atMs: at.getTime() }
}

function answerOf(row: ApprovalColumns): PayoutApproval['answer'] {
  const { base, signature, body } = row
  if (base === null || signature === null || body === null) return { ...partyOf(row), decision: 'refused' }
  return { ...partyOf(row), decision: 'approved', proof: { base, signature, body } }
}
