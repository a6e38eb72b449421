import type { JobData } from '@ngome/contracts'
import type { PaymentId } from '@ngome/kernel'
import type { DispatchablePayment, PaymentStore } from '@ngome/store'
import type { BatchDispatcher } from '../dispatcher.ts'
import { decideWaitingRows } from './decide-waiting-rows.ts'
import { dispatchLoaded } from './dispatch-payment.ts'

/** Rows that are looked for and loaded at once: a batch that is cancelled is seen to be after so many. */
const rowsPerLook = 48
/** Rows that had to wait before the part does: a network that is away is asked for no whole part. */
const waitingMax = 8
const againAfterMs = 5_000
/** A part that takes longer gives its place to the next one, and comes behind it: no batch of a merchant waits for the end of another. */
const turnMs = 60_000

/**
 * The job that follows the acceptance of a part, or the decision of a batch that needed one: sends its rows one after the other, each as a payout by itself. May run any number of
 * times; what was sent is not sent again by it.
 * @throws Fault `custodian/unavailable` or `store/unavailable`, after which the job runs again
 */
export async function dispatchPart(
  dispatcher: BatchDispatcher, data: JobData<'payout-part'>, signal: AbortSignal,
): Promise<void> {
  const { part, merchant, world } = data
  const tenant = { merchant, world }
  const { batches, clock, logger } = dispatcher
  const beganAtMs = clock.nowMs()
  // Whose process died before it planned to ask about them, or who is about to: one of both does.
  for (const payment of await batches.findUnaskedRows(tenant, part)) await dispatcher.payments.scheduleEnquiry({ ...tenant, payment, turn: 0 }, 0)
  const areDecided = await decideWaitingRows(dispatcher, data, signal) === 'decided'
  const turn = new Turn(dispatcher)
  let after: PaymentId | null = null
  let isWhole = false
  while (!isWhole) {
    const rows: readonly PaymentId[] = await batches.findRowsToSend(tenant, part, { after, limit: rowsPerLook })
    isWhole = rows.length === 0
    if (isWhole) break
    const loaded = await dispatcher.payments.loadPaymentsForDispatch(tenant, rows)
    const isSent = await turn.send(loaded, (payment) => dispatchLoaded(turn.dispatcher, payment, signal), () =>
      signal.aborted || turn.waiting >= waitingMax || clock.nowMs() - beganAtMs >= turnMs)
    if (!isSent) break
    after = rows.at(-1) ?? null
  }
  if (!isWhole || turn.waiting > 0 || !areDecided) {
    const startAfterMs = turn.waiting === 0 && areDecided ? 0 : againAfterMs
    logger.info({ part, waiting: turn.waiting, startAfterMs }, 'a part of a batch goes on later')
    await batches.schedulePart({ ...tenant, part }, startAfterMs)
  }
}

/** A run through rows. One that has to wait does so with its part, which comes again for all of them: no row of a batch has a job of its own before it was sent. */
class Turn {
  readonly dispatcher: BatchDispatcher
  waiting = 0

  constructor(dispatcher: BatchDispatcher) {
    const scheduleDispatch: PaymentStore['scheduleDispatch'] = async () => { this.waiting++ }
    this.dispatcher = { ...dispatcher, payments: { ...dispatcher.payments, scheduleDispatch } }
  }

  /** @returns whether it came to its end */
  async send(rows: readonly DispatchablePayment[], dispatch: (payment: DispatchablePayment) => Promise<void>, isOver: () => boolean): Promise<boolean> {
    const left = rows.values()
    const run = async (): Promise<void> => {
      for (const row of left) {
        if (isOver()) return
        await dispatch(row)
      }
    }
    const runs = await Promise.allSettled(Array.from({ length: this.dispatcher.rowsAtOnce }, run))
    const failed = runs.find((each) => each.status === 'rejected')
    if (failed !== undefined) throw failed.reason
    return !isOver()
  }
}
