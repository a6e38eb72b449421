/** What stands between the processes of one machine; each may be missing, and `verify` reports which and why. */
export const mechanisms = [
  'permissionModel', 'ownUsers', 'noNewPrivileges', 'noCapabilities', 'noCoreDumps', 'diesWithLauncher', 'egressRules',
] as const
export type Mechanism = (typeof mechanisms)[number]

export type MechanismStatus =
  | { readonly status: 'on' }
  | { readonly status: 'off'; readonly reason: string }

export type IsolationReport = Readonly<Record<Mechanism, MechanismStatus>>

/** What the machine offers, found out by trying. */
export type MachineFacts = {
  readonly platform: string
  readonly isRoot: boolean
  /** Full paths, `undefined` where the program is not installed. */
  readonly setpriv: string | undefined
  readonly prlimit: string | undefined
  readonly nft: string | undefined
  /** Why a process with a user id of its own cannot run from this clone on this data, or `undefined` where it can. */
  readonly ownUserObstacle: string | undefined
  /** Why the kernel did not take a rule for a user, or `undefined` where it did. */
  readonly egressObstacle: string | undefined
}

const on: MechanismStatus = { status: 'on' }
const off = (reason: string): MechanismStatus => ({ status: 'off', reason })

/** Decides what is used; what is missing is said, never silently skipped. */
export function planIsolation(facts: MachineFacts): IsolationReport {
  const isLinux = facts.platform === 'linux'
  const notLinux = `${facts.platform} has no such mechanism that the launcher uses`
  const noSetpriv = 'setpriv is not installed'
  const notRoot = 'the launcher was not started as root'
  const needs = (...obstacles: (string | false | undefined)[]): MechanismStatus => {
    const obstacle = obstacles.find((text) => typeof text === 'string')
    return typeof obstacle === 'string' ? off(obstacle) : on
  }
  const setpriv = [!isLinux && notLinux, facts.setpriv === undefined && noSetpriv] as const
  const ownUsers = needs(!isLinux && notLinux, !facts.isRoot && notRoot, ...setpriv, facts.ownUserObstacle)
  return {
    permissionModel: on,
    ownUsers,
    noNewPrivileges: needs(...setpriv),
    // An ordinary user has none, and no_new_privs keeps it from gaining any.
    noCapabilities: needs(...setpriv),
    noCoreDumps: needs(!isLinux && notLinux, facts.prlimit === undefined && 'prlimit is not installed'),
    diesWithLauncher: needs(...setpriv),
    egressRules: needs(
      ownUsers.status === 'off' && 'the rules go by user id, and no process has its own',
      facts.nft === undefined && 'nft is not installed', facts.egressObstacle,
    ),
  }
}

/** The programs that a process is started through, outermost first; each replaces itself by the next. */
export function isolationChain(facts: MachineFacts, report: IsolationReport, uid: number | undefined): string[] {
  const chain: string[] = []
  if (facts.prlimit !== undefined && report.noCoreDumps.status === 'on') chain.push(facts.prlimit, '--core=0:0')
  if (facts.setpriv === undefined || report.noNewPrivileges.status === 'off') return chain
  chain.push(facts.setpriv)
  if (report.ownUsers.status === 'on' && uid !== undefined) {
    chain.push(`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups')
  }
  chain.push('--no-new-privs')
  if (facts.isRoot) chain.push('--bounding-set=-all', '--inh-caps=-all')
  // The kernel forgets the death signal when credentials change; setpriv sets it after that.
  chain.push('--pdeathsig=TERM')
  return [...chain, '--']
}

/** One line for the terminal: what is on, and why the rest is off. */
export function describeIsolation(report: IsolationReport): string {
  const missing = mechanisms.flatMap((name) => {
    const { [name]: row } = report
    return row.status === 'off' ? [`${words[name]} (${row.reason})`] : []
  })
  return missing.length === 0
    ? 'process isolation: complete'
    : `process isolation: partial; missing: ${missing.join('; ')}`
}

const words: Readonly<Record<Mechanism, string>> = {
  permissionModel: 'permission model',
  ownUsers: 'own users',
  noNewPrivileges: 'no new privileges',
  noCapabilities: 'no capabilities',
  noCoreDumps: 'no core dumps',
  diesWithLauncher: 'death with the launcher',
  egressRules: 'egress rules',
}
