import { emit } from '@ngome/contracts'
import { Fault, newId, type Clock, type Random, type Secret } from '@ngome/kernel'
import { parseCallbackToken } from '@ngome/signatures'
import type { PaymentStore } from '@ngome/store'
import type { Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import type { DataKeys } from '../keys/data-keys.ts'
import { seal } from '../keys/seal.ts'

export type ReceiveCallbackPorts = {
  readonly payments: Pick<PaymentStore, 'recordCallbackHint'>
  readonly dataKeys: Pick<DataKeys, 'current'>
  /** The connectors that take callbacks. */
  readonly providers: ReadonlySet<string>
  readonly callbackSecret: Secret<Uint8Array>
  readonly clock: Clock
  readonly random: Random
}

const takenNote: Answer = { status: 202 }

/**
 * Keeps what a payment network sent, sealed and unread, and has the dispatcher ask the network what is true. A path
 * that is not ours costs one MAC and reaches neither database nor keys.
 * @throws Fault `callbacks/unknown`
 */
export async function receiveCallback(
  ports: ReceiveCallbackPorts, call: Call<'receiveCallback'> | Call<'receiveCallbackByPut'>,
): Promise<Answer> {
  const subject = parseCallbackToken(ports.callbackSecret, call.params.token)
  if (subject === undefined || !ports.providers.has(call.params.provider)) {
    throw new Fault('callbacks/unknown', 'a callback path that is not ours')
  }
  const { tenant, payment } = subject
  const id = newId('callbackHint', ports)
  const record = await seal(
    ports, 'payment', { tenant, table: 'callback_hints', recordId: id, dataClass: 'restricted', version: 1 }, call.bytes,
  )
  const event = emit({ ...ports, process: 'gateway' }, 'callback.received', tenant, { payment })
  const outcome = await ports.payments.recordCallbackHint(tenant, {
    id, payment, dataKey: record.dataKey, sealed: record.blob, receivedAtMs: ports.clock.nowMs(),
  }, event)
  switch (outcome) {
    case 'recorded':
    // What is too many is dropped without a word: an enquiry is on its way, and the sender has nothing to repair.
    case 'full':
    case 'busy':
      return takenNote
    case 'unknown':
      throw new Fault('callbacks/unknown', `a genuine path of ${payment}, which the database does not have`)
    default:
      return outcome satisfies never
  }
}
