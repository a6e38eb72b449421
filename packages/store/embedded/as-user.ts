import { spawnSync } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
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

// In that user's folder each name may have become a link since we looked. What these two follow, they follow with that
// user's rights, never with root's.

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

function run(runAs: RunAs, [program = '', ...args]: readonly string[], input = ''): void {
  const ended = spawnSync(program, args, {
    ...identity(runAs), cwd: '/', env: childEnvironment(runAs), encoding: 'utf8', input,
  })
  if (ended.status === 0) return
  throw new Fault('launcher/failed', `${program} as ${runAs.user} failed: ${ended.stderr || String(ended.error)}`)
}
