import type { Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { pipelined } from '../pipeline.ts'
import { originsMax } from './add-origin.ts'

/** The origins whose pages may use a tenant's publishable keys. @throws Fault `store/unavailable` */
export async function listOrigins(db: Database, tenant: Tenant): Promise<readonly string[]> {
  const [result] = await pipelined(db, tenant, [{
    name: 'list_origins',
    text: `SELECT origin FROM ngome.merchant_origins WHERE merchant = $1 AND world = $2 ORDER BY origin LIMIT ${originsMax}`,
    values: [tenant.merchant, tenant.world],
  }])
  return (result?.rows ?? []).map((row) => (row as { origin: string }).origin)
}
