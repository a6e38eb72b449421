import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { getCACertificates } from 'node:tls'
import { Fault, Secret, type Clock, type Random } from '@ngome/kernel'
import { createLogger, custodianClient, enrol, processFolder, type Config, type CustodianClient, type Identity } from '@ngome/runtime'
import { openDatabase, type Database } from '@ngome/store'
import { mintEnrolmentToken, readEnrolmentKey } from '../launcher/enrolment-token.ts'
import { mintStaffToken, type StaffRole } from '../staff/mint-staff-token.ts'
import type { Person } from '../staff/staff-key.ts'

/** A command does one thing at a time; the second connection is for what a transaction waits for. */
const poolMax = 2
/** Nobody but whoever called the command waits for it: a report of a million rows is summed in one statement. */
const statementMsMax = 300_000

/** Opens the database in the operator's role. @throws Fault `launcher/failed` where no platform has run here */
export function operatorDatabase(config: Config): Database {
  return staffDatabase(config, 'operator')
}

/** Opens it in the auditor's role. @throws Fault `launcher/failed` where no platform has run here */
export function auditorDatabase(config: Config): Database {
  return staffDatabase(config, 'auditor')
}

function staffDatabase(config: Config, role: StaffRole): Database {
  return openDatabase({
    host: config.database.host,
    port: config.database.port,
    database: config.database.name,
    user: `ngome_${role}`,
    password: readPassword(join(processFolder(config, role), 'db-password')),
    applicationName: `ngome-${role}`,
    poolMax,
    statementMsMax,
    ...(config.database.tls ? { tlsAuthority: getCACertificates('default').join('\n') } : {}),
  })
}

export type OperatorIdentity = { readonly identity: Identity; readonly custodian: CustodianClient; close(): void }

/**
 * Enrols as the operator, or as the auditor where reading is enough, with a token made on the spot: by the launcher's key, whose reader is the operator, or by a
 * person's own key; then the certificate, and the custodian's log of all that is asked with it, name the person.
 */
export async function operatorIdentity(
  config: Config, from: { readonly clock: Clock; readonly random: Random; readonly person?: Person | undefined; readonly role?: StaffRole },
): Promise<OperatorIdentity> {
  const { person, role = 'operator' } = from
  const token = person === undefined
    ? mintEnrolmentToken(readEnrolmentKey(join(processFolder(config, 'launcher'), 'enrolment.key')), role, from)
    : mintStaffToken(person, role, from)
  const identity = await enrol({
    config,
    role,
    token: new Secret(token),
    // A command says what failed itself; its lines are not a log.
    logger: createLogger({ process: role, level: 'fatal', destination: { write: () => undefined } }),
    clock: from.clock,
    random: from.random,
  })
  const custodian = custodianClient(identity, config, from.clock)
  return {
    identity,
    custodian,
    close: () => {
      custodian.close()
      identity.stop()
    },
  }
}

function readPassword(path: string): Secret<string> {
  try {
    return new Secret(readFileSync(path, 'utf8').trim())
  } catch (cause) {
    throw new Fault('launcher/failed', `cannot read ${path}: start the platform first, or run this as its user`, { cause })
  }
}
