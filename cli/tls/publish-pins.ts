import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { KeyObject } from 'node:crypto'
import { emit, pinSetProblem, type NewPinSet, type Pin, type PinSet } from '@ngome/contracts'
import { chainOf, handshake, processFolder, publicRoots, readPinSet, spkiPin, tlsName, watchedEndpoints, type Config } from '@ngome/runtime'
import { findPinSet, insertPinSet, type Database } from '@ngome/store'
import { Misuse } from '../command.ts'
import type { OperatorAccess } from '../operator/create-merchant.ts'

export const dayMs = 86_400_000
/** A pin outlives the set that it stands in, so that the calendar never ends before the set. */
const pinDays = 730

/** A pin that counts from now, or from the day that the calendar says. */
export function newPin(role: Pin['role'], spki: string, fromMs: number): Pin {
  return { spki_sha256: spki, role, not_before: new Date(fromMs).toISOString(), not_after: new Date(fromMs + pinDays * dayMs).toISOString() }
}

/** The newest set that the custodian signed; one that it did not sign is as if it were not there. */
export async function publishedSet(db: Database, statementKey: KeyObject): Promise<{ readonly version: number; readonly set: PinSet | undefined }> {
  const row = await findPinSet(db)
  return { version: row?.version ?? 0, set: row === undefined ? undefined : readPinSet(row.statement, statementKey) }
}

/** Has a set signed, and publishes it. @throws Misuse where it would lock apps out */
export async function publishPins({ db, custodian, clock, random }: OperatorAccess, config: Config, set: NewPinSet): Promise<void> {
  const problem = pinSetProblem(set, clock.nowMs())
  if (problem !== undefined) throw new Misuse(`this set would lock apps out: ${problem}. ngome tls pins add takes --current, --next and --backup-key FILE`)
  const folder = requestsFolder(config)
  const backupRequests = readdirSync(folder).filter((name) => name.endsWith('.csr')).map((name) => readFileSync(join(folder, name), 'utf8'))
  const { statement } = await custodian.call('/v1/pin-set', { set, backupRequests })
  const event = emit({ clock, random, process: 'operator' }, 'tls.pins_published', null, { version: set.version })
  await insertPinSet(db, { version: set.version, statement, publishedAtMs: clock.nowMs() }, event)
}

/** Keeps the request by a backup's key: it is shown again for each later set, while the key itself lies offline. */
export function keepBackupRequest(config: Config, spki: string, request: string): void {
  writeFileSync(join(requestsFolder(config), `${Buffer.from(spki, 'base64').toString('hex')}.csr`), request, { mode: 0o600 })
}

function requestsFolder(config: Config): string {
  const folder = join(processFolder(config, 'operator'), 'backup-pins')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return folder
}

/**
 * The key that apps should hold us to: of the authority where the platform issues, since its leaves change with each
 * process; of the leaf where the operator chose its key; of the root where certificates are ordered of an authority of his own.
 */
export async function servedPin({ gateway: { tls } }: Config, authority: string): Promise<string> {
  if (tls.acme !== undefined && tls.rootsPath === undefined) {
    throw new Misuse('each certificate by ACME has another key, and pinning a public authority pins all its customers; name a key with --current')
  }
  const [endpoint] = watchedEndpoints(tls)
  if (endpoint === undefined) throw new Misuse('no public address is configured; name the key with --current')
  const { address, name } = endpoint
  const result = await handshake(endpoint, { ca: [...publicRoots(tls, authority)], servername: '', ...tlsName(name), minVersion: 'TLSv1.3' })
  if (result.kind === 'refused') throw new Misuse(`${address} refuses a handshake (${result.code}); name the key with --current`)
  const chain = chainOf(result.socket)
  result.socket.destroy()
  const pinned = tls.certificatePath === undefined ? chain.at(-1) : chain[0]
  if (pinned === undefined) throw new Misuse(`${address} shows no certificate; name the key with --current`)
  return spkiPin(pinned.publicKey)
}
