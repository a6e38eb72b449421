import { authorityPath, childEnvironment as roleEnvironment, processFolder, type Config, type Environment } from '@ngome/runtime'
import { fipsEnvironment } from './fips.ts'
import type { ProcessName } from './process-table.ts'
import { rootKeyEnvironment } from './root-key-surroundings.ts'

/** Credentials of providers reach the dispatcher in a file of its own, whatever the operator wrote them in. */
const providerSecret = /^NGOME_NETWORKS__.*__(?:SUBSCRIPTION_KEY|API_USER|API_KEY|CLIENT_ID|CLIENT_SECRET|CALLBACK_KEY|PIN|PIN_KEY|CARD__ACCOUNT|CARD__SECRET)(?:_FILE)?$/
/** Where the root key lies is the custodian's business alone, and reaches it in one form. */
const rootKeyVariable = /^NGOME_(?:CUSTODIAN__)?ROOT_KEY$/
/** The simulated payer's time to answer: networks' minutes, made short enough for somebody who watches. */
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
  if (name === 'simulator' || name === 'airtel-simulator' || name === 'card-simulator') return { ...zone, ...simulatorEnvironment(env, config, simulators[name]) }
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

const simulators = {
  'simulator': { prefix: 'MTN_MOMO_SIMULATOR_', folder: 'simulators/mtn-momo', port: 'port' },
  'airtel-simulator': { prefix: 'AIRTEL_MONEY_SIMULATOR_', folder: 'simulators/airtel-money', port: 'airtelPort' },
  'card-simulator': { prefix: 'CARD_ACQUIRER_SIMULATOR_', folder: 'simulators/card-acquirer', port: 'cardPort' },
} as const

function simulatorEnvironment(
  env: Environment, config: Config, { prefix, folder, port }: (typeof simulators)[keyof typeof simulators],
): Record<string, string> {
  const passed = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[0].startsWith(prefix))
  return {
    [`${prefix}EXPIRE_AFTER_MS`]: String(simulatorExpireAfterMs),
    ...Object.fromEntries(passed),
    [`${prefix}PORT`]: String(config.simulator[port]),
    [`${prefix}FOLDER`]: processFolder(config, folder),
    [`${prefix}CALLBACK_CA`]: authorityPath(config),
  }
}
