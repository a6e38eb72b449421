import type { DatabaseSync } from 'node:sqlite'

export type Budget = {
  readonly purpose: string
  readonly subject: string
  readonly timesMax: number
  readonly windowMs: number
}

/** Rows of ended windows that one opening clears away: more than it adds, so that the table stays small. */
const clearedAtOnce = 256

/**
 * Counts uses. Only inside a work of the commit queue; the work throws where this says no, so that what it counted
 * before is forgotten.
 * @returns whether the budget still had one
 */
export function spend(
  db: DatabaseSync, { purpose, subject, timesMax, windowMs }: Budget, nowMs: number, uses = 1,
): boolean {
  const row = db.prepare('SELECT used, ends_at_ms FROM budgets WHERE purpose = ? AND subject = ?').get(purpose, subject)
  const isRunning = row !== undefined && Number(row['ends_at_ms']) > nowMs
  const used = (isRunning ? Number(row['used']) : 0) + uses
  if (used > timesMax) return false
  const endsAtMs = isRunning ? Number(row['ends_at_ms']) : nowMs + windowMs
  db.prepare(`
    INSERT INTO budgets (purpose, subject, used, ends_at_ms) VALUES (?, ?, ?, ?)
    ON CONFLICT (purpose, subject) DO UPDATE SET used = excluded.used, ends_at_ms = excluded.ends_at_ms
  `).run(purpose, subject, used, endsAtMs)
  return true
}

/** Forgets windows that have ended. Only inside a work of the commit queue. */
export function clearEndedBudgets(db: DatabaseSync, nowMs: number): void {
  db.prepare(`
    DELETE FROM budgets WHERE (purpose, subject) IN
      (SELECT purpose, subject FROM budgets WHERE ends_at_ms <= ? ORDER BY ends_at_ms LIMIT ?)
  `).run(nowMs, clearedAtOnce)
}
