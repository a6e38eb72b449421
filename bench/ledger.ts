import { testServer } from '@ngome/testkit'
import { Book } from './ledger/book.ts'
import { median, rateCase, type BenchCase, type BenchReport } from './harness.ts'
import { durableDatabase } from './sides/durable-database.ts'

/** As many at once as a busy platform's processes have connections together. */
const connections = 16
const spreadOver = 64
const perRound = 480
const rounds = 7

/** What comes into one merchant's account, and what is taken out of it, beside the same spread over many accounts. */
export async function bench(): Promise<BenchReport> {
  const server = await testServer({ shared_buffers: '128MB' })
  try {
    const database = await durableDatabase(server, 'ngome')
    const book = await Book.open(database, connections, spreadOver)
    const cases = [
      await inTurns('incomes on one account', (merchants, count) => book.incomes(merchants, count), book),
      await inTurns('takings from one account', (merchants, count) => book.takings(merchants, count), book),
    ]
    await book.check()
    await database.close()
    return { bench: 'ledger', cases, notes }
  } finally {
    await server.postgres.stop()
  }
}

const notes = [
  `${connections} connections in one process, in turns of ${perRound}; each is a transaction of its own, on disk before it counts.`,
  `The baseline does the same with ${spreadOver} merchants in turns. An income is the end of a collection: attempt, payment, transfers,`,
  'event and leaf, as the dispatcher records it. A taking is the acceptance of a payout, as the gateway writes it: who takes waits for who',
  'takes of the same account until the commit, so that its rate is that of one connection after the other, and bounded by the disk.',
  'The check of the ledger finds nothing wrong afterwards, or there is no report.',
]

/** A run of so many, prepared before and timed alone. @returns how many a second */
type Run = (merchants: readonly number[], count: number) => Promise<number>

async function inTurns(name: string, run: Run, book: Book): Promise<BenchCase> {
  const one: number[] = []
  const many: number[] = []
  for (let round = -1; round < rounds; round++) {
    const hot = await run([0], perRound)
    const spread = await run(book.merchants.map((_, at) => at), perRound)
    // The first warms up.
    if (round < 0) continue
    one.push(hot)
    many.push(spread)
    process.stderr.write(`${name}: ${round + 1} of ${rounds}\n`)
  }
  return rateCase(name, '1/s', median(one), median(many))
}
