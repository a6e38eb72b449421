import type { Custodian } from '../custodian.ts'
import { findLife, moveKey } from '../key-life/key-life.ts'
import { endRotation, rotationOf, type Rotation } from '../key-life/rotations.ts'
import { appendLog } from '../log/append-log.ts'
import type { Reading, Transaction } from '../store/store.ts'
import { authorityLabel, authorityTag } from './authorities.ts'
import { beginAuthorityRotation } from './rotate-authority.ts'
import { countWaiting, type Waited } from './waiting-certificates.ts'

/**
 * A step takes at least this long: the launcher copies what is trusted to where processes start from, which is a matter
 * of seconds.
 */
export const stepMsMin = 60_000
/** Where others have the key, whoever has not followed by then enrols anew: every process asks several times in it. */
export const compromisedStepMs = 300_000

/**
 * Takes up what a twin has changed, begins a replacement of the authority where it is too old, and goes on with the one
 * that runs: first everybody trusts both, then everybody has a certificate of the next, then the one before is trusted no
 * more. Each step is one transaction; killed anywhere, the next look goes on.
 */
export async function workOnAuthority(custodian: Custodian): Promise<void> {
  const { authority, clock, settings, store } = custodian
  await authority.refresh()
  const row = await store.get(`SELECT * FROM rotations WHERE state = 'running' AND level = 'authority'`)
  if (row !== undefined) {
    await goOn(custodian, rotationOf(row))
    return
  }
  const life = await findLife(store, authorityLabel(authority.version))
  if (clock.nowMs() - (life?.activeAtMs ?? clock.nowMs()) < settings.keyPolicy.authorityAgeMsMax) return
  await beginAuthorityRotation(custodian, { caller: 'custodian', cause: 'policy' })
}

async function goOn(custodian: Custodian, rotation: Rotation): Promise<void> {
  const { authority, store: { commits } } = custodian
  const look = await lookAt(custodian.store, custodian, rotation)
  if (!look.isOver && look.total === rotation.total && look.done === rotation.done) return
  await commits.run(async (transaction) => {
    const row = await transaction.get(`SELECT * FROM rotations WHERE id = ? AND state = 'running'`, rotation.id)
    if (row === undefined) return
    const present = await lookAt(transaction, custodian, rotationOf(row))
    await transaction.run('UPDATE rotations SET total = ?, done = ? WHERE id = ?', present.total, present.done, rotation.id)
    if (!present.isOver) return
    if (present.step === 'trusts') await letNextIssue(custodian, transaction, rotation)
    else await dropFormer(custodian, transaction, rotation)
  })
  await authority.refresh()
}

/** Where a rotation stands: its step, how many certificates it waits for, and whether it waits no longer. */
async function lookAt(reading: Reading, { clock }: Custodian, rotation: Rotation) {
  const nowMs = clock.nowMs()
  const [, next] = versionsOf(rotation)
  const activeAtMs = (await findLife(reading, authorityLabel(next)))?.activeAtMs ?? null
  const step: Waited = activeAtMs === null ? 'trusts' : 'authority'
  const sinceMs = activeAtMs ?? rotation.startedAtMs
  const waiting = await countWaiting(reading, nowMs, step, next)
  const isLate = rotation.cause === 'compromise' && nowMs - sinceMs >= compromisedStepMs
  // What was most says how many there are: each step counts anew, and the second begins where the first ended.
  const total = Math.max(rotation.total, waiting)
  return { step, total, done: total - waiting, isOver: nowMs - sinceMs >= stepMsMin && (waiting === 0 || isLate) }
}

/** From this commit on the next one issues. The key of the one before has no more use: it is destroyed here. */
async function letNextIssue({ clock, rowTagKey }: Custodian, transaction: Transaction, rotation: Rotation): Promise<void> {
  const nowMs = clock.nowMs()
  const [former, next] = versionsOf(rotation)
  const label = authorityLabel(former)
  const row = await transaction.get('SELECT certificate FROM authorities WHERE version = ?', former)
  const tag = authorityTag(rowTagKey, former, String(row?.['certificate']))
  await transaction.run('UPDATE authorities SET tag = ? WHERE version = ?', tag, former)
  await moveKey(transaction, authorityLabel(next), { to: 'active', nowMs })
  await moveKey(transaction, label, { to: rotation.cause === 'compromise' ? 'compromised' : 'decrypt-only', nowMs })
  await transaction.run('DELETE FROM wrapped_keys WHERE purpose = ? AND name = ?', label.purpose, label.name)
  await transaction.run('UPDATE rotations SET total = 0, done = 0 WHERE id = ?', rotation.id)
  await appendLog(transaction, clock, {
    caller: 'custodian', operation: 'rotate-authority', outcome: 'allowed', reason: '',
    subject: `${rotation.id} ${authorityLabel(next).name} issues, the key of ${label.name} is destroyed`,
  })
}

/** From this commit on nothing of the one before is believed. */
async function dropFormer({ clock }: Custodian, transaction: Transaction, rotation: Rotation): Promise<void> {
  const nowMs = clock.nowMs()
  const label = authorityLabel(versionsOf(rotation)[0])
  await moveKey(transaction, label, { to: 'destroyed', nowMs })
  await endRotation(transaction, rotation.id, nowMs)
  await appendLog(transaction, clock, {
    caller: 'custodian', operation: 'rotate-authority', outcome: 'allowed', reason: '', subject: `${rotation.id} done: ${label.name} is trusted no more`,
  })
}

function versionsOf({ subject }: Rotation): readonly [number, number] {
  const [former, next] = subject.split(' ').map((name) => Number(name.slice(1)))
  if (former === undefined || next === undefined) throw new TypeError('a rotation of no authorities')
  return [former, next]
}
