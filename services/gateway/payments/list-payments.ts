import type { Secret } from '@ngome/kernel'
import { paymentView } from '@ngome/payments'
import { listPayments as listRows, type Database } from '@ngome/store'
import type { Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { listPage } from '../http/list-page.ts'

/** @throws Fault `request/invalid` where the cursor is not one that we gave this tenant for this list */
export function listPayments(
  ports: { readonly database: Database; readonly cursorSecret: Secret<Uint8Array> }, call: Call<'listPayments'>,
): Promise<Answer> {
  const { tenant } = call.caller
  const { limit, status = null, cursor } = call.query
  return listPage(
    { kind: 'payment', secret: ports.cursorSecret, tenant, filter: status ?? '', cursor, limit },
    (after, count) => listRows(ports.database, tenant, { direction: 'collection', after, limit: count, status }),
    paymentView,
  )
}
