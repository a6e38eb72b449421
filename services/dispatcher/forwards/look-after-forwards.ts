import { forwardAnswerLifeMs } from '@ngome/contracts'
import { findDueForwards, forgetForwardAnswer } from '@ngome/store'
import type { Dispatcher } from '../dispatcher.ts'
import { answerWithinMs, runForward, sendWithinMs } from './run-forward.ts'

const pageMax = 500

/**
 * Ends forwards whose job was lost, and removes answers whose hour is over. A forward of that age is not sent any more:
 * its job finds that it is too late, or that it was sent.
 * @throws Fault `store/unavailable`
 */
export async function lookAfterForwards(dispatcher: Dispatcher, signal: AbortSignal): Promise<void> {
  const nowMs = dispatcher.clock.nowMs()
  const answeredBeforeMs = nowMs - forwardAnswerLifeMs
  const due = await findDueForwards(
    dispatcher.db, { openBeforeMs: nowMs - sendWithinMs - answerWithinMs, answeredBeforeMs }, pageMax)
  for (const { tenant, id } of due) {
    if (signal.aborted) return
    await forgetForwardAnswer(dispatcher.db, tenant, id, answeredBeforeMs)
    await runForward(dispatcher, { ...tenant, forward: id }, signal)
  }
}
