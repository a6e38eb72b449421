import type { Currency, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { pipelined } from '../pipeline.ts'

/** What a merchant has in one currency, in minor units; none is ever below zero. */
export type Balance = {
  readonly currency: Currency
  /** What can be taken: what is owed is not in it, whether it was repaid already or not. */
  readonly availableMinor: bigint
  readonly pendingMinor: bigint
  readonly reservedMinor: bigint
  /** What is owed beyond what is there, of what networks took back; repaid of what comes. */
  readonly owedMinor: bigint
}

/** By currency, in the order of their codes. @throws Fault `store/unavailable` */
export async function findBalances(db: Database, tenant: Tenant): Promise<readonly Balance[]> {
  const [result] = await pipelined(db, tenant, [{
    name: 'find_balances', text: 'SELECT currency, available, pending, reserved, owed FROM ngome.tenant_balances()', values: [],
  }])
  return (result?.rows ?? []).map((row) => ({
    currency: row['currency'] as Currency,
    availableMinor: BigInt(row['available'] as bigint), pendingMinor: BigInt(row['pending'] as bigint), reservedMinor: BigInt(row['reserved'] as bigint),
    owedMinor: BigInt(row['owed'] as bigint),
  }))
}
