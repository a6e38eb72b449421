import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { basename } from 'node:path'
import { Fault } from '@ngome/kernel'

export type PortUse = { readonly what: string; readonly host: string; readonly port: number; readonly variable: string }

/** Binds each port for a moment. @throws Fault `launcher/failed` naming every port that is taken, and what to change */
export async function assertPortsFree(uses: readonly PortUse[]): Promise<void> {
  const problems: string[] = []
  for (const use of uses) {
    const code = await bindError(use.host, use.port)
    if (code === undefined) continue
    const { what, host, port, variable } = use
    if (code === 'EADDRINUSE') {
      problems.push(`port ${port} for ${what} is taken by ${holderOf(port)}; stop that, or set ${variable} to another port`)
    } else problems.push(`port ${port} on ${host} for ${what} cannot be used (${code}); set ${variable} to another port`)
  }
  if (problems.length > 0) throw new Fault('launcher/failed', problems.join('\n'))
}

function bindError(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)))
  })
}

/** Who listens on the port, as far as this user may see (Linux: /proc/net/tcp names the socket, /proc/PID/fd its holder). */
export function holderOf(port: number): string {
  try {
    const inodes = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) => listeningInodes(file, port)))
    for (const pid of readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name))) {
      if (holdsSocket(pid, inodes)) return `${programOf(pid)} (process ${pid})`
    }
  } catch {
    // No /proc here; the port is taken all the same.
  }
  return 'another program, perhaps another instance of Ngome'
}

function programOf(pid: string): string {
  return basename(readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0] ?? 'a program')
}

/** Rows of proc(5)'s table: local address:port in hexadecimal, state (0A listens), …, inode. */
function listeningInodes(file: string, port: number): string[] {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0')
  return readFileSync(file, 'utf8').split('\n').slice(1).map((row) => row.trim().split(/\s+/))
    .filter(([, local = '', , state]) => local.endsWith(`:${hexPort}`) && state === '0A')
    .map((fields) => fields[9] ?? '')
}

function holdsSocket(pid: string, inodes: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => {
      const inode = /^socket:\[([0-9]+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1]
      return inode !== undefined && inodes.has(inode)
    })
  } catch {
    return false // Another user's process, or one that has just ended.
  }
}
