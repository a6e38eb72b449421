import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { Fault } from '@ngome/kernel'
import type { RunAs } from '@ngome/store'
import { findProgram } from './find-program.ts'
import { complaint, runProgram } from './run-program.ts'

/** PostgreSQL refuses to run as root, and to run as a user without a name. */
const name = 'ngome-postgres'

/**
 * The system user that the embedded PostgreSQL runs as where the launcher is root; made where it is missing.
 * @throws Fault `launcher/failed` where it cannot be made
 */
export async function postgresUser(): Promise<RunAs> {
  const known = findUser()
  if (known !== undefined) return known
  const useradd = findProgram('useradd')
  if (useradd === undefined) throw new Fault('launcher/failed', `useradd is not installed: make a system user ${name} by hand`)
  const added = await runProgram([
    useradd, '--system', '--user-group', '--no-create-home', '--home-dir', '/nonexistent', '--shell', '/usr/sbin/nologin', name,
  ])
  const made = findUser()
  if (made === undefined) throw new Fault('launcher/failed', `the system user ${name} could not be made: ${complaint(added)}`)
  return made
}

/**
 * PostgreSQL must reach its folder below the data folder, as its own user.
 * @throws Fault `launcher/failed` where a folder above is closed to it
 */
export function assertReachable(dataDir: string, { uid, gid, user }: RunAs): void {
  const test = findProgram('test')
  if (test === undefined || spawnSync(test, ['-x', dataDir], { uid, gid, cwd: '/', stdio: 'ignore' }).status === 0) return
  throw new Fault('launcher/failed', `${user}, who runs PostgreSQL, cannot enter ${dataDir}: set NGOME_DATA to a folder below open ones`)
}

function findUser(): RunAs | undefined {
  const row = readFileSync('/etc/passwd', 'utf8').split('\n').map((line) => line.split(':')).find(([user]) => user === name)
  return row === undefined ? undefined : { user: name, uid: Number(row[2]), gid: Number(row[3]) }
}
