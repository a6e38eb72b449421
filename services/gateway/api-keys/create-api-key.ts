import { readOwnKeyRequest, type KeyReminders, type OwnKeyPolicy } from '@ngome/access'
import { emit } from '@ngome/contracts'
import { Fault, type Secret } from '@ngome/kernel'
import { countOwnApiKeys, findAnswer, ownApiKeysMax } from '@ngome/store'
import type { Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { answerOutcome } from '../idempotency/answer-outcome.ts'
import { idempotencyMarks } from '../idempotency/marks.ts'
import { askedBy } from './asked-by.ts'
import { answerMadeKey } from './answer-made-key.ts'
import { makeOwnKey, type OwnKeyPorts } from './make-own-key.ts'

export type ChangeKeysPorts = OwnKeyPorts & {
  readonly idempotencySecret: Secret<Uint8Array>
  readonly policy: OwnKeyPolicy
  readonly reminders: KeyReminders
}

/**
 * Makes a merchant an API key that it signed for, and shows it, this once. What is wrong with the request is said here; whether
 * there is a key is the custodian's to say.
 * @throws Fault `keys/scope_refused`, `request/invalid`, `keys/too_many`, `keys/refused`, `idempotency/key_reused`,
 * `idempotency/in_flight`, `custodian/unavailable`, `store/unavailable`
 */
export async function createApiKey(ports: ChangeKeysPorts, call: Call<'createApiKey'>): Promise<Answer> {
  const { tenant } = call.caller
  const marks = idempotencyMarks(ports.idempotencySecret, tenant, { ...call, key: call.idempotencyKey })
  // First: a repetition makes no second key.
  const before = await findAnswer(ports.database, tenant, marks)
  if (before.kind !== 'in_flight') return answerOutcome(before, { status: 201 })
  const nowMs = ports.clock.nowMs()
  const reading = readOwnKeyRequest(call.body, ports.policy, nowMs)
  if (reading.kind !== 'settings') {
    const code = reading.kind === 'scope_refused' ? 'keys/scope_refused' : 'request/invalid'
    throw new Fault(code, reading.field, { fields: [{ pointer: reading.field, detail: reading.detail }] })
  }
  if (await countOwnApiKeys(ports.database, tenant, nowMs) >= ownApiKeysMax) throw new Fault('keys/too_many', `${ownApiKeysMax} keys of ${tenant.merchant} work`)
  const made = await makeOwnKey(ports, call, reading.settings.kind, null)
  const event = emit({ ...ports, process: 'gateway' }, 'api_key.issued', tenant, { key: made.key.id, ...askedBy(call) })
  return answerMadeKey(ports, marks, made, event)
}
