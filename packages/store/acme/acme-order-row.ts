import type { AcmeOrderId, GatewayInstanceId } from '@ngome/kernel'
import type { Selectable } from 'kysely'
import type { AcmeOrderState, Tables } from '../tables.ts'

/** One order of a certificate; `migrations/0024-acme.sql` says what each part is. */
export type AcmeOrderRow = {
  readonly id: AcmeOrderId
  readonly instance: GatewayInstanceId
  readonly names: readonly string[]
  /** PKCS #10, PEM. */
  readonly csr: string
  readonly state: AcmeOrderState
  readonly requestedAtMs: number
  readonly dueAtMs: number
  readonly account: string | null
  readonly orderUrl: string | null
  readonly orderedAtMs: number | null
  readonly tries: number
  readonly problem: string | null
  readonly detail: string | null
  /** PEM, the leaf first. */
  readonly chain: string | null
  readonly renewAtMs: number | null
  readonly renewalAskedAtMs: number | null
  readonly refusal: string | null
  readonly endedAtMs: number | null
}

export function acmeOrderRow(row: Selectable<Tables['acme_orders']>): AcmeOrderRow {
  const { id, instance, names, csr, state, account, tries, problem, detail, chain, refusal } = row
  return {
    id, instance, names, csr, state, account, tries, problem, detail, chain, refusal,
    requestedAtMs: row.requested_at.getTime(),
    dueAtMs: row.due_at.getTime(),
    orderUrl: row.order_url,
    orderedAtMs: row.ordered_at?.getTime() ?? null,
    renewAtMs: row.renew_at?.getTime() ?? null,
    renewalAskedAtMs: row.renewal_asked_at?.getTime() ?? null,
    endedAtMs: row.ended_at?.getTime() ?? null,
  }
}
