import { lookup } from 'node:dns/promises'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock, Random } from '@ngome/kernel'
import { authorityPath, hostAndPort, processFolder, type Config, type Environment } from '@ngome/runtime'
import { ownAddresses, startBanHelper, type BanHelper } from './ban-helper.ts'
import { banRules } from './ban-rules.ts'
import { makeDataFolder } from './data-folder.ts'
import { prepareDatabase, startDatabase } from './database.ts'
import { enrolmentKey } from './enrolment-token.ts'
import { assertFipsSuite, isFipsStart } from './fips.ts'
import { firstKey, type FirstKey } from './first-key.ts'
import { prepareGround, type Ground } from './ground.ts'
import { takeInstanceLock } from './instance-lock.ts'
import { describeIsolation, type IsolationReport } from './isolation.ts'
import { KnownProcesses } from './known-processes.ts'
import { openListeningSocket, type ListeningSocket } from './listening-socket.ts'
import { LogFile } from './log-file.ts'
import { applyEgressRules, removeEgressRules } from './nftables.ts'
import { observeIsolation } from './observe-isolation.ts'
import { atPeriodEnds } from './period-turns.ts'
import { portUses } from './port-uses.ts'
import { assertPortsFree } from './ports.ts'
import { writePrivateFile } from './private-file.ts'
import { processNames, type ProcessName } from './process-table.ts'
import { superviseProcesses, type Processes } from './processes.ts'
import type { Tell } from './progress.ts'
import { usesSimulator, writeProviderCredentials } from './provider-credentials.ts'
import { followAuthority, publishAuthority } from './publish-authority.ts'
import type { Undo } from './undo.ts'

export type LaunchOptions = {
  readonly root: string
  readonly env: Environment
  readonly config: Config
  readonly configFile: string | undefined
  readonly clock: Clock
  readonly random: Random
  readonly tell: Tell
}

export type Platform = {
  readonly key: FirstKey
  readonly isolation: IsolationReport
  /** Runs the gateway and the dispatcher anew, with this configuration; ports and folders stay as they were. */
  reload(config: Config): Promise<void>
}

/** What a stop allows the gateway for the requests that it holds. */
const stopDrainMs = 5_000

/**
 * Starts an instance: database, custodian, simulator, dispatcher, gateway, in the order in which they need each other.
 * @param undo collects how to end what was begun, also where the start fails in the middle
 */
export async function launch(given: LaunchOptions, undo: Undo): Promise<Platform> {
  const { tell, root, random, clock } = given
  assertFipsSuite(given.config, isFipsStart())
  const dataDir = makeDataFolder(given.config.dataDir, process.getuid?.() === 0)
  const options = { ...given, config: { ...given.config, dataDir } }
  const { config } = options
  const folder = processFolder(config, 'launcher')
  mkdirSync(join(folder, 'logs'), { recursive: true, mode: 0o700 })
  const lock = takeInstanceLock(folder)
  await undo.push(() => lock.release())

  const known = new KnownProcesses(join(folder, 'processes.json'))
  const leftOvers = await known.endLeftOvers()
  if (leftOvers.length > 0) tell(`an earlier start left ${leftOvers.join(', ')}; ended`)
  await assertPortsFree(portUses(config))
  const ground = await prepareGround(config, root, random)
  await raiseRules(ground, undo)

  const { address } = await lookup(config.gateway.host)
  const socket = openListeningSocket(address, config.gateway.port)
  await undo.push(() => socket.close())

  const challenges = await openChallenges(config, undo)
  const bans = await raiseBans(options, ground, known, undo)
  const processes = superviseProcesses({ ...options, ground, known, socket, challenges, bans, key: enrolmentKey(join(folder, 'enrolment.key'), random) })
  await Promise.all([
    startStore(options, ground, known, undo),
    startCustodian(options, ground, processes, undo),
    usesSimulator(config, 'mtn-momo') ? startOne('simulator', processes, tell, undo) : undefined,
    usesSimulator(config, 'airtel-money') ? startOne('airtel-simulator', processes, tell, undo) : undefined,
    usesSimulator(config, 'card-acquirer') ? startOne('card-simulator', processes, tell, undo) : undefined,
  ])
  const key = await firstKey(config, { clock, random })
  await writeProviderCredentials(config, ground.ownerOf('dispatcher'), random)
  await Promise.all([startOne('dispatcher', processes, tell, undo), startOne('gateway', processes, tell, undo, stopDrainMs)])
  const isolation = reportIsolation(config, ground, processes)
  tell(describeIsolation(isolation))
  await undo.push(atPeriodEnds(config.keys.dataKeyPeriodS * 1000, clock, async () => {
    const isReplaced = await processes.of('gateway').replace()
    if (isReplaced) tell('the data keys\' period has ended: the gateway was replaced')
    return isReplaced
  }))
  return {
    key,
    isolation,
    reload: async (next) => {
      await writeProviderCredentials(next, ground.ownerOf('dispatcher'), random)
      processes.use(next)
      await processes.of('gateway').replace()
      // Its restart is the supervisor's; jobs wait for it meanwhile.
      processes.of('dispatcher').current?.kill('SIGTERM')
    },
  }
}

/** As the public socket: bound once, by whoever may bind port 80, and listened on by each gateway in turn. */
async function openChallenges({ gateway: { tls: { acme } } }: Config, undo: Undo): Promise<ListeningSocket | undefined> {
  if (acme === undefined) return undefined
  const { host, port } = hostAndPort(acme.listen)
  const { address } = await lookup(host)
  const socket = openListeningSocket(address, port)
  await undo.push(() => socket.close())
  return socket
}

async function raiseRules({ rules, facts, table }: Ground, undo: Undo): Promise<void> {
  const { nft } = facts
  if (rules === undefined || nft === undefined) return
  await applyEgressRules(nft, rules)
  await undo.push(() => removeEgressRules(nft, table))
}

/** The kernel's bans, where the machine lets us: else they are the gateway's own, and cost it an accepted connection each. */
async function raiseBans(options: LaunchOptions, ground: Ground, known: KnownProcesses, undo: Undo): Promise<BanHelper | undefined> {
  const { config, root } = options
  const { facts, table, banHelperUid } = ground
  const { nft } = facts
  if (ground.rules === undefined || nft === undefined || banHelperUid === undefined) return undefined
  const bansTable = `${table}_bans`
  await applyEgressRules(nft, banRules(bansTable, config.gateway.port))
  await undo.push(() => removeEgressRules(nft, bansTable))
  const log = new LogFile(join(processFolder(config, 'launcher'), 'logs', 'ban-helper.log'))
  const never = [...config.gateway.neverBanned, ...ownAddresses()]
  const helper = startBanHelper({ root, facts, nft, table: bansTable, uid: banHelperUid, never, known, log })
  await undo.push(() => helper.stop())
  return helper
}

async function startStore(options: LaunchOptions, ground: Ground, known: KnownProcesses, undo: Undo): Promise<void> {
  const { config, random, tell } = options
  const log = new LogFile(join(processFolder(config, 'launcher'), 'logs', 'postgres.log'))
  const starting = startDatabase({ config, runAs: ground.postgres, log, known, random, tell })
  // Before anything else is pushed: the database is the last to stop.
  await undo.push(async () => {
    await (await starting.catch(() => undefined))?.stop()
    tell('PostgreSQL has stopped')
  })
  const server = await starting
  const passwords = await prepareDatabase(server.admin, config, random)
  const own = process.getuid?.()
  for (const [name, role, owner] of [
    ['gateway', 'ngome_gateway', ground.ownerOf('gateway')], ['dispatcher', 'ngome_dispatcher', ground.ownerOf('dispatcher')],
    ['operator', 'ngome_operator', own], ['auditor', 'ngome_auditor', own],
  ] as const) {
    passwords[role].expose((text) => writePrivateFile(join(processFolder(config, name), 'db-password'), `${text}\n`, owner))
  }
  tell(`PostgreSQL is up and migrated (${config.database.host}:${config.database.port})`)
}

/** On first run the custodian makes the authority; its public half is copied to where all processes may read it. */
async function startCustodian({ config, tell }: LaunchOptions, ground: Ground, processes: Processes, undo: Undo): Promise<void> {
  const folder = processFolder(config, 'custodian')
  const key = readFileSync(join(processFolder(config, 'launcher'), 'enrolment.key'))
  writePrivateFile(join(folder, 'enrolment.key'), key, ground.ownerOf('custodian'))
  await startOne('custodian', processes, tell, undo)
  const copy = { from: join(folder, 'ca.pem'), to: authorityPath(config), owner: ground.ownerOf('custodian'), tell }
  await undo.push(followAuthority(copy, publishAuthority(copy.from, copy.to, copy.owner)))
}

async function startOne(name: ProcessName, processes: Processes, tell: Tell, undo: Undo, drainMs = 0): Promise<void> {
  const supervisor = processes.of(name)
  await undo.push(async () => {
    await supervisor.stop(drainMs)
    tell(`the ${name} has stopped`)
  })
  await supervisor.start()
  tell(`the ${name} is ready`)
}

function reportIsolation(config: Config, ground: Ground, processes: Processes): IsolationReport {
  const running = processNames.flatMap((name) => {
    const pid = processes.of(name).current?.pid
    return pid === undefined ? [] : [{ name, pid, uid: ground.ownerOf(name) }]
  })
  const report = observeIsolation(ground.report, running)
  writePrivateFile(join(processFolder(config, 'launcher'), 'isolation.json'), JSON.stringify(report, undefined, 2) + '\n')
  return report
}
