import type { PaymentDirection } from '@ngome/contracts'
import { formatMoney, type Currency } from '@ngome/kernel'
import type { PaymentRequest } from '../payment-network.ts'
import { noteOf } from './messages.ts'
import type { Call } from './product.ts'

/** How MTN is asked to pay out and to refund; countries and contracts differ, so that the operator says. */
export type DisbursementSettings = {
  /** Of the account that is paid out of. */
  readonly currency: Currency
  readonly payBy: 'transfer' | 'deposit'
  /** Of deposit and of refund; a transfer has one version, and states are asked for at the first. */
  readonly version: 'v1_0' | 'v2_0'
}

type Manner = Pick<DisbursementSettings, 'payBy' | 'version'>

/** Where a direction is asked for below its product, and where its state is. */
export function pathsOf(direction: PaymentDirection, { payBy, version }: Manner): { readonly order: string; readonly state: string } {
  switch (direction) {
    case 'collection': return { order: '/v1_0/requesttopay', state: '/v1_0/requesttopay' }
    case 'payout': return payBy === 'transfer'
      ? { order: '/v1_0/transfer', state: '/v1_0/transfer' }
      : { order: `/${version}/deposit`, state: '/v1_0/deposit' }
    case 'refund': return { order: `/${version}/refund`, state: '/v1_0/refund' }
    default: return direction satisfies never
  }
}

/** A request in MTN's words. */
export function orderCall(request: PaymentRequest, manner: Manner): Call {
  const body = {
    amount: formatMoney(request.money),
    currency: request.money.currency,
    externalId: request.payment,
    ...otherEndOf(request),
    payerMessage: noteOf(request.description ?? ''),
    payeeNote: request.payment,
  }
  return {
    method: 'POST',
    path: pathsOf(request.direction, manner).order,
    headers: {
      'content-type': 'application/json',
      'x-reference-id': request.reference,
      'x-callback-url': request.callbackUrl,
    },
    body: Buffer.from(JSON.stringify(body), 'utf8'),
    beforeFirstByte: request.beforeFirstByte,
  }
}

function otherEndOf({ direction, phone, original }: PaymentRequest): Readonly<Record<string, unknown>> {
  // A refund names what it gives back, and MTN pays whoever paid that.
  if (direction === 'refund') {
    if (original === null) throw new TypeError('a refund of nothing')
    return { referenceIdToRefund: original.reference }
  }
  if (phone === null) throw new TypeError(`a ${direction} with nobody at the other end`)
  const party = { partyIdType: 'MSISDN', partyId: phone.expose((text) => text.replace(/^\+/, '')) }
  return direction === 'collection' ? { payer: party } : { payee: party }
}
