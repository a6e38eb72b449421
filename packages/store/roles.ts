import type { Random, Secret } from '@ngome/kernel'
import type pg from 'pg'
import { openClient, type Connection } from './database.ts'
import { scramVerifier } from './scram-verifier.ts'

/** Each process has a role of its own; `ngome_migrator` owns what they use and logs in only to migrate. */
export const databaseRoles = [
  'ngome_migrator', 'ngome_gateway', 'ngome_dispatcher', 'ngome_operator', 'ngome_auditor',
] as const
export type DatabaseRole = (typeof databaseRoles)[number]

/** More than one gateway, each with its pool, during a replacement. */
const connectionsMax: Readonly<Record<DatabaseRole, number>> = {
  ngome_migrator: 16,
  ngome_gateway: 64,
  ngome_dispatcher: 32,
  ngome_operator: 16,
  ngome_auditor: 16,
}

/**
 * Makes the roles and the database where they are missing, and gives each role its new password. Idempotent: passwords
 * rotate at each call, and what exists stays. The server sees verifiers only.
 *
 * @param admin a role that may create roles and databases
 * @param database the name of the platform's database
 * @throws Fault `store/unavailable` where the server does not answer
 */
export async function createRoles(
  admin: Connection,
  database: string,
  passwords: Readonly<Record<DatabaseRole, Secret<string>>>,
  random: Random,
): Promise<void> {
  const client = await openClient(admin)
  try {
    for (const role of databaseRoles) await createRole(client, role, scramVerifier(passwords[role], random))
    await createDatabase(client, database)
  } finally {
    await client.end()
  }
}

async function createRole(client: pg.Client, role: DatabaseRole, verifier: string): Promise<void> {
  const existing = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [role])
  const verb = existing.rowCount === 0 ? 'CREATE' : 'ALTER'
  await client.query(`${verb} ROLE ${role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT
    CONNECTION LIMIT ${connectionsMax[role]} PASSWORD ${client.escapeLiteral(verifier)}`)
}

/**
 * Makes the database where it is missing, owned by the migrator and closed to all but our roles.
 * @param template what it is a copy of; nobody may be connected to it
 */
export async function createDatabase(client: pg.Client, database: string, template = 'template0'): Promise<void> {
  const name = client.escapeIdentifier(database)
  const existing = await client.query('SELECT FROM pg_database WHERE datname = $1', [database])
  if (existing.rowCount === 0) {
    // An administrator who is not a superuser must be a member of the role that shall own the database.
    await client.query('GRANT ngome_migrator TO CURRENT_USER')
    await client.query(`CREATE DATABASE ${name} OWNER ngome_migrator TEMPLATE ${client.escapeIdentifier(template)} ENCODING 'UTF8' LOCALE 'C'`)
  }
  await client.query(`REVOKE ALL ON DATABASE ${name} FROM PUBLIC`)
  await client.query(`GRANT CONNECT ON DATABASE ${name} TO ${databaseRoles.join(', ')}`)
}
