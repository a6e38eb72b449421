import { randomBytes } from 'node:crypto'
import { blindOnce } from '@ngome/envelope'
import { Secret } from '@ngome/kernel'
import {
  fingerprintOfIndex, guessesMax, guessNumbers, indexUnder, SeededRandom, thiefsConstructions,
} from '@ngome/testkit'

const prefix = 'vault/phone/+25677'
/** Numbers between two lines of the report. */
const step = 100_000

/**
 * Tries the numbers of a prefix against a fingerprint, with all that a gateway holds: secrets of its kind and number. What
 * the platform's own fingerprints are, `cli/period-turn.test.ts` holds; here it is the whole prefix that counts.
 * @returns whether none was found, and the planted one is, once the index key is among the secrets
 */
export async function guessIndexes(count: number, seed: number, tell: (line: string) => void): Promise<boolean> {
  const numbers = Math.min(count, guessesMax)
  tell(`${numbers} numbers of a prefix, seed ${seed}`)
  const planted = new SeededRandom(seed).between(0, numbers - 1)
  const value = prefix + String(planted).padStart(7, '0')
  const secrets = ['api-pepper', 'index-outer', 'idempotency', 'callback'].map((name) => ({ name, value: randomBytes(32) }))
  const [outer, indexKey] = [secrets[1]?.value ?? randomBytes(32), randomBytes(32)]
  const fingerprints = new Set([fingerprintOfIndex(indexUnder(indexKey, blindOnce(new Secret(outer), value)))])
  const constructions = thiefsConstructions(secrets, outer)
  const found: string[] = []
  for (let from = 0; from < numbers; from += step) {
    found.push(...guessNumbers({ prefix, from, count: Math.min(step, numbers - from), fingerprints, constructions }))
    if (from % (step * 10) === 0) tell(`${from} numbers tried`)
  }
  const control = thiefsConstructions([{ name: 'the index key', value: indexKey }], outer)
  const isSeen = guessNumbers({ prefix, from: planted, count: 1, fingerprints, constructions: control }).length === 1
  for (const one of found) tell(`WRONG: ${one}`)
  if (!isSeen) tell('WRONG: the search does not find the number with the index key either')
  tell(found.length === 0 && isSeen ? `no match by ${constructions.length} constructions; with the index key there is one` : 'a promise broke')
  return found.length === 0 && isSeen
}
