import { equalsInConstantTime, wipeableBytes, type Random, Secret } from '@ngome/kernel'
import { combine, split } from 'shamir-secret-sharing'
import { rootKeyBytes } from '../software-root-key.ts'
import { checkValue, type ShareSet } from './share-set.ts'
import { formatShare, setIdBytes } from './share-text.ts'

/** A new set, and the text of each of its shares, to be wiped when its holder has it. */
export type MadeShares = { readonly set: ShareSet; readonly texts: readonly Uint8Array[] }

/** Makes a root key, of which nothing is left but its shares. */
export async function splitNewRoot(random: Random, { shares, threshold }: {
  readonly shares: number
  readonly threshold: number
}): Promise<MadeShares> {
  const id = Buffer.from(random.bytes(setIdBytes)).toString('hex')
  const root = wipeableBytes(rootKeyBytes)
  const parts: Uint8Array[] = []
  try {
    const fresh = random.bytes(rootKeyBytes)
    root.set(fresh)
    fresh.fill(0)
    for (const part of await split(root, shares, threshold)) parts.push(wipeable(part))
    // Before anybody relies on them, by the other half of the library: the first of them and the last make the root.
    for (const some of [parts.slice(0, threshold), parts.slice(-threshold)]) await assertMakes(root, some)
    const set = { version: 1, set: id, shares, threshold, check: await checkValue(new Secret(root), id, random) } as const
    return { set, texts: parts.map((part) => formatShare({ set: id, threshold, index: part.at(-1) ?? 0, value: part.subarray(0, -1) })) }
  } finally {
    root.fill(0)
    for (const part of parts) part.fill(0)
  }
}

/** Puts a root together, right or wrong. The parts stay the caller's to wipe, and so does the root. */
export async function combineRoot(parts: Uint8Array[]): Promise<Uint8Array> {
  return wipeable(await combine(parts))
}

async function assertMakes(root: Uint8Array, parts: Uint8Array[]): Promise<void> {
  const made = await combineRoot(parts)
  const isSame = equalsInConstantTime(made, root)
  made.fill(0)
  if (!isSame) throw new TypeError('shares that do not make their root')
}

/** The library's arrays lie where the garbage collector may copy them: taken over at once. */
function wipeable(bytes: Uint8Array): Uint8Array {
  const own = wipeableBytes(bytes.length)
  own.set(bytes)
  bytes.fill(0)
  return own
}
