import type { Secret } from '@ngome/kernel'
import { refundView } from '@ngome/payments'
import { listPayments, type Database } from '@ngome/store'
import type { Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { listPage } from '../http/list-page.ts'

/** @throws Fault `request/invalid` where the cursor is not one that we gave this tenant for this list */
export function listRefunds(
  ports: { readonly database: Database; readonly cursorSecret: Secret<Uint8Array> }, call: Call<'listRefunds'>,
): Promise<Answer> {
  const { caller: { tenant }, query: { limit, status = null, payment = null, cursor } } = call
  return listPage(
    { kind: 'refund', secret: ports.cursorSecret, tenant, filter: `${status ?? ''}:${payment ?? ''}`, cursor, limit },
    (after, count) => listPayments(ports.database, tenant, { direction: 'refund', after, limit: count, status, original: payment }),
    refundView,
  )
}
