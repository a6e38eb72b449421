import { emit } from '@ngome/contracts'
import { newId, type Clock, type MerchantId, type Random } from '@ngome/kernel'
import type { CustodianClient } from '@ngome/runtime'
import { addMerchant, type Database } from '@ngome/store'

/** What the operator's acts need: the database in its role, and the custodian under its certificate. */
export type OperatorAccess = {
  readonly db: Database
  readonly custodian: CustodianClient
  readonly clock: Clock
  readonly random: Random
}

/**
 * Makes a merchant in the test world: its keys first, then its row, so that no merchant exists whose payments cannot be
 * sealed.
 */
export async function createMerchant(access: OperatorAccess, name: string): Promise<MerchantId> {
  const { db, custodian, clock, random } = access
  const merchant = newId('merchant', access)
  await custodian.call('/v1/merchants', { merchant, world: 'test' })
  const event = emit({ clock, random, process: 'operator' }, 'merchant.created', { merchant, world: null }, {})
  await addMerchant(db, { id: merchant, name, createdAtMs: clock.nowMs() }, event)
  return merchant
}
