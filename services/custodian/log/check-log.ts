import { setImmediate } from 'node:timers/promises'
import type { Frontier } from '@ngome/audit'
import { equalsInConstantTime, Fault } from '@ngome/kernel'
import type { Reading } from '../store/store.ts'
import { leafOf } from './log-entry.ts'
import { frontierAt } from './log-nodes.ts'
import { readLog } from './read-log.ts'

/** Rows held in memory, and hashed, at a time: some 3 ms, for which everybody else waits. */
const pageRows = 250

export type LogCheck =
  | { readonly ok: true; readonly rows: number; readonly head: Uint8Array }
  /** The first row that is not what the tree says. */
  | { readonly ok: false; readonly brokenAt: number }

/**
 * Makes the tree again from the rows, all or the last ones, and compares. It shows a row that was changed, removed or put
 * in between; rows cut off the end, or a whole log that was written anew, show only to who has kept a checkpoint.
 */
export async function checkLog(
  store: Reading,
  { last = Number.MAX_SAFE_INTEGER, pause = setImmediate }: {
    readonly last?: number
    /** Between two pages: others get their turn, since a store in this process answers without giving one up. */
    readonly pause?: () => Promise<void>
  } = {},
): Promise<LogCheck> {
  const head = Number((await store.get('SELECT max(sequence) AS head FROM log'))?.['head'] ?? 0)
  let sequence = Math.max(0, head - last)
  const frontier = await findFrontier(store, sequence)
  if (frontier === undefined) return { ok: false, brokenAt: sequence }
  for (;;) {
    const rows = await readLog(store, { after: sequence, limit: pageRows })
    for (const row of rows) {
      sequence++
      const nodes = Buffer.concat(frontier.append(leafOf(row)))
      if (row.sequence !== sequence || !equalsInConstantTime(row.nodes, nodes)) return { ok: false, brokenAt: sequence }
    }
    // Rows that are appended meanwhile are the next look's: a check need not run behind them.
    if (rows.length < pageRows || sequence >= head) return { ok: true, rows: sequence, head: frontier.root() }
    await pause()
  }
}

/** @returns `undefined` where the rows before do not hold it */
async function findFrontier(store: Reading, size: number): Promise<Frontier | undefined> {
  try {
    return await frontierAt(store, size)
  } catch (failure) {
    if (failure instanceof Fault && failure.code === 'custodian/unavailable') return undefined
    throw failure
  }
}
