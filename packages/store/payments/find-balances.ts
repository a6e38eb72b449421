import type { Currency, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { pipelined } from '../pipeline.ts'

/** What a merchant's account in one currency holds, in minor units; none is ever below zero. */
export type Balance = {
  readonly currency: Currency
  readonly availableMinor: bigint
  readonly pendingMinor: bigint
  readonly reservedMinor: bigint
}

/** By currency, in the order of their codes. @throws Fault `store/unavailable` */
export async function findBalances(db: Database, tenant: Tenant): Promise<readonly Balance[]> {
  const [result] = await pipelined(db, tenant, [{
    name: 'find_balances', text: 'SELECT currency, available, pending, reserved FROM ngome.tenant_balances()', values: [],
  }])
  return (result?.rows ?? []).map((row) => ({
    currency: row['currency'] as Currency,
    availableMinor: BigInt(row['available'] as bigint), pendingMinor: BigInt(row['pending'] as bigint), reservedMinor: BigInt(row['reserved'] as bigint),
  }))
}
