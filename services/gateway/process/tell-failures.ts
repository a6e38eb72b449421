import type { Fault, FaultCode, RequestId } from '@ngome/kernel'
import type { Logger } from '@ngome/runtime'

/** Lines of one kind of failure in a second. While the database is away every request fails, whoever sends it and however many. */
export const linesPerSMax = 10
const secondMs = 1_000

type Told = { sinceMs: number; lines: number; untold: number }

/** Tells the operator of answers that are our failure; of many of one kind some, and how many were not told. */
export function failureTeller(
  { logger, monotonicMs }: { readonly logger: Logger; readonly monotonicMs: () => number },
): (fault: Fault, requestId: RequestId) => void {
  // Bounded by the table of faults.
  const told = new Map<FaultCode, Told>()
  return (fault, requestId) => {
    const nowMs = monotonicMs()
    const known = told.get(fault.code) ?? { sinceMs: nowMs, lines: 0, untold: 0 }
    told.set(fault.code, known)
    if (nowMs - known.sinceMs >= secondMs) Object.assign(known, { sinceMs: nowMs, lines: 0 })
    if (known.lines >= linesPerSMax) {
      known.untold++
      return
    }
    known.lines++
    const data = { err: fault, requestId, ...known.untold > 0 ? { untold: known.untold } : {} }
    known.untold = 0
    if (fault.code === 'gateway/internal') logger.fatal({ ...data, alarm: true }, 'a bug answered 500')
    else logger.error(data, 'a request failed on our side')
  }
}
