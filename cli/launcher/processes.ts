import { join } from 'node:path'
import type { Clock, Random, Secret } from '@ngome/kernel'
import { processFolder, type Config, type Environment } from '@ngome/runtime'
import { Child, inheritedBansFd, inheritedChallengesFd, inheritedSocketFd } from './child.ts'
import { childCommand } from './child-command.ts'
import { childEnvironment } from './child-environment.ts'
import type { BanHelper } from './ban-helper.ts'
import { mintEnrolmentToken } from './enrolment-token.ts'
import type { Ground } from './ground.ts'
import type { KnownProcesses } from './known-processes.ts'
import type { ListeningSocket } from './listening-socket.ts'
import { isFipsStart } from './fips.ts'
import { LogFile } from './log-file.ts'
import { processNames, type ProcessName } from './process-table.ts'
import type { Tell } from './progress.ts'
import { operatorFilesOf } from './operator-files.ts'
import { needsAddon, placePin } from './root-key-surroundings.ts'
import { Supervisor } from './supervisor.ts'

/** The custodian's part in the roles that enrol is to check; it enrols nobody as itself, and the simulators are no part of us. */
const enrolledRoles: Readonly<Record<ProcessName, 'gateway' | 'dispatcher' | undefined>> = {
  'custodian': undefined, 'simulator': undefined, 'airtel-simulator': undefined, 'card-simulator': undefined, 'gateway': 'gateway', 'dispatcher': 'dispatcher',
}

export type ProcessesOptions = {
  readonly root: string
  readonly env: Environment
  readonly config: Config
  readonly configFile: string | undefined
  readonly clock: Clock
  readonly random: Random
  readonly tell: Tell
  readonly ground: Ground
  readonly known: KnownProcesses
  readonly socket: ListeningSocket
  /** Where challenges of certificate authorities are answered; `undefined` where none are. */
  readonly challenges: ListeningSocket | undefined
  /** Where the kernel's bans are kept; `undefined` where they are the gateway's own only. */
  readonly bans: BanHelper | undefined
  /** The key that enrolment tokens are made with. */
  readonly key: Secret<Uint8Array>
}

/** The supervisors of this instance's processes. */
export type Processes = {
  of(name: ProcessName): Supervisor
  /** What starts from now on starts with this configuration. */
  use(config: Config): void
}

export function superviseProcesses(options: ProcessesOptions): Processes {
  const { ground, known, socket, root, clock } = options
  let { config } = options
  const isFips = isFipsStart()
  const logs = Object.fromEntries(processNames.map((name) => [
    name, new LogFile(join(processFolder(config, 'launcher'), 'logs', `${name}.log`)),
  ])) as Record<ProcessName, LogFile>
  const start = (name: ProcessName): Child => {
    if (name === 'custodian') placePin(config, ground.ownerOf(name))
    const role = enrolledRoles[name]
    const token = role === undefined ? undefined : mintEnrolmentToken(options.key, role, options)
    const env = childEnvironment(name, { ...options, config, token, isFips })
    const command = childCommand(name, {
      root, env, dataDir: config.dataDir, configFile: options.configFile, chain: ground.chainOf(name),
      hasAddon: name === 'custodian' && needsAddon(config), isFips, operatorFiles: operatorFilesOf(name, config),
    })
    const onWaiting = (reason: string): void => options.tell(`the ${name} is waiting for ${reason}`)
    const child = Child.start({ ...command, onWaiting, ...(name === 'gateway' ? { socketFd: socket.fd, bansPipe: options.bans?.pipe, challengesFd: options.challenges?.fd } : {}) }, logs[name])
    known.add(name, child.pid)
    void child.exited.then(() => known.remove(child.pid))
    return child
  }
  const supervisors = Object.fromEntries(processNames.map((name) => [name, new Supervisor({
    name: `the ${name}`,
    clock,
    tell: options.tell,
    start: () => start(name),
    ...(name === 'gateway' ? { onReady: (child: Child) => listenOn(child, socket, options.bans) } : {}),
  })])) as Record<ProcessName, Supervisor>
  options.bans?.onRestart((pipe) => supervisors.gateway.current?.sendBansPipe(pipe))
  // Where the kernel does not end them with us, and after a second Ctrl-C, nothing of ours stays.
  process.once('exit', () => {
    for (const supervisor of Object.values(supervisors)) supervisor.kill()
  })
  return {
    of: (name) => supervisors[name],
    use: (next) => { config = { ...next, dataDir: options.config.dataDir } },
  }
}

async function listenOn(child: Child, socket: ListeningSocket, bans: BanHelper | undefined): Promise<void> {
  child.send({
    type: 'listen', fd: inheritedSocketFd, ...(child.bansPipe !== undefined ? { bansFd: inheritedBansFd } : {}),
    ...(child.hasChallengesSocket ? { challengesFd: inheritedChallengesFd } : {}),
  })
  // The helper may have been started again since this child was.
  if (bans?.pipe !== undefined && bans.pipe !== child.bansPipe) child.sendBansPipe(bans.pipe)
  await socket.untilAccepting()
}
