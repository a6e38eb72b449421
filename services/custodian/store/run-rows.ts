import type { Row, Transaction, Value } from './store.ts'

/** Rows of one statement. Powers of two below this give seven texts of each statement, which stay prepared. */
const rowsPerStatementMax = 64

/** Runs `before (?, …), (?, …) after` for all of these rows, in a few statements. @returns how many rows were changed */
export async function runRows(
  transaction: Transaction, [before, after]: readonly [string, string], rows: readonly (readonly Value[])[],
): Promise<number> {
  let changes = 0
  for (const chunk of chunks(rows)) changes += await transaction.run(before + places(chunk) + after, ...chunk.flat())
  return changes
}

/** Asks `before (?, …), (?, …) after` for all of these rows, in a few statements. */
export async function allOfRows(
  transaction: Transaction, [before, after]: readonly [string, string], rows: readonly (readonly Value[])[],
): Promise<readonly Row[]> {
  const found: Row[] = []
  for (const chunk of chunks(rows)) found.push(...await transaction.all(before + places(chunk) + after, ...chunk.flat()))
  return found
}

function chunks<T>(rows: readonly T[]): readonly (readonly T[])[] {
  const cut: (readonly T[])[] = []
  for (let at = 0; at < rows.length;) {
    const size = Math.min(rowsPerStatementMax, 2 ** Math.floor(Math.log2(rows.length - at)))
    cut.push(rows.slice(at, at += size))
  }
  return cut
}

function places(rows: readonly (readonly Value[])[]): string {
  return rows.map((row) => `(${row.map(() => '?').join(', ')})`).join(', ')
}
