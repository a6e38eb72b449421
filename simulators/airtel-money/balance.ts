import type { Caller } from './callers.ts'
import type { Simulation } from './simulation.ts'

/** What every application begins with, so that disbursements can be tried before anything was collected. */
const floatAtFirst = 1_000_000_000

/** What an application has: its float, what came in, less what went out or was given back. */
export function balanceOf({ books, nowMs }: Pick<Simulation, 'books' | 'nowMs'>, { application }: Caller): number {
  let hundredths = floatAtFirst * 100
  for (const transaction of books.transactions()) {
    if (transaction.application !== application.clientId || books.stateOf(transaction, nowMs()).status !== 'TS') continue
    hundredths += (transaction.product === 'collection' ? 1 : -1) * Math.round(Number(transaction.amount) * 100)
  }
  return hundredths / 100
}
