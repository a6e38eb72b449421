import type { BenchOptions, BenchReport } from './harness.ts'
import { acceptedRows } from './payouts/accepted-rows.ts'
import { sentRows } from './payouts/sent-rows.ts'

const manyDefault = 100_000

/** A batch of payouts from a merchant's program to the network: how many rows a second, and what the processes hold. */
export async function bench({ rows = manyDefault }: BenchOptions = {}): Promise<BenchReport> {
  const cases = [...await acceptedRows(rows, tell), ...await sentRows(rows, tell)]
  return { bench: 'payouts', cases, notes: notesOf(rows) }
}

const notesOf = (rows: number): readonly string[] => [
  `${rows.toLocaleString('en')} rows of one batch through payoutBatches.send, in signed parts of 500, from a generator. First to a gateway with no dispatcher beside`,
  'it, held against the same statements by one connection: no HTTP, no signature, no sealing. Then to a whole platform, whose dispatcher sends',
  'each to the network\'s simulator and hears its end, all while parts still come, on the same machine. A rate that holds has a last tenth like the',
  'first; memory that is flat has a ratio of about 1.',
]

function tell(text: string): void {
  process.stderr.write(`${text}\n`)
}
