import { Fault } from '@ngome/kernel'
import type { IdempotentOutcome } from '@ngome/store'
import { jsonType, type Answer } from '../http/answer.ts'

/**
 * What a request with an idempotency key gets: its own answer where it acted, the first one's bytes where it repeats.
 * @throws Fault `idempotency/key_reused`, `idempotency/in_flight`, `access/signature_refused`
 */
export function answerOutcome(outcome: IdempotentOutcome, accepted: Answer): Answer {
  switch (outcome.kind) {
    case 'accepted':
      return accepted
    case 'replay':
      return { status: outcome.status, contentType: jsonType, body: outcome.body, headers: ['idempotent-replayed', 'true'] }
    case 'key_reused':
      throw new Fault('idempotency/key_reused', 'another request came with this key')
    case 'in_flight':
      throw new Fault('idempotency/in_flight', 'the original did not end while this one waited')
    case 'nonce_seen':
      throw new Fault('access/signature_refused', 'the nonce was seen before')
    default:
      return outcome satisfies never
  }
}
