import { Refusal } from '../../calls/refusal.ts'
import type { RootSuccession } from '../root-succession.ts'
import { readShareSet, rootIdOfSet, shareSetFiles, takeUpNextSet } from './share-set.ts'

/** How a root of shares is replaced: its holders bring the successor in a ceremony, and the old set's check value goes. */
export function sharesSuccession(folder: string): RootSuccession {
  return {
    kind: 'shares',
    awaits: 'ceremony',
    canMakeNext: false,
    makeNext: () => Promise.reject(new Refusal('root_has_no_successor', 'its holders bring it in a ceremony: ngome keys ceremony --rotate')),
    // A set that nobody has proven yet waits for its holders.
    discardUnused: () => Promise.resolve(),
    destroyPrevious: async (ids) => {
      const [current, next] = [readShareSet(folder), readShareSet(folder, shareSetFiles.next)]
      if (current !== undefined && next !== undefined && ids.includes(rootIdOfSet(current))) takeUpNextSet(folder)
    },
  }
}
