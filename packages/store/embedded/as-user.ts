import { spawnSync } from 'node:child_process'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { Fault } from '@ngome/kernel'
import type { RunAs } from './run-as.ts'

/** What a program is started with to run as PostgreSQL's user. */
export function identity(runAs: RunAs | undefined): { uid?: number; gid?: number } {
  return runAs === undefined ? {} : { uid: runAs.uid, gid: runAs.gid }
}

/** Only what the programs need: an environment may hold secrets that are not PostgreSQL's. */
export function childEnvironment(runAs: RunAs | undefined): NodeJS.ProcessEnv {
  const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
  return { PATH: path, LC_ALL: 'C', USER: runAs?.user ?? 'postgres' }
}

// In that user's folder each name may have become a link since we looked, and each file may say what that user likes. What
// these follow and do, they follow and do with that user's rights, never with root's.

/** @throws Fault `launcher/failed` */
export async function removeTreeAs(runAs: RunAs | undefined, path: string): Promise<void> {
  if (runAs === undefined) await rm(path, { recursive: true, force: true })
  else run(runAs, ['rm', '-rf', '--', path])
}

/** @throws Fault `launcher/failed` */
export async function writeFileAs(runAs: RunAs | undefined, path: string, text: string): Promise<void> {
  if (runAs === undefined) await writeFile(path, text)
  else run(runAs, ['tee', '--', path], text)
}

/**
 * @returns the first bytes of a file, or `undefined` where that user cannot read it, or where it gives nothing in time, as
 * a pipe does
 */
export async function readStartAs(runAs: RunAs | undefined, path: string, bytesMax: number): Promise<string | undefined> {
  if (runAs === undefined) return readFile(path, 'utf8').then((text) => text.slice(0, bytesMax), () => undefined)
  const ended = start(runAs, ['head', '-c', String(bytesMax), '--', path], '', readMsMax)
  return ended.status === 0 ? ended.stdout : undefined
}

/** @throws Fault `launcher/failed`, also where that user may not signal the process */
export function interruptAs(runAs: RunAs | undefined, pid: number): void {
  if (runAs !== undefined) return run(runAs, ['sh', '-c', 'kill -INT "$1"', 'kill', String(pid)])
  try {
    process.kill(pid, 'SIGINT')
  } catch (error) {
    throw new Fault('launcher/failed', `process ${pid} could not be signalled`, { cause: error })
  }
}

/** A data folder has some thousand files to remove. */
const programMsMax = 60_000
const readMsMax = 2_000

function start(runAs: RunAs, [program = '', ...args]: readonly string[], input = '', timeout = programMsMax) {
  return spawnSync(program, args, {
    ...identity(runAs), cwd: '/', env: childEnvironment(runAs), encoding: 'utf8', input, timeout, killSignal: 'SIGKILL',
  })
}

function run(runAs: RunAs, command: readonly string[], input?: string): void {
  const ended = start(runAs, command, input)
  if (ended.status === 0) return
  throw new Fault('launcher/failed', `${command[0]} as ${runAs.user} failed: ${ended.stderr || String(ended.error)}`)
}
