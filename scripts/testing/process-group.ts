import { readdirSync, readFileSync } from 'node:fs'

/** @returns the processes of this group that still run; a zombie does not run, it only waits for its parent. */
export function runningInGroup(group: number): number[] {
  if (process.platform !== 'linux') return isAnyoneThere(group) ? [group] : []
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .map(Number)
    .filter((pid) => isRunningMember(pid, group))
}

export function killGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL')
  } catch {
    // Nobody is left to kill.
  }
}

function isRunningMember(pid: number, group: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // proc_pid_stat(5): after the name in parentheses come the state, the parent and the process group.
    const [state, , memberOf] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return state !== 'Z' && Number(memberOf) === group
  } catch {
    return false
  }
}

function isAnyoneThere(group: number): boolean {
  try {
    process.kill(-group, 0)
    return true
  } catch {
    return false
  }
}
