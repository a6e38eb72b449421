import { emit } from '@ngome/contracts'
import { Fault } from '@ngome/kernel'
import { findAnswer, findKeptApiKey } from '@ngome/store'
import type { Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { answerOutcome } from '../idempotency/answer-outcome.ts'
import { idempotencyMarks } from '../idempotency/marks.ts'
import { askedBy } from './asked-by.ts'
import { answerMadeKey } from './answer-made-key.ts'
import type { ChangeKeysPorts } from './create-api-key.ts'
import { makeOwnKey } from './make-own-key.ts'

/**
 * Gives a key a successor that may do the same, shown this once; the old one works on until its end, which the custodian signs
 * because the merchant signed for it.
 * @throws Fault `keys/unknown`, the same for one that never was and for another merchant's; `keys/not_rollable`, `keys/refused`,
 * `idempotency/key_reused`, `idempotency/in_flight`, `custodian/unavailable`, `store/unavailable`
 */
export async function rollApiKey(ports: Omit<ChangeKeysPorts, 'policy'>, call: Call<'rollApiKey'>): Promise<Answer> {
  const { caller: { tenant }, params: { id }, body: { expires_in: expiresInS } } = call
  const marks = idempotencyMarks(ports.idempotencySecret, tenant, { ...call, key: call.idempotencyKey })
  const before = await findAnswer(ports.database, tenant, marks)
  if (before.kind !== 'in_flight') return answerOutcome(before, { status: 201 })
  const row = await findKeptApiKey(ports.database, id)
  if (row === undefined || row.tenant.merchant !== tenant.merchant || row.tenant.world !== tenant.world) {
    throw new Fault('keys/unknown', `no ${id} for this tenant`)
  }
  const { settings: { kind, expiresAtMs }, isRevoked } = row
  if (isRevoked || (expiresAtMs !== null && expiresAtMs <= ports.clock.nowMs() + expiresInS * 1_000)) {
    throw new Fault('keys/not_rollable', `${id} is revoked, or ends before the overlap would`)
  }
  const made = await makeOwnKey(ports, call, kind, { ...row, id })
  const endsAt = new Date(made.ended?.settings.expiresAtMs ?? 0).toISOString()
  const event = emit({ ...ports, process: 'gateway' }, 'api_key.rolled', tenant, {
    key: id, successor: made.key.id, ends_at: endsAt, ...askedBy(call),
  })
  return answerMadeKey(ports, marks, made, event, { old_key: id, old_key_works_until: endsAt })
}
