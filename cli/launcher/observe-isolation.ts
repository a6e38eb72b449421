import { readFileSync } from 'node:fs'
import type { IsolationReport, MechanismStatus } from './isolation.ts'

/** A running process and the user that it should run as, where it has one of its own. */
export type Observed = { readonly name: string; readonly pid: number; readonly uid: number | undefined }

/**
 * Looks at the running processes, as the kernel describes them (proc(5)), and takes back what was planned and is not so:
 * what `verify` reports was seen, not intended.
 */
export function observeIsolation(report: IsolationReport, processes: readonly Observed[]): IsolationReport {
  if (process.platform !== 'linux') return report
  const seen = processes.map((each) => ({ ...each, status: statusOf(each.pid), core: coreLimitOf(each.pid) }))
  const check = (planned: MechanismStatus, isSo: (one: (typeof seen)[number]) => boolean): MechanismStatus => {
    const odd = planned.status === 'on' ? seen.find((one) => !isSo(one)) : undefined
    return odd === undefined ? planned : { status: 'off', reason: `it was set for ${odd.name}, and is not so` }
  }
  return {
    ...report,
    ownUsers: check(report.ownUsers, ({ status, uid }) => uid !== undefined && ids(status['Uid']).every((id) => id === uid)),
    noNewPrivileges: check(report.noNewPrivileges, ({ status }) => status['NoNewPrivs'] === '1'),
    noCapabilities: check(report.noCapabilities, ({ status }) => BigInt(`0x${status['CapEff'] ?? 'f'}`) === 0n),
    noCoreDumps: check(report.noCoreDumps, ({ core }) => core === '0'),
  }
}

function statusOf(pid: number): Readonly<Record<string, string>> {
  return Object.fromEntries(read(`/proc/${pid}/status`).split('\n').map((line) => {
    const at = line.indexOf(':')
    return [line.slice(0, at), line.slice(at + 1).trim()]
  }))
}

/** The hard limit: the soft one a process may raise up to it. */
function coreLimitOf(pid: number): string | undefined {
  return /^Max core file size\s+\S+\s+(\S+)/m.exec(read(`/proc/${pid}/limits`))?.[1]
}

function ids(row: string | undefined): readonly number[] {
  return (row ?? '-1').split(/\s+/).map(Number)
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
