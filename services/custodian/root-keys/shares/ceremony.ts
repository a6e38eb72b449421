import { ceremonyPhases, type CeremonyRefusal, type CeremonyState } from '@ngome/contracts'
import { Secret, type Random } from '@ngome/kernel'
import { CollectedShares } from './collected-shares.ts'
import { dropNextSet, isRootOf, keepShareSet, shareSetFiles, type ShareSet } from './share-set.ts'
import { parseShare, type Share } from './share-text.ts'
import { combineRoot, splitNewRoot, type MadeShares } from './split-root.ts'

/** Holders who meet, or phone each other, have entered their shares by then; a share that lies about longer is at risk. */
export const shareLifeMs = 15 * 60_000

/** Who watches a ceremony: nothing of it is a secret. */
export type CeremonyWatch = {
  progress(state: CeremonyState): void
  refused(reason: CeremonyRefusal): void
}

export type Entered = { readonly type: 'accepted' } | { readonly type: 'unsealed' } | Refused
export type Refused = { readonly type: 'refused'; readonly reason: CeremonyRefusal }

/** Whoever makes a set, while he does; only he is handed its shares. */
export type Maker = object

type Making = { readonly by: Maker; made?: MadeShares; handedOut: number }

type Options = {
  readonly folder: string
  readonly set: ShareSet | undefined
  /** Whether the set is one that is to take another's place: until its root is, it can be made anew. */
  readonly isNext?: boolean
  readonly random: Random
  readonly watch: CeremonyWatch
  readonly lifeMs: number
}

/** What happens between a start without a root key and the root key, or between a root key and its successor. Every share in it is wiped, however it ends. */
export class Ceremony {
  /** The root key, once a quorum was here; never where the ceremony was ended before. */
  readonly unsealed: Promise<Secret<Uint8Array>>
  readonly #options: Options
  readonly #collected: CollectedShares
  readonly #resolve: (root: Secret<Uint8Array>) => void
  #set: ShareSet | undefined
  #making: Making | undefined
  #isOver = false

  constructor(options: Options) {
    this.#options = options
    this.#set = options.set
    this.#collected = new CollectedShares(options.lifeMs, () => options.watch.progress(this.state))
    const { promise, resolve } = Promise.withResolvers<Secret<Uint8Array>>()
    this.unsealed = promise
    this.#resolve = resolve
  }

  get state(): CeremonyState {
    const [unmade, making, collecting] = ceremonyPhases
    if (this.#set !== undefined) return { phase: collecting, have: this.#collected.count, need: this.#set.threshold }
    return { phase: this.#making === undefined ? unmade : making, have: 0, need: 0 }
  }

  /** Takes what a holder typed, and wipes it. With the last of a quorum it is tried whether they make the root. */
  async enter(text: Uint8Array): Promise<Entered> {
    const parsed = parseShare(text)
    text.fill(0)
    if (!parsed.ok) return this.#refuse(parsed.reason)
    const set = this.#set
    const reason = this.#problem(parsed.share)
    if (set === undefined || reason !== undefined) {
      parsed.share.value.fill(0)
      return this.#refuse(reason ?? 'not_made')
    }
    if (!this.#collected.add(parsed.share)) return this.#refuse('repeated')
    this.#options.watch.progress(this.state)
    // Taken out before anything is awaited, so that a share that comes meanwhile begins a new collection.
    return this.#collected.count < set.threshold ? { type: 'accepted' } : this.#try(set, this.#collected.take())
  }

  /** Makes a new set for one who hands its shares out; the root key is dropped, for its holders to bring back. */
  async make(by: Maker, wish: { readonly shares: number; readonly threshold: number }): Promise<Refused | undefined> {
    if (this.#set !== undefined && this.#options.isNext !== true) return this.#refuse('already_made')
    if (this.#making !== undefined || this.#isOver) return this.#refuse('busy')
    if (this.#set !== undefined) this.#dropNext()
    const making: Making = { by, handedOut: 0 }
    this.#making = making
    this.#options.watch.progress(this.state)
    making.made = await splitNewRoot(this.#options.random, wish)
    // He may have left while it was made.
    if (this.#making !== making) wipeTexts(making.made)
    return undefined
  }

  /**
   * The next share of the set that this one makes; the one before is taken down, and wiped. After the last the set is kept.
   * @returns `undefined` where he makes none, and `kept` with the set when all have theirs
   */
  next(by: Maker): { readonly number: number; readonly of: number; readonly text: Uint8Array } | { readonly kept: string } | undefined {
    const making = this.#making
    if (making?.by !== by || making.made === undefined) return undefined
    const { set, texts } = making.made
    texts[making.handedOut - 1]?.fill(0)
    const text = texts[making.handedOut]
    if (text !== undefined) return { number: ++making.handedOut, of: texts.length, text }
    const { folder, isNext = false, random } = this.#options
    keepShareSet(folder, set, random, isNext ? shareSetFiles.next : shareSetFiles.current)
    this.#set = set
    this.leave(by)
    return { kept: set.set }
  }

  /** He has gone, or is done: what he did not hand out is wiped, and a set that is not whole was never made. */
  leave(by: Maker): void {
    if (this.#making?.by !== by) return
    if (this.#making.made !== undefined) wipeTexts(this.#making.made)
    this.#making = undefined
    if (!this.#isOver) this.#options.watch.progress(this.state)
  }

  /** Wipes whatever is here, and takes nothing more. */
  end(): void {
    this.#isOver = true
    this.#collected.wipe()
    if (this.#making !== undefined) this.leave(this.#making.by)
  }

  /** Whoever wrote shares of it down has nothing. */
  #dropNext(): void {
    this.#collected.wipe()
    dropNextSet(this.#options.folder)
    this.#set = undefined
  }

  #problem(share: Share): CeremonyRefusal | undefined {
    if (this.#isOver) return 'busy'
    if (this.#set === undefined) return 'not_made'
    // A share of this set with another threshold is nobody's; to say more would help only who forges.
    return share.set === this.#set.set && share.threshold === this.#set.threshold ? undefined : 'other_set'
  }

  async #try(set: ShareSet, parts: Uint8Array[]): Promise<Entered> {
    try {
      const bytes = await combineRoot(parts)
      const root = new Secret(bytes)
      if (!await isRootOf(root, set, this.#options.random)) {
        bytes.fill(0)
        this.#options.watch.progress(this.state)
        return this.#refuse('wrong_root')
      }
      if (this.#isOver) {
        bytes.fill(0)
        return this.#refuse('busy')
      }
      this.end()
      this.#resolve(root)
      return { type: 'unsealed' }
    } finally {
      for (const part of parts) part.fill(0)
    }
  }

  #refuse(reason: CeremonyRefusal): Refused {
    this.#options.watch.refused(reason)
    return { type: 'refused', reason }
  }
}

function wipeTexts({ texts }: MadeShares): void {
  for (const text of texts) text.fill(0)
}
