import type { PaymentDirection } from '@ngome/contracts'
import type { Clock } from '@ngome/kernel'
import type { EgressGuard } from '../../egress/egress-guard.ts'
import { parseMessage } from '../parse-message.ts'
import type { PaymentNetwork } from '../payment-network.ts'
import { callbackSchema } from './messages.ts'
import { orderCall, pathsOf, type DisbursementSettings } from './operations.ts'
import { balanceFrom, enquiryOutcome, holderFrom, requestOutcome } from './outcomes.ts'
import { Product, type ProductCredentials, type ProductSettings } from './product.ts'

export type MtnMomoSettings = ProductSettings & {
  /** Without it, or without its credentials, there are collections alone: paying out is a product of its own. */
  readonly disbursement?: DisbursementSettings | undefined
}
export type MtnMomoCredentials = ProductCredentials & { readonly disbursement?: ProductCredentials | undefined }

/** Speaks MTN MoMo's collection and disbursement API. Callbacks are hints: only the answer to an enquiry is believed. */
export function connectMtnMomo(
  settings: MtnMomoSettings, credentials: MtnMomoCredentials, egress: EgressGuard, clock: Clock,
): PaymentNetwork {
  const collection = new Product('collection', settings, credentials, egress, clock)
  if (settings.disbursement === undefined || credentials.disbursement === undefined) return network({ collection })
  const disbursement = new Product('disbursement', settings, credentials.disbursement, egress, clock)
  const { currency } = settings.disbursement
  return {
    ...network({ collection, payout: disbursement, refund: disbursement }, settings.disbursement),
    async balance() {
      return balanceFrom(await disbursement.send(question('/v1_0/account/balance')), currency)
    },
  }
}

type Products = Readonly<Partial<Record<PaymentDirection, Product>>> & { readonly collection: Product }

function network(
  products: Products, manner: Pick<DisbursementSettings, 'payBy' | 'version'> = { payBy: 'transfer', version: 'v1_0' },
): PaymentNetwork {
  const productOf = (direction: PaymentDirection): Product => {
    const product = products[direction]
    if (product === undefined) throw new TypeError(`a ${direction} asked of a network without`)
    return product
  }
  return {
    directions: products.payout === undefined ? ['collection'] : ['collection', 'payout', 'refund'],
    // By `X-Reference-Id`: a second request under it is answered 409, RESOURCE_ALREADY_EXIST.
    isIdempotent: true,
    prepare: (direction) => productOf(direction).prepare(),
    async request(request) {
      return requestOutcome(await productOf(request.direction).send(orderCall(request, manner)), request.direction)
    },
    async enquire(asked) {
      const path = `${pathsOf(asked.direction, manner).state}/${asked.reference}`
      return enquiryOutcome(await productOf(asked.direction).ask(path), asked)
    },
    readCallback(body) {
      const status = parseMessage(callbackSchema, body)?.status
      return status === 'SUCCESSFUL' ? 'succeeded' : status === 'FAILED' ? 'failed' : undefined
    },
    check: () => Promise.all([...new Set(Object.values(products))].map((product) => product.check())),
    async holderOf(phone) {
      const digits = phone.expose((text) => text.replace(/^\+/, ''))
      return holderFrom(await products.collection.send(question(`/v1_0/accountholder/msisdn/${digits}/active`)))
    },
  }
}

function question(path: string): Parameters<Product['send']>[0] {
  return { method: 'GET', path, headers: {}, body: new Uint8Array() }
}
