import type { CustodianResponse } from '@ngome/contracts'
import type { Custodian } from '../custodian.ts'
import { destructionOf } from './destructions.ts'

/** The latest; each with its certificate is some kilobytes. */
const destructionsMax = 100

export async function listDestructions({ store, succession }: Custodian): Promise<CustodianResponse<'/v1/destructions'>> {
  const rows = await store.all('SELECT * FROM destructions ORDER BY requested_at_ms DESC, id DESC LIMIT ?', destructionsMax)
  return {
    destructions: rows.map((row) => {
      const { id, tenant, merchantKey, state, approvedBy, requestedAtMs, dueAtMs, certificate } = destructionOf(row)
      return {
        id, ...tenant, key: merchantKey, state, approvedBy: [...approvedBy],
        requestedAt: new Date(requestedAtMs).toISOString(), dueAt: new Date(dueAtMs).toISOString(),
        awaits: state === 'waiting' ? succession.awaits : null, certificate,
      }
    }),
  }
}
