import type { Clock } from '@ngome/kernel'

/** A replacement that failed, as while the custodian is away, is tried again after this. */
const retryMs = 5_000
/** A timer may ring a moment early, and a period that has not ended would be ended twice. */
const marginMs = 20

/**
 * Acts at the end of each period of the clock, such as each full hour: what is due at a period's end is due for all
 * machines at once, so it does not count from anybody's start.
 * @param act answers whether it was done
 * @returns what stops it
 */
export function atPeriodEnds(periodMs: number, clock: Clock, act: () => Promise<boolean>): () => void {
  let timer: NodeJS.Timeout
  let isStopped = false
  const toNextEnd = (): number => periodMs - clock.nowMs() % periodMs + marginMs
  const wait = (delayMs: number): void => {
    if (isStopped) return
    timer = setTimeout(() => {
      void act().then((isDone) => wait(isDone ? toNextEnd() : Math.min(retryMs, toNextEnd())))
    }, delayMs)
  }
  wait(toNextEnd())
  return () => {
    isStopped = true
    clearTimeout(timer)
  }
}
