/**
 * `npm run soak [PAYMENTS] [SEED]`: the long run. Takes payments (1,000 unless told) while processes are killed at random,
 * and holds every acknowledged one against database, ledger and the provider's books. The seed is printed; give it back
 * to run the same again. Exit code 1 where a promise broke.
 */
import { randomInt } from 'node:crypto'
import { Platform, runKillLoop, seedFrom } from '@ngome/testkit'

const payments = seedFrom(process.argv[2], 1_000)
const seed = seedFrom(process.argv[3], randomInt(1_000_000))
const startedAtMs = performance.now()

function tell(line: string): void {
  console.log(`${((performance.now() - startedAtMs) / 1000).toFixed(1).padStart(7)} s  ${line}`)
}

tell(`kill loop of ${payments} payments, seed ${seed}`)
const platform = await Platform.start()
try {
  const { kills, acknowledged, wrongs } = await runKillLoop({
    platform, payments, seed, victims: ['gateway', 'custodian', 'dispatcher', 'simulator', 'postgres'],
    pauseMs: [200, 2_000], tell,
  })
  const killed = Object.entries(kills).map(([name, count]) => `${name} ${count}`).join(', ')
  tell(`${acknowledged} payments acknowledged; killed: ${killed}`)
  for (const wrong of wrongs) tell(`WRONG: ${wrong}`)
  tell(wrongs.length === 0 ? 'no acknowledged payment was lost or doubled, and the ledger balances' : `${wrongs.length} wrongs; seed ${seed}`)
  process.exitCode = wrongs.length === 0 ? 0 : 1
} finally {
  await platform.remove()
}
