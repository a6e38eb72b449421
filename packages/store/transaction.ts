import type { MerchantId, Tenant } from '@ngome/kernel'
import { CompiledQuery, type Kysely, type Transaction } from 'kysely'
import type { Database } from './database.ts'
import { enterTenant } from './statement.ts'
import { guarded, heldRowFault } from './store-fault.ts'
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
  return inSetting(db.kysely, enter(tenant), use)
}

/**
 * As {@link inTenant}, with statements that each connection prepares once, and whose plans it keeps: for what every payment asks for, of
 * tables in partitions, which PostgreSQL would else plan for anew each time (ADR 41). No statement's text may vary with what is asked
 * for, such as by the length of a list, and none may ask for all columns, of which a migration makes others.
 */
export async function inTenantPrepared<R>(
  db: Database,
  tenant: Tenant,
  use: (tx: Transaction<Tables>) => Promise<R>,
): Promise<R> {
  const { text, values } = enterTenant(tenant)
  return inSetting(db.prepared, CompiledQuery.raw(text, [...values]), use)
}

/** As {@link inTenant}, for what belongs to a merchant in no particular world. */
export async function inMerchant<R>(
  db: Database,
  merchant: MerchantId,
  use: (tx: Transaction<Tables>) => Promise<R>,
): Promise<R> {
  return inSetting(db.kysely, enter({ merchant, world: '' }), use)
}

/** As {@link inTenant}, for what is the platform's own and nobody's. */
export async function inPlatform<R>(db: Database, use: (tx: Transaction<Tables>) => Promise<R>): Promise<R> {
  return inSetting(db.kysely, enter({ merchant: '', world: '' }), use)
}

function enter({ merchant, world }: { readonly merchant: string; readonly world: string }): CompiledQuery {
  return CompiledQuery.raw(`SELECT set_config('ngome.merchant', $1, true), set_config('ngome.world', $2, true)`, [merchant, world])
}

function inSetting<R>(
  kysely: Kysely<Tables>,
  entering: CompiledQuery,
  use: (tx: Transaction<Tables>) => Promise<R>,
): Promise<R> {
  return guarded(() => kysely.transaction().execute(async (tx) => {
    await tx.executeQuery(entering)
    return use(tx)
  })).catch((error: unknown) => {
    throw heldRowFault(error)
  })
}
