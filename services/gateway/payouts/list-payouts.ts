import type { Secret } from '@ngome/kernel'
import { payoutView } from '@ngome/payments'
import { listPayments, type Database } from '@ngome/store'
import type { Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { listPage } from '../http/list-page.ts'

/** @throws Fault `request/invalid` where the cursor is not one that we gave this tenant for this list */
export function listPayouts(
  ports: { readonly database: Database; readonly cursorSecret: Secret<Uint8Array> }, call: Call<'listPayouts'>,
): Promise<Answer> {
  const { caller: { tenant }, query: { limit, status = null, cursor } } = call
  return listPage(
    { kind: 'payout', secret: ports.cursorSecret, tenant, filter: status ?? '', cursor, limit },
    (after, count) => listPayments(ports.database, tenant, { direction: 'payout', after, limit: count, status }),
    payoutView,
  )
}
