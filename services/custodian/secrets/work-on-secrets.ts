import { rotatableSecretNames } from '@ngome/contracts'
import type { Custodian } from '../custodian.ts'
import { findLife, moveKey } from '../key-life/key-life.ts'
import { endRotation, rotationOf, setDone } from '../key-life/rotations.ts'
import { appendLog } from '../log/append-log.ts'
import type { Reading, Transaction } from '../store/store.ts'
import { beginSecretRotation } from './begin-secret-rotation.ts'
import { activeVersion, findSecretVersions, secretLabel, type SecretVersion } from './named-secrets.ts'
import { secretPolicy, type SecretPolicy } from './secret-policies.ts'

/** Replaces named secrets that are too old, and destroys versions that nothing hangs on any more, or whose time is over. */
export async function workOnSecrets(custodian: Custodian): Promise<void> {
  const { clock, settings, store } = custodian
  for (const name of rotatableSecretNames) {
    const policy = secretPolicy(name, settings.keyPolicy)
    const versions = await findSecretVersions(store, name)
    const { life } = activeVersion(versions, name)
    if (clock.nowMs() - (life.activeAtMs ?? life.createdAtMs) >= policy.ageMsMax) {
      await beginSecretRotation(custodian, name, { caller: 'custodian', cause: 'policy', endAtMs: null })
    }
    for (const version of versions) if (version.life.state !== 'active') await workOnVersion(custodian, version, policy)
  }
}

async function workOnVersion(custodian: Custodian, version: SecretVersion, policy: SecretPolicy): Promise<void> {
  const { store: { commits } } = custodian
  const look = await lookAt(custodian.store, custodian, version, policy)
  if (!look.isOver && look.done === look.counted) return
  await commits.run(async (transaction) => {
    // Looked at again: a key may have come to hang on it meanwhile.
    const { isAlive, rotation, done, isOver, uses } = await lookAt(transaction, custodian, version, policy)
    if (!isAlive) return
    if (rotation !== undefined) await setDone(transaction, rotation, done)
    if (isOver) await destroyVersion(custodian, transaction, version, { uses, rotation })
  })
}

async function lookAt(reading: Reading, { clock }: Custodian, { name, version, life }: SecretVersion, { countUses }: SecretPolicy) {
  const row = await reading.get(
    `SELECT * FROM rotations WHERE level = 'secret' AND state = 'running' AND subject = ?`,
    `${secretLabel(name, version).name} ${secretLabel(name, version + 1).name}`,
  )
  const rotation = row === undefined ? undefined : rotationOf(row)
  const present = await findLife(reading, life)
  const uses = await countUses?.(reading, version)
  return {
    isAlive: present?.state !== 'destroyed',
    rotation: rotation?.id, uses: uses ?? 0, counted: rotation?.done ?? 0,
    done: Math.max(0, (rotation?.total ?? 0) - (uses ?? 0)),
    isOver: uses === 0 || (life.dueAtMs !== null && life.dueAtMs <= clock.nowMs()),
  }
}

async function destroyVersion(
  { clock }: Custodian, transaction: Transaction, { name, version }: SecretVersion,
  { uses, rotation }: Pick<Awaited<ReturnType<typeof lookAt>>, 'uses' | 'rotation'>,
): Promise<void> {
  const nowMs = clock.nowMs()
  const label = secretLabel(name, version)
  await moveKey(transaction, label, { to: 'destroyed', nowMs })
  await transaction.run('DELETE FROM wrapped_keys WHERE purpose = ? AND name = ?', label.purpose, label.name)
  if (rotation !== undefined) await endRotation(transaction, rotation, nowMs)
  await appendLog(transaction, clock, {
    caller: 'custodian', operation: 'end-secret', outcome: 'allowed', reason: '', subject: `${label.name} uses=${uses}`,
  })
}
