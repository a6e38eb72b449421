import { Platform, runKillLoop } from '@ngome/testkit'

/**
 * Takes payments, payouts, refunds and a batch while processes are killed at random, and holds all that was acknowledged against database, ledger,
 * the merchant's balance and the provider's books.
 * @returns whether none was lost or doubled
 */
export async function takePayments(payments: number, seed: number, tell: (line: string) => void): Promise<boolean> {
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
    return wrongs.length === 0
  } finally {
    await platform.remove()
  }
}
