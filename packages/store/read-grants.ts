/** What reads the catalog: any role may ask it about any other. */
export type CatalogQuery = (sql: string, values: readonly unknown[]) => Promise<readonly object[]>

/**
 * What each role may do, as PostgreSQL's catalog has it, PUBLIC's rights among its own: every role × table, view,
 * sequence, function, schema and database × verb, a line for each object. The reviewed list is `grants.expected.txt`.
 */
export async function readGrants(query: CatalogQuery, roles: readonly string[]): Promise<readonly string[]> {
  const rows = await query(grantsSql, [roles])
  return rows.map((row) => String((row as { line: unknown }).line))
}

const grantsSql = `
  WITH roles AS (SELECT unnest($1::text[]) AS role),
  relations AS (
    SELECT c.oid, n.nspname || '.' || c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname !~ '^pg_|^information_schema$' AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  ),
  whole AS (
    SELECT role, name, verb FROM roles, relations,
      unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER,MAINTAIN}'::text[]) AS verb
    WHERE has_table_privilege(role, oid, verb)
  ),
  columns AS (
    SELECT role, name, verb || ' (' || string_agg(a.attname, ', ' ORDER BY a.attnum) || ')' AS verb
    FROM roles, relations JOIN pg_attribute a ON a.attrelid = oid AND a.attnum > 0 AND NOT a.attisdropped,
      unnest('{SELECT,INSERT,UPDATE,REFERENCES}'::text[]) AS verb
    WHERE has_column_privilege(role, oid, a.attnum, verb) AND NOT has_table_privilege(role, oid, verb)
    GROUP BY role, name, verb
  ),
  functions AS (
    SELECT role, n.nspname || '.' || p.proname || '()' AS name, 'EXECUTE' AS verb
    FROM roles, pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname !~ '^pg_|^information_schema$' AND has_function_privilege(role, p.oid, 'EXECUTE')
  ),
  sequences AS (
    SELECT role, n.nspname || '.' || c.relname AS name, verb
    FROM roles, pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
      unnest('{USAGE,SELECT,UPDATE}'::text[]) AS verb
    WHERE c.relkind = 'S' AND has_sequence_privilege(role, c.oid, verb)
  ),
  schemas AS (
    SELECT role, 'schema ' || nspname AS name, verb FROM roles, pg_namespace, unnest('{USAGE,CREATE}'::text[]) AS verb
    WHERE nspname !~ '^pg_|^information_schema$' AND has_schema_privilege(role, oid, verb)
  ),
  databases AS (
    SELECT role, 'database' AS name, verb FROM roles, unnest('{CREATE,CONNECT,TEMPORARY}'::text[]) AS verb
    WHERE has_database_privilege(role, current_database(), verb)
  )
  SELECT role || ': ' || name || ': ' || string_agg(verb, ', ' ORDER BY verb) AS line FROM (
    TABLE whole UNION ALL TABLE columns UNION ALL TABLE functions UNION ALL TABLE sequences UNION ALL TABLE schemas
    UNION ALL TABLE databases
  ) AS everything (role, name, verb) GROUP BY role, name ORDER BY role, name`
