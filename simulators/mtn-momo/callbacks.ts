import { callBack } from '../common/call-back.ts'
import type { Charge, ChargeState } from './books.ts'

export type CallbackSettings = {
  /** Production calls back by PUT, the sandbox was seen to POST; receivers must take both. */
  readonly method: 'PUT' | 'POST'
  /** A PEM file with the authority that receivers' certificates come from, read at each call, since it may appear late. */
  readonly authorityPath: string | undefined
}

export type SendCallback = (charge: Charge, state: ChargeState) => Promise<void>

/** Makes the sender of callbacks: each is tried once, and a failure is nobody's business but the receiver's. */
export function callbackSender(settings: CallbackSettings, log: (line: object) => void): SendCallback {
  return async (charge, state) => {
    if (charge.callbackUrl === null) return
    try {
      const status = await callBack(settings, new URL(charge.callbackUrl), JSON.stringify(viewOf(charge, state)))
      log({ msg: 'called back', reference: charge.reference, status })
    } catch (error) {
      log({ msg: 'callback lost', reference: charge.reference, reason: error instanceof Error ? error.message : 'unknown' })
    }
  }
}

/** A charge as MTN shows it, in the answer to an enquiry and in a callback. */
export function viewOf(charge: Charge, state: ChargeState): Readonly<Record<string, unknown>> {
  return {
    ...(state.status === 'SUCCESSFUL' ? { financialTransactionId: charge.financialTransactionId } : {}),
    externalId: charge.externalId,
    amount: charge.amount,
    currency: charge.currency,
    payer: { partyIdType: 'MSISDN', partyId: charge.payer },
    payerMessage: charge.payerMessage,
    payeeNote: charge.payeeNote,
    status: state.status,
    ...(state.status === 'FAILED' ? { reason: state.reason } : {}),
  }
}

/** What a lying callback says. */
export function oppositeOf(state: ChargeState): ChargeState {
  return state.status === 'SUCCESSFUL' ? { status: 'FAILED', reason: 'INTERNAL_PROCESSING_ERROR' } : { status: 'SUCCESSFUL' }
}
