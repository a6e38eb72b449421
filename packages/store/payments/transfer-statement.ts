import type { Tenant } from '@ngome/kernel'
import type { Transfer, TransferPhase } from '@ngome/payments'
import type { Statement } from '../statement.ts'

/** Writes that a transfer begins, or that it ended. */
export function transferStatement(tenant: Tenant, { payment, kind, debit, credit, money }: Transfer, phase: TransferPhase, atMs: number): Statement {
  return {
    name: 'insert_transfer',
    text: `INSERT INTO ngome.transfers (merchant, world, payment, kind, phase, debit_account, credit_account, debit_kind, credit_kind,
        amount_minor, currency, at)
      VALUES ($1, $2, $3, $4, $12, $5, $6, $7, $8, $9, $10, $11)`,
    values: [tenant.merchant, tenant.world, payment, kind, debit.id, credit.id, debit.kind, credit.kind, money.amountMinor,
      money.currency, new Date(atMs), phase],
  }
}
