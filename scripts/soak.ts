/**
 * `npm run soak`: the long runs. Without a name, or with `payments [COUNT] [SEED]`: payments, payouts, refunds and a
 * batch while processes are killed.
 * `keys [POINTS] [SEED]`: rotations of every kind while custodians are killed. `indexes [COUNT] [SEED]`: all numbers of a
 * prefix against a blind index. `certificates [ROUNDS] [SEED]`: renewals by ACME, stapled, while processes are killed.
 * `simulation [OPERATIONS] [SEED]`: simulated payments under faults. The seed is printed; give it back to run the same
 * again. Exit code 1 where a promise broke.
 */
import { randomInt } from 'node:crypto'
import { seedFrom } from '@ngome/testkit'
import { guessIndexes } from './soak/guess-indexes.ts'
import { killInRotations } from './soak/kill-in-rotations.ts'
import { renewCertificates } from './soak/renew-certificates.ts'
import { simulatePayments } from './soak/simulate-payments.ts'
import { takePayments } from './soak/take-payments.ts'

export type Tell = (line: string) => void

const runs = {
  payments: { count: 1_000, run: takePayments },
  keys: { count: 200, run: killInRotations },
  indexes: { count: 10_000_000, run: guessIndexes },
  certificates: { count: 8, run: renewCertificates },
  simulation: { count: 1_000_000, run: simulatePayments },
} as const

function isRun(name: string | undefined): name is keyof typeof runs {
  return name !== undefined && Object.hasOwn(runs, name)
}

const startedAtMs = performance.now()
const tell: Tell = (line) => {
  console.log(`${((performance.now() - startedAtMs) / 1000).toFixed(1).padStart(7)} s  ${line}`)
}

const given = process.argv.slice(2)
const name = isRun(given[0]) ? given[0] : 'payments'
const [count, seed] = isRun(given[0]) ? given.slice(1) : given
const { count: countDefault, run } = runs[name]
const isKept = await run(seedFrom(count, countDefault), seedFrom(seed, randomInt(1_000_000)), tell)
process.exitCode = isKept ? 0 : 1
