import type { CustodianResponse } from '@ngome/contracts'
import { parseId, worlds, type Tenant } from '@ngome/kernel'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import type { Custodian } from '../custodian.ts'

/** Whose keys were replaced in a fortnight of incidents fits; past this the caller looks at everybody's. */
const tenantsMax = 1_000
/** A twin's clock may be behind, and whoever fetched just before a replacement has to be told again. */
const overlapMs = 120_000

/**
 * Says whose merchant keys somebody replaced since a time, so that a gateway fetches the new ones and seals to the old ones
 * no more. Keys that only change with their period are not in it: their statements say when.
 */
export async function listReplacedKeys(
  { clock, store }: Custodian, { since }: ParsedRequest<'/v1/replaced-keys'>,
): Promise<CustodianResponse<'/v1/replaced-keys'>> {
  const nowMs = clock.nowMs()
  const rows = await store.all(
    `SELECT DISTINCT subject FROM rotations WHERE level = 'merchant' AND started_at_ms >= ? ORDER BY subject LIMIT ?`,
    Date.parse(since) - overlapMs, tenantsMax + 1,
  )
  return {
    until: new Date(nowMs).toISOString(),
    tenants: rows.slice(0, tenantsMax).flatMap((row) => tenantNamed(String(row['subject'])) ?? []),
    isWhole: rows.length <= tenantsMax,
  }
}

/** Reads what `tenantName` writes. */
function tenantNamed(name: string): Tenant | undefined {
  const [merchantText = '', worldText] = name.split('/')
  const merchant = parseId('merchant', merchantText)
  const world = worlds.find((one) => one === worldText)
  return merchant === undefined || world === undefined ? undefined : { merchant, world }
}
