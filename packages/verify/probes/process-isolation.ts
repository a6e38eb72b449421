import type { MachineView, ProcessView } from '../isolation/machine-view.ts'
import { NotReached, type Probe } from '../probe.ts'
import { fails, holds, partial } from '../verdict.ts'

/** The processes whose separation the promises rest on; the simulator stands for somebody else. */
const zones = ['gateway', 'custodian', 'dispatcher'] as const

export const processIsolation: Probe<{ readonly machine: () => Promise<MachineView> }> = {
  id: 'process-isolation',
  source: import.meta.filename,
  does: 'Reads the launcher\'s report of what isolates the processes, and then looks for itself: user ids, no_new_privs, capabilities, core dumps, Node\'s permission flags, and the parent and the channel of each process in /proc, and the modes of every file with a key or a password. What the report claims and the machine does not show is a failure; what the report says is missing, or nobody can see, is partial. The kernel shows no death signal: that a process dies with its launcher is taken from what it is tied to the launcher by, as its child and by the channel whose end it obeys. The egress rules are egress-is-closed\'s to try.',
  run: async ({ machine }) => {
    const { report, processes, secretFiles, launcherPid } = await machine()
    if (report === undefined) throw new NotReached('the launcher left no report of the isolation')
    const own = zones.map((name) => processes.filter((process) => process.name === name))
    if (own.some((instances) => instances.length === 0)) throw new NotReached('not all processes run')
    const problems = [
      ...secretFiles.filter(({ mode }) => (mode & 0o077) !== 0).map(({ path, mode }) => `${path} has mode ${(mode & 0o777).toString(8)}`),
      ...own.flat().flatMap((process) => problemsOf(process, report, launcherPid)),
      ...(isOn(report, 'ownUsers') ? sharedUsers(own) : []),
    ]
    if (problems.length > 0) return fails(problems.slice(0, 5).join('; '))
    const isWord = isOn(report, 'diesWithLauncher') && own.flat().some((process) => isTied(process, launcherPid) === undefined)
    const off = [
      ...Object.entries(report).flatMap(([name, { status, reason }]) => (status === 'on' ? [] : [`${name} (${reason ?? status})`])),
      ...(isWord ? ['diesWithLauncher (the launcher\'s own word: nothing outside of it could be seen)'] : []),
    ]
    const tied = isOn(report, 'diesWithLauncher') && !isWord ? `, each a child of launcher ${launcherPid} with a channel to it` : ''
    const seen = `seen in /proc: ${own.flat().map(({ name, pid }) => `${name} ${pid}`).join(', ')}${tied}; ${secretFiles.length} secret files closed to others`
    return off.length === 0 ? holds(seen) : partial(`missing: ${off.join('; ')}; ${seen}`)
  },
}

type Report = NonNullable<MachineView['report']>

function isOn(report: Report, name: string): boolean {
  return report[name]?.status === 'on'
}

function problemsOf(process: ProcessView, report: Report, launcherPid: number | undefined): string[] {
  const { name, status, limits, commandLine } = process
  const says = (pattern: RegExp): boolean => pattern.test(status ?? '')
  const rules: readonly (readonly [string, boolean, string])[] = [
    ['noNewPrivileges', says(/^NoNewPrivs:\s*1$/m), 'may gain privileges'],
    ['noCapabilities', hasNoCapabilities(status ?? ''), 'has capabilities, or could gain some'],
    ['noCoreDumps', /^Max core file size\s+0\s+0\s/m.test(limits ?? ''), 'may write a core dump'],
    ['ownUsers', userOf(process) !== undefined && userOf(process) !== 0, 'runs as root'],
    ['permissionModel', hasPermissionModel(name, commandLine ?? []), 'runs without the permission model\'s flags'],
    ['diesWithLauncher', isTied(process, launcherPid) !== false, 'is no child of the launcher with a channel to it'],
  ]
  return rules.flatMap(([mechanism, isSeen, complaint]) => {
    return isOn(report, mechanism) && !isSeen ? [`the ${name} ${complaint}, although the launcher reports ${mechanism}`] : []
  })
}

/** @returns `undefined` where it cannot be seen */
function isTied({ status, channel }: ProcessView, launcherPid: number | undefined): boolean | undefined {
  const parent = /^PPid:\s*(\d+)$/m.exec(status ?? '')?.[1]
  if (channel === 'none' || (parent !== undefined && launcherPid !== undefined && Number(parent) !== launcherPid)) return false
  return parent === undefined || launcherPid === undefined || channel === undefined ? undefined : true
}

/** None now, and no way to any: what is outside the bounding set cannot be gained, nor anything without new privileges. */
function hasNoCapabilities(status: string): boolean {
  const isEmpty = (set: string): boolean => new RegExp(`^${set}:\\s*0+$`, 'm').test(status)
  const hasNone = ['CapInh', 'CapPrm', 'CapEff', 'CapAmb'].every(isEmpty)
  return hasNone && (isEmpty('CapBnd') || /^NoNewPrivs:\s*1$/m.test(status))
}

function hasPermissionModel(name: string, commandLine: readonly string[]): boolean {
  const isBounded = commandLine.includes('--permission')
    && !commandLine.some((argument) => /^--allow-(worker|child-process|wasi)/.test(argument))
    // An HSM's module is native code inside the custodian, and only there.
    && (name === 'custodian' || !commandLine.includes('--allow-addons'))
    && commandLine.every((argument) => argument !== '--allow-fs-read=*' && argument !== '--allow-fs-write=*')
  return isBounded && (name === 'custodian' || commandLine.includes('--no-experimental-sqlite'))
}

/** @returns the user id that all four kinds agree on (real, effective, saved, file system). */
function userOf({ status }: ProcessView): number | undefined {
  const ids = /^Uid:\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)$/m.exec(status ?? '')?.slice(1).map(Number)
  return ids !== undefined && new Set(ids).size === 1 ? ids[0] : undefined
}

/** Two instances of one process share a user; two zones must not. */
function sharedUsers(zonesOfProcesses: readonly (readonly ProcessView[])[]): string[] {
  const users = zonesOfProcesses.flatMap((instances) => [...new Set(instances.map(userOf))])
  return new Set(users).size === users.length ? [] : ['two zones run as one user, although the launcher reports ownUsers']
}
