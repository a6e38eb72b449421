import { authorityPath, childEnvironment as roleEnvironment, processFolder, type Config, type Environment } from '@ngome/runtime'
import { fipsEnvironment } from './fips.ts'
import type { ProcessName } from './process-table.ts'
import { rootKeyEnvironment } from './root-key-surroundings.ts'

/** Credentials of providers reach the dispatcher in a file of its own, whatever the operator wrote them in. */
const providerSecret = /^NGOME_NETWORKS__.*__(?:SUBSCRIPTION_KEY|API_USER|API_KEY)(?:_FILE)?$/
/** Where the root key lies is the custodian's business alone, and reaches it in one form. */
const rootKeyVariable = /^NGOME_(?:CUSTODIAN__)?ROOT_KEY$/
const simulatorPrefix = 'MTN_MOMO_SIMULATOR_'
/** The simulated payer's time to answer: MTN's five minutes, made short enough for somebody who watches. */
const simulatorExpireAfterMs = 8_000

/** What a process finds in its environment: its configuration, and nothing else of the launcher's. */
export function childEnvironment(name: ProcessName, from: {
  readonly env: Environment
  readonly config: Config
  readonly configFile: string | undefined
  readonly token: string | undefined
  readonly isFips: boolean
}): Record<string, string> {
  const { config, env } = from
  const zone = { ...(env['TZ'] === undefined ? {} : { TZ: env['TZ'] }), ...fipsEnvironment(env, from.isFips) }
  if (name === 'simulator') return { ...zone, ...simulatorEnvironment(env, config) }
  const role = roleEnvironment(name, env, config, from.configFile)
  const rootKey = name === 'custodian' ? rootKeyEnvironment(env, config) : {}
  const isKept = (variable: string): boolean => !providerSecret.test(variable) && !(rootKeyVariable.test(variable) && 'NGOME_ROOT_KEY' in rootKey)
  return {
    ...zone,
    ...Object.fromEntries(Object.entries(role).filter(([variable]) => isKept(variable))),
    ...rootKey,
    ...(from.token === undefined ? {} : { NGOME_ENROLMENT_TOKEN: from.token }),
  }
}

function simulatorEnvironment(env: Environment, config: Config): Record<string, string> {
  const passed = Object.entries(env).filter((entry): entry is [string, string] => (
    entry[1] !== undefined && entry[0].startsWith(simulatorPrefix)
  ))
  return {
    [`${simulatorPrefix}EXPIRE_AFTER_MS`]: String(simulatorExpireAfterMs),
    ...Object.fromEntries(passed),
    [`${simulatorPrefix}PORT`]: String(config.simulator.port),
    [`${simulatorPrefix}FOLDER`]: processFolder(config, 'simulators/mtn-momo'),
    [`${simulatorPrefix}CALLBACK_CA`]: authorityPath(config),
  }
}
