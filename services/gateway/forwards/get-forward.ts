import { Fault, type Clock, type Secret } from '@ngome/kernel'
import { findForward, type Database } from '@ngome/store'
import { jsonType, type Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { forwardView } from './forward-view.ts'

/** @throws Fault `forwards/unknown`, the same for one that never was and for another merchant's */
export async function getForward(
  ports: { readonly database: Database; readonly answerSecret: Secret<Uint8Array>; readonly clock: Clock },
  call: Call<'getForward'>,
): Promise<Answer> {
  const row = await findForward(ports.database, call.caller.tenant, call.params.id)
  if (row === undefined) throw new Fault('forwards/unknown', `no ${call.params.id} for this tenant`)
  return { status: 200, contentType: jsonType, body: JSON.stringify(forwardView(row, ports.answerSecret, ports.clock.nowMs())) }
}
