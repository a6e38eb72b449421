import { Fault, type Secret } from '@ngome/kernel'
import type { Logger } from '@ngome/runtime'

type Values = ReadonlyMap<number, Secret<Uint8Array>>

/** Where peppers come from: the custodian. */
export type PepperSource = {
  /** The versions that are alive; a question that costs the custodian little. */
  versions(): Promise<readonly number[]>
  /** Their values. */
  values(): Promise<Values>
}

/** A replaced pepper is known to every gateway within so long. */
const lookEveryMs = 30_000
/** A key under a pepper that nobody knows makes us ask no oftener. */
const askAgainMs = 1_000

/** The peppers of API keys by version, kept as the custodian has them: a new one is learnt, one that ended is let go of. */
export class Peppers {
  readonly #source: PepperSource
  readonly #monotonicMs: () => number
  readonly #logger: Logger
  readonly #onChange: () => void
  #values: Values
  #some: Secret<Uint8Array>
  #asked: { readonly atMs: number; readonly answer: Promise<void> } | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(from: {
    readonly first: Values; readonly source: PepperSource; readonly monotonicMs: () => number; readonly logger: Logger
    /** Hears of it when versions came or went. */
    readonly onChange: () => void
  }) {
    this.#source = from.source
    this.#monotonicMs = from.monotonicMs
    this.#logger = from.logger
    this.#onChange = from.onChange
    this.#values = from.first
    this.#some = newestOf(from.first)
  }

  get(version: number): Secret<Uint8Array> | undefined {
    return this.#values.get(version)
  }

  /** Any of them, for checks that must cost what a real one costs. */
  get some(): Secret<Uint8Array> {
    return this.#some
  }

  /** Whether keys are moving from one to another. */
  get isRotating(): boolean {
    return this.#values.size > 1
  }

  /**
   * Asks the custodian, unless that was done a moment ago: then its outcome is the answer.
   * @throws Fault `custodian/unavailable`
   */
  learn(): Promise<void> {
    const nowMs = this.#monotonicMs()
    if (this.#asked === undefined || nowMs - this.#asked.atMs >= askAgainMs) this.#asked = { atMs: nowMs, answer: this.#look() }
    return this.#asked.answer
  }

  /** Looks again and again. @returns what stops it */
  keepLooking(everyMs: number = lookEveryMs): () => void {
    this.#timer = setInterval(() => {
      this.learn().catch((err: unknown) => this.#logger.warn({ err }, 'peppers could not be looked for; those at hand are used until then'))
    }, everyMs)
    this.#timer.unref()
    return () => clearInterval(this.#timer)
  }

  async #look(): Promise<void> {
    const versions = await this.#source.versions()
    if (versions.length === this.#values.size && versions.every((version) => this.#values.has(version))) return
    const values = await this.#source.values()
    this.#some = newestOf(values)
    this.#values = values
    this.#onChange()
    this.#logger.info({ versions: [...values.keys()] }, 'the peppers changed')
  }
}

function newestOf(values: Values): Secret<Uint8Array> {
  const newest = [...values].toSorted(([a], [b]) => b - a)[0]
  if (newest === undefined) throw new Fault('custodian/unavailable', 'API keys cannot be checked without a pepper')
  return newest[1]
}
