import type { ProcessRole } from '@ngome/kernel'
import { isSecretVariable, type Environment } from './environment.ts'
import type { Config } from './schema.ts'

/** Which process may know which of the configuration's secrets; the rest is the launcher's alone. */
const secretReaders: readonly (readonly [prefix: string, role: ProcessRole])[] = [
  ['NGOME_NETWORKS__', 'dispatcher'],
  ['NGOME_CUSTODIAN__DATABASE__', 'custodian'],
  ['NGOME_LIMITS__STORE__', 'gateway'],
  ['NGOME_GATEWAY__TLS__ACME__', 'dispatcher'],
]

/** A one-time token is its own process's; what a merchant's program is told is nobody's here. */
const notPassedOn: readonly string[] = ['NGOME_ENROLMENT_TOKEN', 'NGOME_API_KEY', 'NGOME_BASE_URL']

/**
 * The configuration part of a process's environment: the launcher's own, without the secrets that this process has no
 * business with, and with the file, the folder and the database's place as they were found, so that the process looks
 * for nothing itself.
 * @param configFile what `configPath` answered to the launcher
 */
export function childEnvironment(
  role: ProcessRole, env: Environment, config: Config, configFile: string | undefined,
): Record<string, string> {
  const child: Record<string, string> = {}
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || !name.startsWith('NGOME_') || notPassedOn.includes(name)) continue
    const isForRole = secretReaders.some(([prefix, reader]) => reader === role && name.startsWith(prefix))
    if (!isSecretVariable(name) || isForRole) child[name] = value
  }
  return {
    ...child,
    NGOME_DATA: config.dataDir,
    NGOME_CONFIG: configFile ?? '',
    NGOME_DATABASE__HOST: config.database.host,
    NGOME_DATABASE__PORT: String(config.database.port),
    NGOME_DATABASE__NAME: config.database.name,
    NGOME_DATABASE__TLS: String(config.database.tls),
  }
}
