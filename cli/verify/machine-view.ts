import { readFileSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { FileView, MachineView, ProcessView } from '@ngome/verify'
import { z } from 'zod'

const reportSchema = z.record(z.string(), z.object({ status: z.string(), reason: z.string().optional() }))
const launcherPidSchema = z.int().positive()
const processesSchema = z.array(z.object({ name: z.string(), pid: z.int() }))

/** Whoever reads one of these is a process, or the operator, or has what they have. */
const secretPaths = [
  'launcher', 'launcher/enrolment.key', 'launcher/postgres-password', 'custodian', 'custodian/root.key',
  'custodian/root-key.pin', 'custodian/root-key.refused-pin', 'custodian/root-shares.json',
  'custodian/enrolment.key', 'custodian/custodian.sqlite', 'gateway', 'gateway/db-password', 'dispatcher',
  'dispatcher/db-password', 'dispatcher/providers.json', 'operator', 'operator/db-password', 'auditor',
  'auditor/db-password', 'postgres',
] as const

/** Looks at this machine: what the launcher says, what /proc shows, and who may read what. */
export function viewMachine(dataFolder: string): MachineView {
  const launcher = join(dataFolder, 'launcher')
  return {
    report: parseFile(join(launcher, 'isolation.json'), reportSchema),
    launcherPid: parseFile(join(launcher, 'launcher.pid'), launcherPidSchema),
    processes: (parseFile(join(launcher, 'processes.json'), processesSchema) ?? []).map(viewProcess),
    secretFiles: secretPaths.flatMap((path) => viewFile(dataFolder, path)),
  }
}

function viewProcess({ name, pid }: { name: string; pid: number }): ProcessView {
  const commandLine = read(`/proc/${pid}/cmdline`)
  return {
    name, pid, status: read(`/proc/${pid}/status`), limits: read(`/proc/${pid}/limits`),
    commandLine: commandLine?.split('\0').filter((argument) => argument !== ''), channel: viewChannel(pid),
  }
}

/** Node tells a process by this variable which descriptor its channel is, and the kernel keeps what it was started with. */
function viewChannel(pid: number): ProcessView['channel'] {
  const environment = read(`/proc/${pid}/environ`)
  if (environment === undefined) return undefined
  const fd = /(?:^|\0)NODE_CHANNEL_FD=([0-9]+)(?:\0|$)/.exec(environment)?.[1]
  if (fd === undefined) return 'none'
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith('socket:') ? 'open' : 'none'
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'none' : undefined
  }
}

function viewFile(folder: string, path: string): FileView[] {
  try {
    const { mode, uid } = statSync(join(folder, path))
    return [{ path, mode, uid }]
  } catch {
    return []
  }
}

function parseFile<T>(path: string, schema: z.ZodType<T>): T | undefined {
  const text = read(path)
  const parsed = text === undefined ? undefined : schema.safeParse(JSON.parse(text))
  return parsed?.data
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
