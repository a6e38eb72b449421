import { Fault, type PaymentId, type Secret } from '@ngome/kernel'
import { listPayments as listRows, type Database } from '@ngome/store'
import { jsonType, type Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { pageSizeDefault } from '../http/limits.ts'
import { parseCursor, writeCursor } from './cursor.ts'
import { paymentView } from './payment-view.ts'

/** @throws Fault `request/invalid` where the cursor is not one that we gave this tenant for this list */
export async function listPayments(
  ports: { readonly database: Database; readonly cursorSecret: Secret<Uint8Array> }, call: Call<'listPayments'>,
): Promise<Answer> {
  const { tenant } = call.caller
  const { limit = pageSizeDefault, status = null, cursor } = call.query
  const filter = status ?? ''
  // One more than is shown tells whether there is a next page.
  const rows = await listRows(ports.database, tenant, { after: afterOf(), limit: limit + 1, status })
  const shown = rows.slice(0, limit)
  const last = rows.length > limit ? shown.at(-1) : undefined
  const nextCursor = last === undefined ? null : writeCursor(ports.cursorSecret, tenant, { after: last.id, filter })
  const page = { object: 'list', data: shown.map(paymentView), next_cursor: nextCursor }
  return { status: 200, contentType: jsonType, body: JSON.stringify(page) }

  function afterOf(): PaymentId | null {
    if (cursor === undefined) return null
    const after = parseCursor(ports.cursorSecret, tenant, filter, cursor)
    if (after !== undefined) return after
    const field = { pointer: '/cursor', detail: 'This is not a cursor of this list.' }
    throw new Fault('request/invalid', 'a cursor that is not ours', { fields: [field] })
  }
}
