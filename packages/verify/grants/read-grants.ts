import { NotReached } from '../probe.ts'
import type { Auditor } from '../at-rest/auditor.ts'

/**
 * What each role of ours may do, as PostgreSQL's catalog has it, one line a right: grants on schemas, tables, columns
 * and functions, what PUBLIC has among them, whom a role is a member of, its dangerous attributes, who owns what the
 * migrator does not, and which tables force row-level security. Partitions of days come and go; one that carries a
 * grant of its own is listed.
 */
export async function readGrants(auditor: Auditor): Promise<string[]> {
  const lists = await Promise.all(queries.map((sql) => auditor.query<{ line: string }>(sql)))
  if (lists.some((rows) => rows === undefined)) throw new NotReached('the auditor sees no catalog')
  return lists.flatMap((rows) => rows.map(({ line }) => line)).toSorted()
}

const grantee = 'CASE g.grantee WHEN 0 THEN \'PUBLIC\' ELSE pg_get_userbyid(g.grantee) END'
const ours = '(\'ngome\', \'pgboss\', \'public\')'

const queries: readonly string[] = [
  `SELECT format('%s: %s on schema %s', ${grantee}, g.privilege_type, n.nspname) AS line
   FROM pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) g
   WHERE n.nspname IN ${ours} AND g.grantee <> n.nspowner`,
  `SELECT format('%s: %s on %s.%s', ${grantee}, g.privilege_type, n.nspname, c.relname) AS line
   FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
     aclexplode(coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's'::"char" ELSE 'r' END, c.relowner))) g
   WHERE n.nspname IN ${ours} AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND g.grantee <> c.relowner`,
  `SELECT format('%s: %s on %s.%s (%s)', ${grantee}, g.privilege_type, n.nspname, c.relname,
     string_agg(a.attname, ', ' ORDER BY a.attname)) AS line
   FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace,
     aclexplode(a.attacl) g
   WHERE n.nspname IN ${ours} AND NOT a.attisdropped AND g.grantee <> c.relowner
   GROUP BY g.grantee, g.privilege_type, n.nspname, c.relname`,
  `SELECT format('%s: EXECUTE on %s', ${grantee}, p.oid::regprocedure) AS line
   FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace,
     aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) g
   WHERE n.nspname IN ${ours} AND g.grantee <> p.proowner AND p.prorettype <> 'trigger'::regtype`,
  `SELECT format('%s: %s on the database', ${grantee}, g.privilege_type) AS line
   FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) g
   WHERE d.datname = current_database() AND g.grantee <> d.datdba`,
  `SELECT format('%s is a member of %s', m.rolname, r.rolname) AS line
   FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member JOIN pg_roles r ON r.oid = a.roleid
   WHERE m.rolname LIKE 'ngome%'`,
  `SELECT format('%s is %s', r.rolname, v.attribute) AS line
   FROM pg_roles r, (VALUES ('superuser'), ('creator of roles'), ('creator of databases'), ('replication'),
     ('bypassing row-level security')) v (attribute)
   WHERE r.rolname LIKE 'ngome%' AND CASE v.attribute WHEN 'superuser' THEN r.rolsuper
     WHEN 'creator of roles' THEN r.rolcreaterole WHEN 'creator of databases' THEN r.rolcreatedb
     WHEN 'replication' THEN r.rolreplication ELSE r.rolbypassrls END`,
  `SELECT format('%s owns %s.%s', pg_get_userbyid(c.relowner), n.nspname, c.relname) AS line
   FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE n.nspname IN ('ngome', 'pgboss') AND pg_get_userbyid(c.relowner) <> 'ngome_migrator' AND c.relkind <> 'i'`,
  `SELECT format('row-level security is forced on %s.%s', n.nspname, c.relname) AS line
   FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE n.nspname IN ('ngome', 'pgboss') AND c.relrowsecurity AND c.relforcerowsecurity AND NOT c.relispartition`,
]
