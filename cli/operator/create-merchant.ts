import { emit } from '@ngome/contracts'
import { newId, worlds, type Clock, type MerchantId, type Random } from '@ngome/kernel'
import type { CustodianClient } from '@ngome/runtime'
import { addMerchant, type Database } from '@ngome/store'

/**
 * Makes a merchant: first its keys, in the test world, then its row, so that no merchant exists whose payments cannot
 * be sealed. A live world is opened in its own right.
 */
export async function createMerchant(from: {
  readonly db: Database
  readonly custodian: CustodianClient
  readonly clock: Clock
  readonly random: Random
}, name: string): Promise<MerchantId> {
  const merchant = newId('merchant', from)
  const [testWorld] = worlds
  await from.custodian.call('/v1/merchants', { merchant, world: testWorld })
  await addMerchant(from.db, { id: merchant, name, createdAtMs: from.clock.nowMs() }, emit({ ...from, process: 'operator' }, 'merchant.created', { merchant, world: null }, {}))
  return merchant
}
