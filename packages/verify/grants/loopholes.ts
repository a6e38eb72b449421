import { ourSchemas, type Auditor } from '../at-rest/auditor.ts'

/**
 * What would make every grant meaningless: a role of ours with an attribute that passes by grants, or a member of
 * another; a table that somebody else than the migrator owns; a tenant's table that does not force row-level security.
 */
export async function findLoopholes(auditor: Auditor): Promise<string[]> {
  const lists = await Promise.all(queries.map((sql) => auditor.query<{ line: string }>(sql, [ourSchemas])))
  return lists.flatMap((rows) => rows.map(({ line }) => line))
}

const queries: readonly string[] = [
  `SELECT format('%s is %s', r.rolname, v.attribute) AS line
   FROM pg_roles r, (VALUES ('superuser'), ('creator of roles'), ('creator of databases'), ('replication'),
     ('bypassing row-level security')) v (attribute)
   WHERE r.rolname LIKE 'ngome%' AND $1::text[] IS NOT NULL AND CASE v.attribute WHEN 'superuser' THEN r.rolsuper
     WHEN 'creator of roles' THEN r.rolcreaterole WHEN 'creator of databases' THEN r.rolcreatedb
     WHEN 'replication' THEN r.rolreplication ELSE r.rolbypassrls END`,
  `SELECT format('%s is a member of %s', m.rolname, r.rolname) AS line
   FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member JOIN pg_roles r ON r.oid = a.roleid
   WHERE m.rolname LIKE 'ngome%' AND $1::text[] IS NOT NULL`,
  `SELECT format('%s owns %s.%s', pg_get_userbyid(c.relowner), n.nspname, c.relname) AS line
   FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE n.nspname = ANY ($1) AND pg_get_userbyid(c.relowner) <> 'ngome_migrator' AND c.relkind <> 'i'`,
  // Revocations belong to everybody: each gateway must learn of each.
  `SELECT format('%s.%s does not force row-level security', n.nspname, c.relname) AS line
   FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'merchant' AND NOT a.attisdropped
   WHERE n.nspname = ANY ($1) AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> 'revocations'
     AND NOT (c.relrowsecurity AND c.relforcerowsecurity)`,
]
