import type { Tenant } from '@ngome/kernel'
import type pg from 'pg'

/** A statement that each connection prepares once, by its name. */
export type Statement = { readonly name: string; readonly text: string; readonly values: readonly unknown[] }

/** One write to the socket for all of them: the system call costs more than most statements. */
export function sendTogether(
  client: pg.PoolClient, statements: readonly (Omit<Statement, 'name'> & { readonly name?: string })[],
): Promise<pg.QueryResult>[] {
  const { stream } = client.connection
  stream.cork()
  try {
    return statements.map(({ values, ...statement }) => client.query({ ...statement, values: [...values] }))
  } finally {
    stream.uncork()
  }
}

/** What {@link enterTenant} says, whoever it is for. */
export const enteringText =
  `SELECT set_config('ngome.merchant', $1, true), set_config('ngome.world', $2, true), set_config('plan_cache_mode', 'force_generic_plan', true)`

/**
 * The statement that row-level security listens to, for the rest of the transaction. Plans are kept, whatever their values: of tables in
 * partitions PostgreSQL would make each anew, which costs more than to run it, while a kept one leaves out what cannot match as it begins (ADR 41).
 */
export function enterTenant(tenant: Tenant): Statement {
  return {
    name: 'enter_tenant',
    text: enteringText,
    values: [tenant.merchant, tenant.world],
  }
}
