import { Fault, type FaultCode, type Secret } from '@ngome/kernel'
import { findAnswer, type Database } from '@ngome/store'
import type { Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { answerOutcome } from './answer-outcome.ts'
import { idempotencyMarks } from './marks.ts'

/** A merchant's call that acts once for its key. */
type ActingCall = Pick<Call, 'method' | 'path' | 'bytes' | 'signature'> & Pick<Call<'createPayment'>, 'caller' | 'idempotencyKey'>
type Ports = { readonly database: Database; readonly idempotencySecret: Secret<Uint8Array> }

/** What is refused of anything new, by the time or by the operator's word, and says nothing against what was accepted before. */
const passing: ReadonlySet<string> = new Set<FaultCode>(['networks/in_maintenance', 'payout_batches/needs_approval', 'payout_batches/closed'])

/**
 * Lets a handler answer a repetition also where nothing new is taken, while a network is closed, or of a batch whose time is over or that came over a
 * limit that was lowered: what was accepted before was. Of a request that is refused nothing is written, so that the key stays free for it.
 * @param mayAge of a call whose first may have been accepted for what is not there any more: a token of the vault
 */
export function repeatInMaintenance<C extends ActingCall>(
  { database, idempotencySecret }: Ports, handle: (call: C) => Promise<Answer>, mayAge: (call: C) => boolean = () => false,
): (call: C) => Promise<Answer> {
  return async (call) => {
    try {
      return await handle(call)
    } catch (error) {
      const isPassing = error instanceof Fault && (passing.has(error.code) || (error.code === 'request/invalid' && mayAge(call)))
      if (!isPassing) throw error
      const { tenant } = call.caller
      const before = await findAnswer(database, tenant, idempotencyMarks(idempotencySecret, tenant, { ...call, key: call.idempotencyKey }))
      // There is no answer: it never came, or is still on its way.
      if (before.kind === 'in_flight') throw error
      return answerOutcome(before, { status: 201 })
    }
  }
}
