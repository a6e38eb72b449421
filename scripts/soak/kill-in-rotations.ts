import { softHsmIsMissing } from '@ngome/testkit'
import { killRotations, planKills } from '../../services/custodian/testing/kill-rotations.ts'
import { rotationKinds } from '../../services/custodian/testing/rotation-kinds.ts'

/** What is promised of a custodian whose root key is in an HSM. */
const hsmRestartMsMax = 5_000

/**
 * Kills custodians at random points of rotations of every kind, and holds what was acknowledged against their stores.
 * @returns whether nothing was lost, every rotation ended, and a start with an HSM root took less than 5 s
 */
export async function killInRotations(points: number, seed: number, tell: (line: string) => void): Promise<boolean> {
  const missing = softHsmIsMissing()
  if (missing !== false) throw new Error(missing)
  tell(`kills at ${points} points of rotations, seed ${seed}`)
  const { kills, openings, slowestRestartMs, wrongs } = await killRotations(planKills(rotationKinds, points, seed), { seed, tell })
  for (const [kind, { all, amid }] of Object.entries(kills)) tell(`${kind}: killed ${all} times, ${amid} of them with work left`)
  for (const [place, ms] of Object.entries(slowestRestartMs)) tell(`slowest restart, ${place}: ${ms} ms`)
  const isSlow = Object.entries(slowestRestartMs).some(([place, ms]) => place === 'hsm' && ms > hsmRestartMsMax)
  for (const wrong of wrongs) tell(`WRONG: ${wrong}`)
  if (isSlow) tell(`WRONG: a custodian with its root in an HSM took more than ${hsmRestartMsMax} ms to start`)
  const isKept = wrongs.length === 0 && !isSlow
  tell(isKept ? `${openings} openings; every rotation ended, no record was lost, the logs hold` : `a promise broke; seed ${seed}`)
  return isKept
}
