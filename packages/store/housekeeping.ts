import type { Database } from './database.ts'
import { guarded } from './store-fault.ts'

/** How many days of partitions are made ahead: housekeeping may fail for a week before the default partition serves. */
const partitionDaysAhead = 7

/** Accounts that are added up at once: each is two ranges of an index, and a row. */
const accountsAtOnce = 500

export type UsageRetention = { readonly requestLogDays: number; readonly minuteDays: number; readonly hourDays: number }

/**
 * What the dispatcher does every hour: partitions for the days ahead; nonces that are too old to come again, old answers of
 * idempotency keys, webhook secrets that sign no more, looks at public addresses and orders of certificates past their time, old totals of API keys, what pages of old checkout sessions said,
 * and old days of the request log forgotten; the use of keys by minute summed into hours.
 * @throws Fault `store/unavailable`
 */
export async function keepHouse(db: Database, usage: UsageRetention): Promise<void> {
  await guarded(async () => {
    await db.pool.query('SELECT ngome.ensure_partitions($1)', [partitionDaysAhead])
    await db.pool.query('SELECT ngome.keep_nonce_partitions($1)', [partitionDaysAhead])
    await db.pool.query('SELECT ngome.purge_idempotency()')
    await db.pool.query('SELECT ngome.purge_webhook_secrets()')
    await db.pool.query('SELECT ngome.purge_tls_checks()')
    await db.pool.query('SELECT ngome.purge_acme()')
    await db.pool.query('SELECT ngome.purge_api_key_days()')
    await db.pool.query('SELECT ngome.forget_checkout_details()')
    await db.pool.query('SELECT ngome.keep_request_log($1, $2)', [partitionDaysAhead, usage.requestLogDays])
    await db.pool.query('SELECT ngome.roll_up_usage($1, $2)', [usage.minuteDays, usage.hourDays])
  })
}

/**
 * What the dispatcher does every minute: adds up the accounts that were not for longest.
 * @throws Fault `store/unavailable`
 */
export async function addUpAccounts(db: Database): Promise<void> {
  await guarded(() => db.pool.query('SELECT ngome.add_up_accounts($1)', [accountsAtOnce]))
}
