import { spawn, type ChildProcess } from 'node:child_process'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import type { MachineFacts } from './isolation.ts'
import type { KnownProcesses } from './known-processes.ts'
import type { LogFile } from './log-file.ts'

/** A helper that dies is started again after this; bans stand in the kernel and in the gateway meanwhile. */
const restartMs = 1_000

export type BanHelperOptions = {
  readonly root: string
  readonly facts: MachineFacts
  readonly nft: string
  readonly table: string
  /** A user of its own, of nobody else's processes. */
  readonly uid: number
  /** CIDR that is never banned. */
  readonly never: readonly string[]
  readonly known: KnownProcesses
  readonly log: LogFile
}

export type BanHelper = {
  /** Where gateways write their orders, to be inherited; none while it is started again. */
  readonly pipe: Writable | undefined
  /** Tells whom it concerns where orders go from now on, each time that the helper was started again. */
  onRestart(listener: (pipe: Writable) => void): void
  stop(): Promise<void>
}

/**
 * Starts the process that alone may change the kernel's bans. The launcher keeps one end of its pipe and hands it on to
 * each gateway, and neither writes nor reads it: who is banned is between gateway and helper.
 */
export function startBanHelper(options: BanHelperOptions): BanHelper {
  let child: ChildProcess | undefined
  let timer: NodeJS.Timeout | undefined
  let isStopping = false
  const listeners: ((pipe: Writable) => void)[] = []
  const start = (): void => {
    const started = child = spawnHelper(options)
    started.once('exit', () => {
      if (child === started) child = undefined
      if (!isStopping) timer = setTimeout(restart, restartMs)
    })
  }
  const restart = (): void => {
    start()
    const pipe = child?.stdin ?? undefined
    if (pipe !== undefined) for (const listener of listeners) listener(pipe)
  }
  start()
  return {
    get pipe() {
      return child?.stdin ?? undefined
    },
    onRestart: (listener) => listeners.push(listener),
    stop: async () => {
      isStopping = true
      clearTimeout(timer)
      const last = child
      if (last === undefined) return
      const exited = new Promise((resolve) => last.once('exit', resolve))
      last.kill('SIGKILL')
      await exited
    },
  }
}

function spawnHelper({ root, facts, nft, table, uid, never, known, log }: BanHelperOptions): ChildProcess {
  const [file, ...args] = banHelperCommand({ root, facts, nft, table, uid, never })
  const child = spawn(file, args, { cwd: root, env: {}, stdio: ['pipe', 'ignore', 'pipe'], detached: true })
  child.on('error', () => undefined)
  child.stdin.on('error', () => undefined)
  child.stderr.on('data', (chunk: Buffer) => log.append(chunk))
  const { pid } = child
  if (pid !== undefined) {
    known.add('ban helper', pid)
    child.once('exit', () => known.remove(pid))
  }
  return child
}

/** Its command line: one capability, which a user without any other right keeps through setpriv, and only nft to start. */
export function banHelperCommand(
  { root, facts, nft, table, uid, never }: Pick<BanHelperOptions, 'root' | 'facts' | 'nft' | 'table' | 'uid' | 'never'>,
): readonly [string, ...string[]] {
  const only = '-all,+net_admin'
  return [
    facts.setpriv ?? 'setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--no-new-privs',
    `--inh-caps=${only}`, `--ambient-caps=${only}`, `--bounding-set=${only}`, '--pdeathsig=TERM', '--',
    ...(facts.prlimit === undefined ? [] : [facts.prlimit, '--core=0:0']),
    process.execPath, '--permission', '--allow-child-process', `--allow-fs-read=${root}`, '--no-experimental-sqlite',
    join(root, 'cli', 'ban-helper', 'main.ts'), nft, table, ...never,
  ]
}

/** This machine's addresses, as networks: whoever bans them bans himself. */
export function ownAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flat().flatMap((at) => (at === undefined ? [] : [`${at.address}/${at.family === 'IPv4' ? 32 : 128}`]))
}
