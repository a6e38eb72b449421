import { Fault, type MerchantId, type Tenant } from '@ngome/kernel'
import { sql, type Transaction } from 'kysely'
import type { Database } from './database.ts'
import { errorCode, guarded, lockNotAvailable } from './store-fault.ts'
import type { Tables } from './tables.ts'

/**
 * Runs `use` in one transaction that sees and writes the rows of this tenant only.
 * @throws Fault `store/unavailable`
 */
export async function inTenant<R>(
  db: Database,
  tenant: Tenant,
  use: (tx: Transaction<Tables>) => Promise<R>,
): Promise<R> {
  return inSetting(db, tenant.merchant, tenant.world, use)
}

/** As {@link inTenant}, for what belongs to a merchant in no particular world. */
export async function inMerchant<R>(
  db: Database,
  merchant: MerchantId,
  use: (tx: Transaction<Tables>) => Promise<R>,
): Promise<R> {
  return inSetting(db, merchant, '', use)
}

/** As {@link inTenant}, for what is the platform's own and nobody's. */
export async function inPlatform<R>(db: Database, use: (tx: Transaction<Tables>) => Promise<R>): Promise<R> {
  return inSetting(db, '', '', use)
}

function inSetting<R>(
  db: Database,
  merchant: string,
  world: string,
  use: (tx: Transaction<Tables>) => Promise<R>,
): Promise<R> {
  return guarded(() => db.kysely.transaction().execute(async (tx) => {
    await sql`SELECT set_config('ngome.merchant', ${merchant}, true), set_config('ngome.world', ${world}, true)`
      .execute(tx)
    return use(tx)
  })).catch((error: unknown) => {
    if (errorCode(error) !== lockNotAvailable) throw error
    throw new Fault('store/unavailable', 'a row was not free in time', { cause: error })
  })
}
