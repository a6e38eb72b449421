/** The database as the auditor's role sees it: everything, and nothing can be changed. */
export type Auditor = {
  readonly query: <Row>(sql: string, parameters?: readonly unknown[]) => Promise<readonly Row[]>
}

/** Schemas that are the platform's; the others are PostgreSQL's own. */
export const ourSchemas = ['ngome', 'pgboss'] as const
