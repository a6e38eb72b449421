import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Secret } from '@ngome/kernel'
import { databaseRoles, type DatabaseRole } from '@ngome/store'

type Place = { readonly folder: string; readonly port: number }
type Passwords = Readonly<Record<DatabaseRole, Secret<string>>>
type Stopped = Place & { readonly passwords: Passwords }

/** A folder that the test files of one run share, and that is gone after it: what one has made stays true for the others. */
const runFolder = process.env['TEST_RUN_FOLDER']
const kept = runFolder === undefined ? undefined : join(runFolder, 'postgres')
const passwordsFile = 'role-passwords.json'

/** Whether this process is part of a run that keeps a server for its other files. */
export function isKept(): boolean {
  return kept !== undefined
}

/** Keeps a stopped server, migrated and with its roles, for the run's other files. One that another file has kept stays. */
export async function keepMade({ folder, passwords }: Stopped): Promise<void> {
  if (kept === undefined || existsSync(kept)) return
  const partial = `${kept}.${process.pid}`
  await copyTree(folder, partial)
  const texts = Object.fromEntries(databaseRoles.map((role) => [role, passwords[role].expose((text) => text)]))
  await writeFile(join(partial, passwordsFile), JSON.stringify(texts), { mode: 0o600 })
  // A folder takes no other's place: where two were made at once, the first stays.
  await rename(partial, kept).catch(() => rm(partial, { recursive: true }))
}

/** @returns a copy of the server that another file has kept, not started yet; `undefined` where none has */
export async function copyOfMade(newPlace: () => Promise<Place>): Promise<Stopped | undefined> {
  if (kept === undefined || !existsSync(kept)) return undefined
  const place = await newPlace()
  await copyTree(`${kept}/.`, place.folder)
  const texts = JSON.parse(await readFile(join(place.folder, passwordsFile), 'utf8')) as Record<DatabaseRole, string>
  const passwords = Object.fromEntries(databaseRoles.map((role) => [role, new Secret(texts[role])])) as Passwords
  return { ...place, passwords }
}

/** With owners and modes: PostgreSQL refuses a folder that is not its user's alone. */
async function copyTree(from: string, to: string): Promise<void> {
  await promisify(execFile)('cp', ['-a', from, to])
}
