import type { Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { pipelined } from '../pipeline.ts'
import { toForwardDestinationRow, type ForwardDestinationColumns, type ForwardDestinationRow } from './destination-row.ts'

/** Addresses of one merchant that are looked at; the operator is told when he allows more. */
export const forwardDestinationsMax = 64

/** All addresses of a tenant, the oldest first. @throws Fault `store/unavailable` */
export async function listForwardDestinations(db: Database, tenant: Tenant): Promise<readonly ForwardDestinationRow[]> {
  const [result] = await pipelined(db, tenant, [{
    name: 'list_forward_destinations',
    text: `SELECT id, url, methods, certificate_sha256, authority, proof, expires_at FROM ngome.forward_destinations
      WHERE merchant = $1 AND world = $2 ORDER BY id LIMIT ${forwardDestinationsMax}`,
    values: [tenant.merchant, tenant.world],
  }])
  return (result?.rows ?? []).map((row) => toForwardDestinationRow(tenant, row as ForwardDestinationColumns))
}
