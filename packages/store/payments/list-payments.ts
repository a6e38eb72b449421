import { paymentStatuses, type PaymentDirection, type PaymentStatus } from '@ngome/contracts'
import { idOf, idPrefixes, idRandomBytes, type PaymentId, type Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { pipelined } from '../pipeline.ts'
import type { Statement } from '../statement.ts'
import { paymentColumns, toPaymentRow, type PaymentColumns, type PaymentRow } from './find-payment.ts'

/** Ids of one direction have one prefix, so that they lie side by side. */
const idKinds = { collection: 'payment', payout: 'payout', refund: 'refund' } as const

/** The most that one page holds. */
export const paymentPageMax = 100

/** What a search is for; of each, `null` or nothing for all. */
export type PaymentFilter = {
  readonly status?: PaymentStatus | null
  readonly network?: string | null
  readonly currency?: string | null
  /** The merchant's own, exactly. */
  readonly reference?: string | null
  /** Only refunds of this one. */
  readonly original?: PaymentId | null
  /** Made then or later. */
  readonly fromMs?: number | null
  /** Made before. */
  readonly beforeMs?: number | null
}

export type PaymentPage = PaymentFilter & {
  readonly direction: PaymentDirection
  /** The last id of the page before, or `null`. */
  readonly after: PaymentId | null
  /** One more than is shown, to know of a next page. */
  readonly limit: number
}

/**
 * Lists payments of one direction, the newest first, since ids sort by the time they were made; times are ranges of ids too. Whatever
 * is searched for, what is read of the database does not grow with the merchant's payments (`search-plans.test.ts`).
 */
export async function listPayments(db: Database, tenant: Tenant, page: PaymentPage): Promise<readonly PaymentRow[]> {
  const [result] = await pipelined(db, tenant, [searchStatement(tenant, page)])
  return (result?.rows ?? []).map((row) => toPaymentRow(row as PaymentColumns))
}

/**
 * The statement of a page. An index has the payments of each status, network and currency in their order, and one has those of each
 * reference so: for what is not asked for, each that the merchant can have is looked for, and the newest of all taken. What
 * pairs of network and currency he has, his accounts say.
 */
export function searchStatement(tenant: Tenant, page: PaymentPage): Statement {
  const { direction, limit, status = null, network = null, currency = null, reference = null, original = null } = page
  const prefix = idPrefixes[idKinds[direction]]
  // The bounds of the direction are in the text, so that a plan that is kept has its partitions alone.
  const inDirection = (id: string): string => `${id} > '${prefix}_' AND ${id} < '${prefix}~' AND ${id} >= $4 AND ${id} < $5`
  const values = [tenant.merchant, tenant.world, Math.min(limit, paymentPageMax + 1), ...idBounds(page)]
  const rows = `SELECT ${paymentColumns} FROM ngome.payments WHERE merchant = $1 AND world = $2`
  if (original !== null) {
    const matches = '($7::text IS NULL OR status = $7) AND ($8::text IS NULL OR network = $8) AND ($9::text IS NULL OR currency = $9) AND ($10::text IS NULL OR reference = $10)'
    return {
      name: 'list_refunds_of', values: [...values, original, status, network, currency, reference],
      text: `${rows} AND original = $6 AND ${inDirection('id')} AND ${matches} ORDER BY id DESC LIMIT $3`,
    }
  }
  if (status === null && network === null && currency === null && reference === null) {
    return { name: `list_${direction}`, values, text: `${rows} AND ${inDirection('id')} ORDER BY id DESC LIMIT $3` }
  }
  const found = `SELECT f.id FROM unnest($6::text[]) s (status), ngome.accounts a, LATERAL (
      SELECT p.id FROM ngome.payments p WHERE p.merchant = $1 AND p.world = $2 AND p.status = s.status AND p.network = a.network AND p.currency = a.currency
        ${reference === null ? '' : 'AND p.reference = $9'} AND ${inDirection('p.id')}
      ORDER BY p.id DESC LIMIT $3) f
    WHERE a.merchant = $1 AND a.world = $2 AND a.kind = 'provider_clearing'
      AND ($7::text IS NULL OR a.network = $7) AND ($8::text IS NULL OR a.currency = $8)
    ORDER BY f.id DESC LIMIT $3`
  return {
    name: `search_${direction}${reference === null ? '' : '_by_reference'}`,
    values: [...values, status === null ? paymentStatuses : [status], network, currency, ...reference === null ? [] : [reference]],
    text: `${rows} AND ${inDirection('id')} AND id = ANY (ARRAY(${found})) ORDER BY id DESC`,
  }
}

/** From which id, and before which: of the times, and of the page before. */
function idBounds({ direction, after, fromMs = null, beforeMs = null }: PaymentPage): readonly [from: string, before: string] {
  const prefix = idPrefixes[idKinds[direction]]
  const before = beforeMs === null ? `${prefix}~` : firstIdAt(direction, beforeMs)
  return [fromMs === null ? `${prefix}_` : firstIdAt(direction, fromMs), after !== null && after < before ? after : before]
}

/** Where ids of that millisecond begin: the time is their first ten characters. */
function firstIdAt(direction: PaymentDirection, ms: number): string {
  const kind = idKinds[direction]
  return idOf(kind, Math.max(0, ms), new Uint8Array(idRandomBytes), 0).slice(0, idPrefixes[kind].length + 1 + timeCharacters)
}
const timeCharacters = 10
