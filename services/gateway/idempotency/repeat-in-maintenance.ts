import { Fault, type Secret } from '@ngome/kernel'
import { findAnswer, type Database } from '@ngome/store'
import type { Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { answerOutcome } from './answer-outcome.ts'
import { idempotencyMarks } from './marks.ts'

/** A merchant's call that acts once for its key. */
type ActingCall = Pick<Call, 'method' | 'path' | 'bytes' | 'signature'> & Pick<Call<'createPayment'>, 'caller' | 'idempotencyKey'>
type Ports = { readonly database: Database; readonly idempotencySecret: Secret<Uint8Array> }

/**
 * Lets a handler answer a repetition also while the network takes nothing new: what was accepted before was. Of a request that is
 * refused nothing is written, so that the key stays free for it.
 * @param mayAge of a call whose first may have been accepted for what is not there any more: a token of the vault
 */
export function repeatInMaintenance<C extends ActingCall>(
  { database, idempotencySecret }: Ports, handle: (call: C) => Promise<Answer>, mayAge: (call: C) => boolean = () => false,
): (call: C) => Promise<Answer> {
  return async (call) => {
    try {
      return await handle(call)
    } catch (error) {
      const isPassing = error instanceof Fault && (error.code === 'networks/in_maintenance' || (error.code === 'request/invalid' && mayAge(call)))
      if (!isPassing) throw error
      const { tenant } = call.caller
      const before = await findAnswer(database, tenant, idempotencyMarks(idempotencySecret, tenant, { ...call, key: call.idempotencyKey }))
      // There is no answer: it never came, or is still on its way.
      if (before.kind === 'in_flight') throw error
      return answerOutcome(before, { status: 201 })
    }
  }
}
