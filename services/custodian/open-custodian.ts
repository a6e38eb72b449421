import { join } from 'node:path'
import { custodianSecretNames } from '@ngome/contracts'
import { Fault, Secret, type Clock, type Random } from '@ngome/kernel'
import type { RootKeySetting } from '@ngome/runtime'
import { Authorities, authorityLabel } from './authority/authorities.ts'
import { makeAuthority } from './authority/authority.ts'
import { CertificateLookUps } from './authority/certificate-look-ups.ts'
import { RefusalMeter } from './calls/refusal-meter.ts'
import type { Alarm, Custodian, Settings } from './custodian.ts'
import { appendLog } from './log/append-log.ts'
import { checkLog } from './log/check-log.ts'
import { beginLife, findLife } from './key-life/key-life.ts'
import { beginRootRotation } from './key-life/rotate-root.ts'
import { assertFollows } from './log/keep-checkpoint.ts'
import { loadStatementKey, makeStatementKey } from './merchants/statement-key.ts'
import { DataKeyCache } from './openings/data-key-cache.ts'
import { PresentedDataKeys } from './openings/presented-data-key.ts'
import { OpeningRecorder } from './openings/record-openings.ts'
import type { openTokenRoots } from './root-keys/pkcs11/token-roots.ts'
import type { KeyLabel, RootKey } from './root-keys/root-key.ts'
import { openRoots, type OpenedRoots } from './root-keys/open-roots.ts'
import type { Waiting } from './root-keys/shares/open-shares-root.ts'
import { firstSecretVersion, NamedSecrets, secretBytes, secretLabel } from './secrets/named-secrets.ts'
import { readPrivateFile, removeUnfinishedFiles, replacePublicFile } from './store/private-file.ts'
import { openPostgresStore, type CustodianDatabase } from './store/postgres/open-postgres-store.ts'
import { openSqliteStore } from './store/sqlite/open-sqlite-store.ts'
import type { Store } from './store/store.ts'
import { findActiveRoot, hasWrappedKeys, insertWrappedKey, unwrapKey } from './store/wrapped-keys.ts'

const firstAuthority = 1
const statementLabel: KeyLabel = { purpose: 'statement', name: 'v1' }
const rowTagLabel: KeyLabel = { purpose: 'row-tag', name: 'v1' }
const enrolmentKeyBytes = 32
const rowTagKeyBytes = 32
/** Rows of the log that a start checks, in about a second. The whole of it is checked behind the start (log/watch-log.ts). */
const checkedRowsMax = 30_000

type From = { readonly clock: Clock; readonly random: Random; readonly root: RootKey; readonly store: Store }

/**
 * Opens the custodian's folder, and on first run fills it: root key, authority, statement key and secrets. The root key
 * comes first and the rest in one transaction, so that a start that was killed is simply made again.
 * @throws Fault `custodian/start_refused`, or `custodian/unavailable` where the root key is away and may come back
 */
export async function openCustodian({
  folder, database, enrolmentKeyPath, rootKey, previousRootKey, settings, clock, random, openToken, alarm, waiting,
}: {
  readonly folder: string
  /** The store of a pair; without it the store is a file in the folder. */
  readonly database?: CustodianDatabase | undefined
  readonly enrolmentKeyPath: string
  readonly rootKey: RootKeySetting
  /** What held the root key before the configuration changed: the new one succeeds it, online. */
  readonly previousRootKey?: RootKeySetting | undefined
  readonly settings: Settings
  readonly clock: Clock
  readonly random: Random
  readonly alarm: (alarm: Alarm) => void
  readonly openToken?: typeof openTokenRoots
  /** Hears how the wait for a root key of shares goes. */
  readonly waiting?: Waiting | undefined
}): Promise<Custodian> {
  const enrolmentKey = readPrivateFile(enrolmentKeyPath)
  if (enrolmentKey.length !== enrolmentKeyBytes) {
    throw new Fault('custodian/start_refused', `${enrolmentKeyPath} is not an enrolment key`)
  }
  const store = database === undefined ? openSqliteStore(folder, random) : await openPostgresStore(database, random)
  let roots: OpenedRoots | undefined
  try {
    removeUnfinishedFiles(folder)
    const isFirstRun = !await hasWrappedKeys(store)
    const activeRoot = await findActiveRoot(store)
    roots = await openRoots({
      setting: rootKey, previous: previousRootKey, folder, isFirstRun, isPair: database !== undefined, random, clock, activeRoot,
      // As a work: a beginning whose commit is still under way, from a connection that broke, has ended by then.
      isKnownRoot: (id) => store.commits.run(async (transaction) => await findLife(transaction, { purpose: 'root', name: id }) !== undefined),
      needsFormer: async () => await store.get('SELECT 1 FROM wrapped_keys WHERE root <> ? LIMIT 1', activeRoot ?? '') !== undefined,
      openToken, waiting,
    })
    const { ring: root, succession, successor } = roots
    if (isFirstRun) await firstRun({ clock, random, root, store })
    else await recordRoot({ clock, root, store }, activeRoot)
    await assertLog(store)
    const keys = await loadKeys({ clock, random, root, store })
    await assertCheckpoint(store, keys)
    const publish = (): void => replacePublicFile(join(folder, 'ca.pem'), keys.authority.pem, random)
    publish()
    keys.authority.onChange(publish)
    const custodian = {
      clock, random, root, succession, folder, store, hasTwin: database !== undefined, settings, alarm, ...keys,
      enrolmentKey: new Secret(enrolmentKey), dataKeys: new DataKeyCache(clock),
      certificates: new CertificateLookUps(store), presented: new PresentedDataKeys(),
      recorder: new OpeningRecorder(store, clock), refusals: new RefusalMeter(),
    }
    if (successor !== undefined) await beginRootRotation(custodian, { caller: 'custodian', cause: 'demand', successor })
    return custodian
  } catch (failure) {
    await store.close()
    await roots?.ring.close()
    throw failure
  }
}

/** The root of a store that is older than its record of roots; any other must be the one that the store names. */
async function recordRoot(
  { clock, root, store }: Pick<From, 'clock' | 'root' | 'store'>, activeRoot: string | undefined,
): Promise<void> {
  const { id } = root.describe()
  if (activeRoot === undefined) {
    await store.commits.run(async (transaction) => {
      // The twin may have come first.
      if (await findActiveRoot(transaction) === undefined) await beginLife(transaction, { purpose: 'root', name: id }, clock.nowMs())
    })
  } else if (activeRoot !== id) {
    throw new Fault('custodian/start_refused', 'this root key is not the one that wrapped this store')
  }
}

/** A log that was changed is no record; and without a record there is no opening. */
async function assertLog(store: Store): Promise<void> {
  const check = await checkLog(store, { last: checkedRowsMax })
  if (check.ok) return
  throw new Fault('custodian/start_refused', `the log does not hold at row ${check.brokenAt}: somebody changed it`)
}

/** Rows that were cut off behind a checkpoint, too, were somebody's. */
async function assertCheckpoint(store: Store, { statementKey }: Pick<Custodian, 'statementKey'>): Promise<void> {
  try {
    await assertFollows(store, statementKey)
  } catch (cause) {
    throw new Fault('custodian/start_refused', 'the log does not go on from the last checkpoint: somebody changed it', { cause })
  }
}

async function firstRun({ clock, random, root, store: { commits } }: From): Promise<void> {
  const authority = await makeAuthority({ clock, random })
  const keys: readonly (readonly [KeyLabel, Secret<Uint8Array>])[] = [
    [authorityLabel(firstAuthority), authority.privateKey],
    [statementLabel, makeStatementKey()],
    [rowTagLabel, new Secret(random.bytes(rowTagKeyBytes))],
    ...custodianSecretNames.map((name) => [secretLabel(name, firstSecretVersion), new Secret(random.bytes(secretBytes))] as const),
  ]
  const wrapped = await Promise.all(keys.map(async ([label, key]) => [label, await root.wrap(label, key)] as const))
  await commits.run(async (transaction) => {
    // The twin may have come first while ours were made; its keys are the ones.
    if (await hasWrappedKeys(transaction)) return
    await beginLife(transaction, { purpose: 'root', name: root.describe().id }, clock.nowMs())
    await transaction.run('INSERT INTO authorities (version, certificate) VALUES (?, ?)', firstAuthority, authority.certificate)
    for (const [label, bytes] of wrapped) await insertWrappedKey(transaction, clock, label, bytes)
    await appendLog(transaction, clock, {
      caller: 'custodian', operation: 'first-run', outcome: 'allowed', reason: '', subject: root.describe().name,
    })
  })
}

async function loadKeys(
  { root, store }: From,
): Promise<Pick<Custodian, 'authority' | 'statementKey' | 'rowTagKey' | 'secrets'>> {
  // What becomes a key object of its own leaves no bytes behind.
  const unwrapped = async <T>(label: KeyLabel, use: (key: Secret<Uint8Array>) => T | Promise<T>): Promise<T> => {
    const key = await unwrapKey({ store, root }, label)
    try {
      return await use(key)
    } finally {
      key.expose((bytes) => bytes.fill(0))
    }
  }
  try {
    const secrets = new NamedSecrets({ store, root })
    for (const name of custodianSecretNames) await secrets.newest(name)
    const rowTagKey = await unwrapKey({ store, root }, rowTagLabel)
    return {
      authority: await Authorities.load({ store, root, rowTagKey }),
      statementKey: await unwrapped(statementLabel, loadStatementKey),
      rowTagKey,
      secrets,
    }
  } catch (cause) {
    if (!(cause instanceof Fault) || cause.code !== 'custodian/key_unusable') throw cause
    throw new Fault('custodian/start_refused', 'this root key is not the one that wrapped this store', { cause })
  }
}
