import { emit, type Event, type ForwardAnswer, type ForwardFailure } from '@ngome/contracts'
import { parseBase64Url, Secret } from '@ngome/kernel'
import { encryptForwardAnswer } from '@ngome/signatures'
import { endForward, type ForwardEnd, type SealedForwardRow } from '@ngome/store'
import { eventSource, type Dispatcher } from '../dispatcher.ts'

/** How a forward ended. `suspect`: why somebody should look now. */
export type Conclusion =
  | { readonly status: 'failed'; readonly failure: ForwardFailure; readonly suspect?: string }
  | { readonly status: 'answered'; readonly answer: ForwardAnswer; readonly answerKey: string }
  | { readonly status: 'unknown' }

/**
 * Ends a forward in one transaction with its events. An answer whose key is missing is as good as none that came.
 * @throws Fault `store/unavailable`
 */
export async function concludeForward(
  dispatcher: Pick<Dispatcher, 'db' | 'clock' | 'random' | 'logger'>,
  { tenant, id }: Pick<SealedForwardRow, 'tenant' | 'id'>, conclusion: Conclusion,
): Promise<void> {
  const { db, clock, logger } = dispatcher
  const source = eventSource(dispatcher)
  const end = endOf(dispatcher, { tenant, id }, conclusion)
  const failure = end.status === 'failed' ? end.failure : null
  const events: Event[] = [end.status === 'unknown'
    ? emit(source, 'forward.unknown', tenant, { forward: id })
    : emit(source, 'forward.ended', tenant, { forward: id, status: end.status, failure })]
  const reason = suspectOf(conclusion)
  if (reason !== undefined) {
    logger.error({ forward: id, reason, alarm: true }, 'a forward that somebody should look at')
    events.push(emit(source, 'forward.suspect', tenant, { forward: id, reason }))
  }
  const outcome = await endForward(db, tenant, id, end, clock.nowMs(), events)
  logger.info({ forward: id, status: end.status, failure, outcome }, 'a forward ended')
}

function endOf(
  { random }: Pick<Dispatcher, 'random'>, { tenant, id }: Pick<SealedForwardRow, 'tenant' | 'id'>, conclusion: Conclusion,
): ForwardEnd {
  if (conclusion.status !== 'answered') return conclusion
  const key = new Secret(parseBase64Url(conclusion.answerKey) ?? new Uint8Array())
  const answer = encryptForwardAnswer(key, tenant, id, Buffer.from(JSON.stringify(conclusion.answer), 'utf8'), random)
  return answer === undefined ? { status: 'unknown' } : { status: 'answered', answer }
}

function suspectOf(conclusion: Conclusion): string | undefined {
  if (conclusion.status === 'failed') return conclusion.suspect
  return conclusion.status === 'answered' && conclusion.answer.body_withheld === 'values_in_it' ? 'values_in_answer' : undefined
}
