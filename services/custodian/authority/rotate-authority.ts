import { newId, type RotationId } from '@ngome/kernel'
import { callerName, type ProvenCaller } from '../calls/caller.ts'
import type { CustodianResponse } from '@ngome/contracts'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import { Refusal } from '../calls/refusal.ts'
import type { Custodian } from '../custodian.ts'
import { followRoot } from '../key-life/follow-root.ts'
import { insertRotation, type RotationCause } from '../key-life/rotations.ts'
import { appendLog } from '../log/append-log.ts'
import type { Reading } from '../store/store.ts'
import { insertWrappedKey } from '../store/wrapped-keys.ts'
import { authorityLabel } from './authorities.ts'
import { makeAuthority } from './authority.ts'

/**
 * Replaces the certificate authority on demand; the rest follows by itself.
 * @throws Refusal `custodian/refused`
 */
export async function rotateAuthority(
  custodian: Custodian, caller: ProvenCaller, { compromised }: ParsedRequest<'/v1/rotate-authority'>,
): Promise<CustodianResponse<'/v1/rotate-authority'>> {
  const cause = compromised ? 'compromise' : 'demand'
  return { rotation: await beginAuthorityRotation(custodian, { caller: callerName(caller), cause }) }
}

/**
 * Makes the next authority and has it trusted beside the present one, which goes on issuing until everybody trusts both.
 * @throws Refusal `rotation_running` where one is under way
 */
export async function beginAuthorityRotation(
  custodian: Custodian, { caller, cause }: { readonly caller: string; readonly cause: Extract<RotationCause, 'demand' | 'policy' | 'compromise'> },
): Promise<RotationId> {
  const { clock, random, root, store, authority } = custodian
  await followRoot(custodian)
  await assertNoneRuns(store)
  const from = authority.version
  const label = authorityLabel(from + 1)
  const { certificate, privateKey } = await makeAuthority({ clock, random })
  const wrapped = await root.wrap(label, privateKey)
  privateKey.expose((bytes) => bytes.fill(0))
  const id = newId('rotation', { clock, random })
  const nowMs = clock.nowMs()
  await store.commits.run(async (transaction) => {
    await assertNoneRuns(transaction)
    await transaction.run('INSERT INTO authorities (version, certificate) VALUES (?, ?)', from + 1, certificate)
    // Pending until the work on keys sees that everybody trusts it; no time of its own moves it on.
    await insertWrappedKey(transaction, { nowMs: () => nowMs }, label, wrapped, nowMs)
    await transaction.run('UPDATE key_lives SET due_at_ms = NULL WHERE purpose = ? AND name = ?', label.purpose, label.name)
    const subject = `${authorityLabel(from).name} ${label.name}`
    await insertRotation(transaction, { id, level: 'authority', subject, cause, total: 0, startedAtMs: nowMs })
    await appendLog(transaction, clock, {
      caller, operation: 'rotate-authority', outcome: 'allowed', reason: '', subject: `${id} ${cause} from ${subject.replace(' ', ' to ')}`,
    })
  })
  await authority.refresh()
  return id
}

async function assertNoneRuns(reading: Reading): Promise<void> {
  const running = await reading.get(`SELECT 1 FROM rotations WHERE state = 'running' AND level = 'authority'`)
  if (running !== undefined) throw new Refusal('rotation_running', 'authority')
}
