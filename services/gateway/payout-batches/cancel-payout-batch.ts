import { emit } from '@ngome/contracts'
import { Fault } from '@ngome/kernel'
import { proveNextEvent } from '@ngome/payments'
import { askedBy } from '../api-keys/asked-by.ts'
import type { Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { refuseBody } from '../http/refuse-body.ts'
import type { BatchPorts } from './create-payout-batch.ts'
import { answerBatch } from './get-payout-batch.ts'

/** Rows of one transaction: what the dispatcher waits for at most where it wants to send one of them. */
const rowsAtOnce = 200
/** What one call works off, far below the time that a client waits for an answer; a batch of more is repeated until it is done. */
const workMs = 4_000

/**
 * Stops a batch: it takes no part from now on, no row is begun, and what was not sent is cancelled, as far as one call goes. Repeating it goes on.
 * @throws Fault `payout_batches/unknown`, `access/signature_required`, `request/invalid` for a body, `store/unavailable`
 */
export async function cancelPayoutBatch(ports: BatchPorts, call: Call<'cancelPayoutBatch'>): Promise<Answer> {
  refuseBody(call)
  const { caller: { tenant, apiKey }, params: { id }, signature } = call
  if (signature === undefined) throw new Fault('access/signature_required', 'a batch is cancelled by who could have ordered it')
  const from = { ...ports, process: 'gateway' as const }
  const beganAtMs = ports.clock.nowMs()
  const isThere = await ports.batches.cancelPayoutBatch(tenant, id, beganAtMs, emit(from, 'payout_batch.cancelled', tenant, { batch: id, asked_with: apiKey, signed_with: signature.keyId }))
  if (!isThere) throw new Fault('payout_batches/unknown', `no ${id} for this tenant`)
  let cancelled = rowsAtOnce
  while (cancelled === rowsAtOnce && ports.clock.nowMs() - beganAtMs < workMs) {
    cancelled = await ports.batches.cancelBatchRows(tenant, {
      batch: id, limit: rowsAtOnce, atMs: ports.clock.nowMs(),
      event: (payment) => emit(from, 'payout.cancelled', tenant, { payment, status: 'cancelled', ...askedBy(call) }),
      prove: (event, previous) => proveNextEvent(ports.eventSecret, event, previous),
    })
  }
  return answerBatch(ports, tenant, id)
}
