import { jsonType, type Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import type { Limits } from './compose-limits.ts'

/** Answers how the caller's limits stand, this call paid. */
export function getLimits({ limits }: { readonly limits: Pick<Limits, 'view'> }, { caller }: Call<'getLimits'>): Answer {
  return { status: 200, contentType: jsonType, body: JSON.stringify(limits.view(caller)) }
}
