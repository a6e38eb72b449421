import { Fault, newId, type RotationId } from '@ngome/kernel'
import { Refusal } from '../calls/refusal.ts'
import type { Custodian } from '../custodian.ts'
import { appendLog } from '../log/append-log.ts'
import type { KeyLabel, KeyPurpose, RootKey } from '../root-keys/root-key.ts'
import type { Transaction } from '../store/store.ts'
import { findActiveRoot } from '../store/wrapped-keys.ts'
import { beginLife, moveKey } from './key-life.ts'
import { proveBackup } from './prove-backup.ts'
import { findFormerRoots } from './former-roots.ts'
import { countDone, endRotation, findRunningRootRotation, insertRotation, type RotationCause } from './rotations.ts'

/** A twin looks each second; by then it has taken up the successor, and has no call under way with the root before. */
const twinFollowsMs = 5_000
/** Keys that one transaction wraps anew: others wait for it no longer than for an opening of many records. */
const keysPerBatch = 32

type Beginning = {
  readonly caller: string
  readonly cause: RotationCause
  /** A root that the configuration names; otherwise one is made. */
  readonly successor?: RootKey | undefined
  /** What else has to be in the same transaction. */
  readonly along?: (transaction: Transaction, rotation: RotationId) => Promise<void>
}

/**
 * Begins a rotation of the root: from its commit on everything new is wrapped under the successor. What was wrapped
 * before is the work of {@link continueRootRotation}. No record is touched, and openings go on.
 * @returns its id
 * @throws Refusal `rotation_running` where one is under way, `root_has_no_successor`
 */
export async function beginRootRotation(
  custodian: Custodian, { caller, cause, successor, along }: Beginning,
): Promise<RotationId> {
  const { clock, random, store, root, succession } = custodian
  if (await findRunningRootRotation(store) !== undefined) throw new Refusal('rotation_running', 'root')
  const next = successor ?? await succession.makeNext()
  const id = newId('rotation', { clock, random })
  const nowMs = clock.nowMs()
  try {
    await store.commits.run(async (transaction) => {
      if (await findRunningRootRotation(transaction) !== undefined) throw new Refusal('rotation_running', 'root')
      const from = root.describe().id
      const to = next.describe().id
      await moveKey(transaction, { purpose: 'root', name: from }, { to: 'decrypt-only', nowMs })
      await beginLife(transaction, { purpose: 'root', name: to }, nowMs)
      await insertRotation(transaction, { id, level: 'root', subject: `${from} ${to}`, cause, total: 0, startedAtMs: nowMs })
      await along?.(transaction, id)
      await transaction.run('UPDATE rotations SET total = (SELECT count(*) FROM wrapped_keys) WHERE id = ?', id)
      await appendLog(transaction, clock, {
        caller, operation: 'rotate-root', outcome: 'allowed', reason: '', subject: `${id} ${cause} from ${from} to ${to}`,
      })
    })
  } catch (failure) {
    await next.close()
    // Where that is not possible now, the next beginning or start does it; it looks whether the store knows the root.
    await succession.discardUnused().catch(() => undefined)
    throw failure
  }
  root.succeed(next)
  return id
}

/**
 * Goes on with the rotation of the root that is under way, if there is one, to its end. It may be killed anywhere: what
 * was wrapped anew stays so, and the old root goes only when a fresh backup was proven to need it no more.
 *
 * Both of a pair may do this at once: wrapping anew replaces only what it read, and destroying twice is destroying once.
 * @returns whether one came to its end
 * @throws Fault `custodian/key_unusable` where a key does not unwrap: then the old root stays
 */
export async function continueRootRotation(custodian: Custodian): Promise<boolean> {
  const rotation = await findRunningRootRotation(custodian.store)
  if (rotation === undefined) return false
  while (await rewrapBatch(custodian, rotation.id) > 0);
  if (custodian.hasTwin && custodian.clock.nowMs() - rotation.startedAtMs < twinFollowsMs) return false
  const keys = await proveBackup(custodian)
  await custodian.root.forget()
  await custodian.succession.destroyPrevious(await findFormerRoots(custodian.store))
  custodian.dataKeys.clear()
  await custodian.store.commits.run((transaction) => finish(custodian, transaction, rotation.id, keys))
  return true
}

/** @returns how many keys still named another root when it looked */
async function rewrapBatch({ store, root }: Custodian, rotation: RotationId): Promise<number> {
  const { id } = root.describe()
  const rows = await store.all(
    'SELECT purpose, name, wrapped FROM wrapped_keys WHERE root <> ? ORDER BY purpose, name LIMIT ?', id, keysPerBatch,
  )
  const rewrapped: { readonly label: KeyLabel; readonly before: Uint8Array; readonly after: Uint8Array }[] = []
  for (const row of rows) {
    const label: KeyLabel = { purpose: row['purpose'] as KeyPurpose, name: String(row['name']) }
    const before = row['wrapped'] as Uint8Array
    const key = await root.unwrap(label, before)
    try {
      rewrapped.push({ label, before, after: await root.wrap(label, key) })
    } finally {
      key.expose((bytes) => bytes.fill(0))
    }
  }
  if (rows.length === 0) return 0
  await store.commits.run(async (transaction) => {
    let changes = 0
    for (const { label, before, after } of rewrapped) {
      // Where the key was deleted meanwhile, it stays deleted.
      const sql = 'UPDATE wrapped_keys SET wrapped = ?, root = ? WHERE purpose = ? AND name = ? AND wrapped = ?'
      changes += await transaction.run(sql, after, id, label.purpose, label.name, before)
    }
    await countDone(transaction, rotation, changes)
  })
  return rows.length
}

async function finish({ clock }: Custodian, transaction: Transaction, rotation: RotationId, keys: number): Promise<void> {
  const nowMs = clock.nowMs()
  // The twin may have come first.
  if ((await findRunningRootRotation(transaction))?.id !== rotation) return
  const active = await findActiveRoot(transaction)
  const left = await transaction.get('SELECT 1 FROM wrapped_keys WHERE root <> ?', active ?? '')
  if (left !== undefined) throw new Fault('custodian/key_unusable', 'a key of the root before appeared after its end')
  for (const name of await findFormerRoots(transaction)) {
    await moveKey(transaction, { purpose: 'root', name }, { to: 'destroyed', nowMs })
  }
  await endRotation(transaction, rotation, nowMs)
  await appendLog(transaction, clock, {
    caller: 'custodian', operation: 'rotate-root', outcome: 'allowed', reason: '',
    subject: `${rotation} done: a fresh backup with ${keys} keys opened, the root before is destroyed`,
  })
}
