import { callBack } from '../common/call-back.ts'
import type { Movement, MovementState } from './movement.ts'

export type CallbackSettings = {
  /** Production calls back by PUT, the sandbox was seen to POST; receivers must take both. */
  readonly method: 'PUT' | 'POST'
  /** A PEM file with the authority that receivers' certificates come from, read at each call, since it may appear late. */
  readonly authorityPath: string | undefined
}

/** @param body in place of the truth, what is sent */
export type SendCallback = (movement: Movement, body: unknown, method?: 'PUT' | 'POST') => Promise<void>

/** Makes the sender of callbacks: each is tried once, and a failure is nobody's business but the receiver's. */
export function callbackSender(settings: CallbackSettings, log: (line: object) => void): SendCallback {
  return async ({ callbackUrl, reference }, body, method = settings.method) => {
    if (callbackUrl === null) return
    try {
      const text = typeof body === 'string' ? body : JSON.stringify(body)
      const status = await callBack({ ...settings, method }, new URL(callbackUrl), text)
      log({ msg: 'called back', reference, status })
    } catch (error) {
      log({ msg: 'callback lost', reference, reason: error instanceof Error ? error.message : 'unknown' })
    }
  }
}

/** A movement as MTN shows it, in the answer to an enquiry and in a callback. */
export function viewOf(movement: Movement, state: MovementState): Readonly<Record<string, unknown>> {
  const party = { partyIdType: 'MSISDN', partyId: movement.party }
  return {
    ...(state.status === 'SUCCESSFUL' ? { financialTransactionId: movement.financialTransactionId } : {}),
    externalId: movement.externalId,
    amount: movement.amount,
    currency: movement.currency,
    ...(movement.operation === 'requesttopay' ? { payer: party } : { payee: party }),
    payerMessage: movement.payerMessage,
    payeeNote: movement.payeeNote,
    status: state.status,
    ...(state.status === 'FAILED' ? { reason: state.reason } : {}),
  }
}

/** What a lying callback says. */
export function oppositeOf(state: MovementState): MovementState {
  return state.status === 'SUCCESSFUL' ? { status: 'FAILED', reason: 'INTERNAL_PROCESSING_ERROR' } : { status: 'SUCCESSFUL' }
}

/** A callback that nobody at MTN wrote: about more money, of somebody else. */
export function forgedFrom(movement: Movement): Readonly<Record<string, unknown>> {
  return { ...viewOf(movement, { status: 'SUCCESSFUL' }), externalId: 'forged', amount: '999999', financialTransactionId: '1' }
}
