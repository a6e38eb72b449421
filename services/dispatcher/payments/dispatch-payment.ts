import { emit, type JobData } from '@ngome/contracts'
import { Fault } from '@ngome/kernel'
import { hasEnded } from '@ngome/payments'
import type { DispatchablePayment } from '@ngome/store'
import { eventSource, type Network, type PaymentDispatcher } from '../dispatcher.ts'
import { endPayment } from './end-payment.ts'
import { openPayment, type PaymentOpening } from './open-payment.ts'
import { dispatchLater, enquireLater } from './schedule.ts'
import { sendPayment, withhold } from './send-payment.ts'

/**
 * The job that follows an acceptance: opens the payment and asks its network for it. May run any number of times,
 * also at the same time: what may have been sent is only enquired about.
 * @throws Fault `custodian/unavailable` or `store/unavailable`, after which the job runs again
 */
export async function dispatchPayment(
  dispatcher: PaymentDispatcher, { payment: id, merchant, world }: JobData<'payment-dispatch'>, signal: AbortSignal,
): Promise<void> {
  const tenant = { merchant, world }
  const payment = await dispatcher.payments.loadPaymentForDispatch(tenant, id)
  if (payment !== undefined) await dispatchLoaded(dispatcher, payment, signal)
}

/**
 * As {@link dispatchPayment}, of a payment as it stood a moment ago: what happened to it since is seen where it is marked as sent, or ended.
 * @throws Fault `custodian/unavailable` or `store/unavailable`
 */
export async function dispatchLoaded(dispatcher: PaymentDispatcher, payment: DispatchablePayment, signal: AbortSignal): Promise<void> {
  const { id } = payment
  // What a second person has to approve waits for the job that the approval makes.
  if (hasEnded(payment.status) || payment.status === 'awaiting_approval') return
  if (payment.attempt?.state === 'sent') {
    await enquireLater(dispatcher, payment, 0)
    return
  }
  const network = networkOf(dispatcher, payment)
  const { connector } = network
  if (connector.directions.includes(payment.direction) && await connector.prepare(payment.direction) === 'unavailable') {
    dispatcher.logger.warn({ payment: id, network: payment.network }, 'the network is away; the payment waits')
    await dispatchLater(dispatcher, payment)
    return
  }
  const opening = await openPayment(dispatcher, 'dispatch', payment, network, signal)
  if (opening.kind !== 'opened') await keepBack(dispatcher, payment, opening)
  else if (opening.opened.isAllowed) await sendPayment(dispatcher, network, opening.opened)
  else await withhold(dispatcher, opening.opened)
}

/** @throws Fault `provider/unavailable` where the configuration does not know the network any more */
export function networkOf({ networks }: Pick<PaymentDispatcher, 'networks'>, payment: DispatchablePayment): Network {
  const network = networks.get(payment.network)
  if (network === undefined) throw new Fault('provider/unavailable', `network ${payment.network} is not configured`)
  return network
}

/** Nothing has been sent, so that a record which is not what was accepted ends here, with an alarm. */
async function keepBack(
  dispatcher: PaymentDispatcher, payment: DispatchablePayment, opening: Exclude<PaymentOpening, { kind: 'opened' }>,
): Promise<void> {
  const { id, tenant } = payment
  if (opening.kind === 'later') {
    // A budget fills up by itself; anything else is a certificate, a clock or a configuration for somebody to look at.
    const level = opening.reason === 'budget_spent' ? 'warn' : 'error'
    dispatcher.logger[level]({ payment: id, reason: opening.reason }, 'the custodian opens nothing for now; the payment waits')
    await dispatchLater(dispatcher, payment)
    return
  }
  const alarm = opening.kind === 'mismatch'
    ? emit(eventSource(dispatcher), 'payment.mismatch', tenant, { payment: id, fields: [...opening.fields] })
    : emit(eventSource(dispatcher), 'payment.unopenable', tenant, { payment: id })
  dispatcher.logger.error({ payment: id, finding: opening }, 'the record is not what was accepted; nothing is sent')
  const outcome = { status: 'failed', failure: 'record_refused', networkReason: null } as const
  await endPayment(dispatcher, payment, payment.attempt?.fence ?? null, outcome, [alarm])
}
