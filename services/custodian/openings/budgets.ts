import type { Transaction } from '../store/store.ts'

export type Budget = {
  readonly purpose: string
  readonly subject: string
  readonly timesMax: number
  readonly windowMs: number
}

/** Rows of ended windows that one work clears away: so few that nobody waits for it. */
const clearedAtOnce = 1_000

/**
 * Counts uses. The work throws where this says no, so that what it counted before is forgotten.
 * @returns whether the budget still had one
 */
export async function spend(
  transaction: Transaction, { purpose, subject, timesMax, windowMs }: Budget, nowMs: number, uses = 1,
): Promise<boolean> {
  const row = await transaction.get(
    'SELECT used, ends_at_ms FROM budgets WHERE purpose = ? AND subject = ?', purpose, subject,
  )
  const isRunning = row !== undefined && Number(row['ends_at_ms']) > nowMs
  const used = (isRunning ? Number(row['used']) : 0) + uses
  if (used > timesMax) return false
  const endsAtMs = isRunning ? Number(row['ends_at_ms']) : nowMs + windowMs
  await transaction.run(
    `INSERT INTO budgets (purpose, subject, used, ends_at_ms) VALUES (?, ?, ?, ?)
     ON CONFLICT (purpose, subject) DO UPDATE SET used = excluded.used, ends_at_ms = excluded.ends_at_ms`,
    purpose, subject, used, endsAtMs,
  )
  return true
}

/** Forgets windows that have ended. @returns whether there may be more of them */
export async function clearEndedBudgets(transaction: Transaction, nowMs: number): Promise<boolean> {
  const cleared = await transaction.run(
    `DELETE FROM budgets WHERE (purpose, subject) IN
       (SELECT purpose, subject FROM budgets WHERE ends_at_ms <= ? ORDER BY ends_at_ms LIMIT ?)`,
    nowMs, clearedAtOnce,
  )
  return cleared === clearedAtOnce
}
