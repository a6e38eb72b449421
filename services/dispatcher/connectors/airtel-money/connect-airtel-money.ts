import type { Money } from '@ngome/kernel'
import { Pacer, tooManyEnquiries } from '../pacer.ts'
import { parseLooseMoney } from '../parse-loose-money.ts'
import { parseMessage } from '../parse-message.ts'
import type { AskedPayment, EnquiryOutcome, HolderStanding, PaymentNetwork, PaymentRequest, RequestOutcome } from '../payment-network.ts'
import type { Transmission } from '../../egress/transmit.ts'
import { AirtelCaller, isOk } from './airtel-caller.ts'
import { provenTransaction } from './callback-hash.ts'
import { encryptPin, pinKeyOf } from './encrypt-pin.ts'
import {
  balanceSchema, callbackSchema, collectionBody, disbursementBody, holderSchema, refundBody, subscriberNumber,
} from './messages.ts'
import { enquiryOutcome, refundOutcome, requestOutcome } from './outcomes.ts'
import type { AirtelMoneyCredentials, AirtelMoneyPorts, AirtelMoneySettings } from './settings.ts'
import { transactionIdOf } from './transaction-id.ts'

/** How long an enquiry waits for its turn under the cap; past it the job comes back later. */
const enquiryPatienceMs = 5_000

/**
 * Speaks Airtel Money's open API. Callbacks are hints, and only with their hash; only the answer to an enquiry is believed.
 * @throws Fault `config/invalid` where the PIN's key is none
 */
export function connectAirtelMoney(
  settings: AirtelMoneySettings, credentials: AirtelMoneyCredentials, ports: AirtelMoneyPorts,
): PaymentNetwork {
  const caller = new AirtelCaller(settings, credentials, ports)
  const sealPin = pinSealer(settings, credentials)
  const pacer = new Pacer(settings.enquiriesPerSecondMax, ports.clock)

  const stateOf = async (asked: AskedPayment): Promise<EnquiryOutcome> => {
    if (!await pacer.turn(enquiryPatienceMs)) return { kind: 'unknown', reason: tooManyEnquiries }
    const product = asked.direction === 'payout' ? 'disbursements' : 'payments'
    const transmission = await caller.ask(`/standard/v1/${product}/${transactionIdOf(asked.reference)}`)
    if (transmission.kind !== 'answered') return { kind: 'unknown', reason: transmission.reason }
    return enquiryOutcome(transmission, asked, settings)
  }

  return {
    directions: sealPin === undefined ? ['collection', 'refund'] : ['collection', 'payout', 'refund'],
    // A second transaction of the same id is refused as a duplicate (ESB000041, DP00900001017), and a collection is given back once.
    isIdempotent: true,
    showsRefundsAsReversals: true,
    async prepare(direction) {
      if (direction === 'payout' && sealPin === undefined) return 'unavailable'
      return await caller.isReady() ? 'ready' : 'unavailable'
    },
    async request(request) {
      const message = messageOf(request, settings, sealPin)
      if ('failure' in message) return refuseOurselves(request, message)
      const callback = settings.namesCallback ? { 'x-callback-url': request.callbackUrl } : {}
      const transmission = await caller.move({ ...message, headers: callback, beforeFirstByte: request.beforeFirstByte })
      switch (transmission.kind) {
        case 'unreached': return { kind: 'not_sent', reason: transmission.reason }
        case 'lost': return { kind: 'unknown', reason: transmission.reason }
        case 'answered': return requestOutcome(transmission, request)
        default: return transmission satisfies never
      }
    },
    async enquire(asked) {
      if (asked.direction !== 'refund') return stateOf(asked)
      const { original, money } = asked
      // Airtel gives back the whole or nothing, and can have no other refund of ours.
      if (original === null || !isWhole(money, original.money)) return { kind: 'not_found' }
      const { reference } = original
      return refundOutcome(await stateOf({ ...asked, direction: 'collection', reference, original: null }), original.networkReference)
    },
    readCallback(body) {
      const { callbackKey } = credentials
      const parsed = callbackSchema.safeParse(callbackKey === undefined ? undefined : provenTransaction(body, callbackKey))
      switch (parsed.data?.status_code) {
        case 'TS': return 'succeeded'
        case 'TF':
        case 'TE':
          return 'failed'
        default: return undefined
      }
    },
    async balance() {
      const transmission = await caller.ask('/standard/v1/users/balance')
      const shown = isOk(transmission) ? parseMessage(balanceSchema, transmission.body)?.data : undefined
      if (shown?.currency !== settings.currency) return undefined
      const none: Money = { amountMinor: 0n, currency: settings.currency }
      return /^0(?:\.0+)?$/.test(shown.balance) ? none : parseLooseMoney(shown.balance, settings.currency)
    },
    check: async () => [await caller.check()],
    async holderOf(phone) {
      const msisdn = subscriberNumber(phone, settings)
      return msisdn === undefined ? 'unknown' : holderStanding(await caller.ask(`/standard/v1/users/${msisdn}`), msisdn)
    },
  }
}

type Refusal = Extract<RequestOutcome, { kind: 'refused' }>

/** The call that asks for a payment, or why Airtel cannot be asked for it. */
function messageOf(
  request: PaymentRequest, settings: AirtelMoneySettings, sealPin: (() => string) | undefined,
): { readonly path: string; readonly body: Uint8Array } | Refusal {
  if (request.direction === 'refund') {
    const { original, money } = request
    const airtelMoneyId = original?.networkReference ?? null
    if (original === null || airtelMoneyId === null) return { kind: 'refused', failure: 'network_refused', reason: 'no id of the collection' }
    if (!isWhole(money, original.money)) return { kind: 'refused', failure: 'not_allowed', reason: 'the whole or nothing' }
    return { path: '/standard/v1/payments/refund', body: refundBody(airtelMoneyId) }
  }
  const msisdn = request.phone === null ? undefined : subscriberNumber(request.phone, settings)
  if (msisdn === undefined) return { kind: 'refused', failure: 'payer_unknown', reason: 'a number of another country' }
  if (request.money.currency !== settings.currency) return { kind: 'refused', failure: 'network_refused', reason: 'another currency' }
  if (request.direction === 'collection') return { path: '/merchant/v1/payments/', body: collectionBody(request, msisdn, settings) }
  if (sealPin === undefined) return { kind: 'refused', failure: 'network_refused', reason: 'no PIN' }
  return { path: '/standard/v1/disbursements/', body: disbursementBody(request, msisdn, sealPin()) }
}

/** It counts as sent, so that its enquiries, which find nothing, bring it to its end. */
async function refuseOurselves(request: PaymentRequest, refusal: Refusal): Promise<RequestOutcome> {
  return await request.beforeFirstByte() ? refusal : { kind: 'not_sent', reason: 'held back' }
}

function pinSealer({ pinScheme }: AirtelMoneySettings, { pin, pinKey }: AirtelMoneyCredentials): (() => string) | undefined {
  if (pin === undefined || pinKey === undefined) return undefined
  const key = pinKeyOf(pinKey, pinScheme)
  return () => encryptPin(pin, key, pinScheme)
}

function isWhole(money: Money, original: Money): boolean {
  return money.amountMinor === original.amountMinor && money.currency === original.currency
}

function holderStanding(transmission: Transmission, msisdn: string): HolderStanding {
  const answer = isOk(transmission) ? parseMessage(holderSchema, transmission.body) : undefined
  if (answer?.status.response_code === 'DP02200000000') return 'inactive'
  const data = answer?.data
  if (answer?.status.success !== true || data === null || data === undefined || (data.msisdn ?? msisdn) !== msisdn) return 'unknown'
  return data.is_barred === false ? 'active' : data.is_barred === true ? 'inactive' : 'unknown'
}
