import type { RotatableSecretName } from '@ngome/contracts'
import { newId, Secret, type RotationId } from '@ngome/kernel'
import { Refusal } from '../calls/refusal.ts'
import type { Custodian } from '../custodian.ts'
import { followRoot } from '../key-life/follow-root.ts'
import { moveKey } from '../key-life/key-life.ts'
import { insertRotation, type RotationCause } from '../key-life/rotations.ts'
import { appendLog } from '../log/append-log.ts'
import { insertWrappedKey } from '../store/wrapped-keys.ts'
import { activeVersion, findSecretVersions, secretBytes, secretLabel } from './named-secrets.ts'
import { secretPolicy } from './secret-policies.ts'

/**
 * Makes the next version of a named secret and has everything new done with it from this commit on. The version before
 * stays for what hangs on it: until nothing does, or its time is over.
 * @param endAtMs a nearer end, for the version before and all that are older; `null` for the policy's
 * @throws Refusal `rotation_running` where another call made the next version first
 */
export async function beginSecretRotation(
  custodian: Custodian, name: RotatableSecretName,
  { caller, cause, endAtMs }: {
    readonly caller: string; readonly cause: Extract<RotationCause, 'demand' | 'policy' | 'compromise'>; readonly endAtMs: number | null
  },
): Promise<RotationId> {
  const { clock, random, root, settings, store } = custodian
  await followRoot(custodian)
  const { keptMs, countUses } = secretPolicy(name, settings.keyPolicy)
  const before = activeVersion(await findSecretVersions(store, name), name)
  const [oldLabel, label] = [secretLabel(name, before.version), secretLabel(name, before.version + 1)]
  const value = random.bytes(secretBytes)
  const wrapped = await root.wrap(label, new Secret(value))
  value.fill(0)
  const id = newId('rotation', { clock, random })
  const nowMs = clock.nowMs()
  const dueAtMs = Math.min(nowMs + keptMs, endAtMs ?? Infinity)
  await store.commits.run(async (transaction) => {
    const versions = await findSecretVersions(transaction, name)
    if (activeVersion(versions, name).version !== before.version) throw new Refusal('rotation_running', name)
    await moveKey(transaction, oldLabel, { to: cause === 'compromise' ? 'compromised' : 'decrypt-only', nowMs, dueAtMs })
    for (const { life } of versions) {
      const sql = 'UPDATE key_lives SET due_at_ms = ? WHERE purpose = ? AND name = ? AND due_at_ms > ?'
      await transaction.run(sql, dueAtMs, life.purpose, life.name, dueAtMs)
    }
    await insertWrappedKey(transaction, { nowMs: () => nowMs }, label, wrapped)
    const total = await countUses?.(transaction, before.version) ?? 0
    await insertRotation(transaction, { id, level: 'secret', subject: `${oldLabel.name} ${label.name}`, cause, total, startedAtMs: nowMs })
    await appendLog(transaction, clock, {
      caller, operation: 'rotate-secret', outcome: 'allowed', reason: '',
      subject: `${id} ${cause} from ${oldLabel.name} to ${label.name}`,
    })
  })
  return id
}
