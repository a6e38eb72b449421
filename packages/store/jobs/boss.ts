import { PgBoss } from 'pg-boss'
import { clientConfig, type Connection } from '../database.ts'

/** pg-boss only fetches, settles and tidies up; a few connections serve all queues. */
const poolMax = 4

/**
 * A pg-boss without schedules, and with connections of its own, since it expects pg's plain types.
 * @param options `supervise`: whether it removes finished jobs and fails those that ran too long; `migrate`: whether it
 * installs its schema, which only the migrator may
 */
export function bossFor(
  connection: Connection,
  options: { readonly supervise: boolean; readonly migrate?: true },
): PgBoss {
  const { host, port, database, user, password, ssl, connectionTimeoutMillis } = clientConfig(connection)
  return new PgBoss({
    ...defined({ host, port, database, user, password, ssl, connectionTimeoutMillis }),
    application_name: `${connection.user} jobs`,
    max: poolMax,
    options: '-c statement_timeout=10s',
    migrate: options.migrate ?? false,
    schedule: false,
    supervise: options.supervise,
    // These need to own the tables, which no process does.
    reindex: false,
    monitorVacuum: false,
    registerInstance: false,
    openTelemetry: { enabled: false },
  })
}

/** pg-boss takes an option that is there for one that is set. */
function defined<T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never
}
