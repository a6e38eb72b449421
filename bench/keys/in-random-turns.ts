/** Count, mean and variance of samples, one after the other (Welford). */
export type Samples = { count: number; mean: number; squares: number }

export function noSamples(): Samples {
  return { count: 0, mean: 0, squares: 0 }
}

export function addSample(samples: Samples, value: number): void {
  samples.count++
  const delta = value - samples.mean
  samples.mean += delta / samples.count
  samples.squares += delta * (value - samples.mean)
}

/**
 * Student's t of differences: whether ways of working differ in the same direction whichever key it is. Two keys of the same way
 * differ by some nanoseconds as well, by where they lie in memory, and that tells nobody anything. Above 4.5 in either direction two ways
 * are told apart by their time with next to no doubt (the threshold of TVLA, and of dudect).
 */
export function pairedT(differences: readonly number[]): number {
  const samples = noSamples()
  for (const difference of differences) addSample(samples, difference)
  const spread = samples.squares / (samples.count - 1) / samples.count
  return spread === 0 ? 0 : samples.mean / Math.sqrt(spread)
}

/**
 * Times ways of working in turns, in an order that a generator decides, and leaves out what a garbage collection or a neighbour
 * stretched: samples above the given part of a first look, the same for all.
 * @returns for each way its samples
 */
export function timeInTurns<Name extends string>(
  ways: Readonly<Record<Name, () => unknown>>, { samples, random }: { readonly samples: number; readonly random: () => number },
): Readonly<Record<Name, Samples>> {
  const names = Object.keys(ways) as Name[]
  const [first] = names
  if (first === undefined) throw new RangeError('nothing to time')
  const drawn = (): Name => names[Math.floor(random() * names.length)] ?? first
  const timed = (name: Name): number => {
    const startNs = process.hrtime.bigint()
    ways[name]()
    return Number(process.hrtime.bigint() - startNs)
  }
  const firstLook = Array.from({ length: firstLookSamples }, () => timed(drawn()))
  const tooLongNs = firstLook.toSorted((a, b) => a - b)[Math.floor(firstLookSamples * keptPart)] ?? Number.POSITIVE_INFINITY
  const found = Object.fromEntries(names.map((name) => [name, noSamples()])) as Record<Name, Samples>
  while (names.some((name) => found[name].count < samples)) {
    const name = drawn()
    const tookNs = timed(name)
    if (tookNs <= tooLongNs) addSample(found[name], tookNs)
  }
  return found
}

const firstLookSamples = 30_000
const keptPart = 0.9
