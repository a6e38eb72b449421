import { networkOf } from '@ngome/behaviour'
import type { ApiKeyId, Clock } from '@ngome/kernel'
import type { Logger } from '@ngome/runtime'
import type { KeyUse } from '@ngome/store'
import { plainAgent } from './plain-agent.ts'

/** So old may be what `ngome keys list` shows of a gateway that lives. */
const writeEveryMs = 5_000
/** Keys between two writings, as many as a gateway remembers rows of; a key more is noted at its next use. */
export const usesMax = 10_000

/** What is needed of a request. */
type HeardRequest = {
  readonly caller: { readonly apiKey: ApiKeyId } | null
  readonly socket: { readonly remoteAddress?: string | undefined }
  readonly headers: { readonly 'user-agent'?: string | undefined }
}
type Use = { readonly atMs: number; readonly address: string | undefined; readonly agent: string | undefined }

/** Remembers when each key was used last, and writes it beside the requests, one statement for all keys. */
export class LastUses {
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #write: (uses: readonly KeyUse[]) => Promise<void>
  #uses = new Map<ApiKeyId, Use>()
  #underWay: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined

  constructor(from: { readonly clock: Clock; readonly logger: Logger; readonly write: (uses: readonly KeyUse[]) => Promise<void> }) {
    this.#clock = from.clock
    this.#logger = from.logger
    this.#write = from.write
  }

  /** Hears of a request whose key was proven, whatever came of it. */
  heard({ caller, socket, headers }: HeardRequest): void {
    if (caller === null || this.#uses.size >= usesMax && !this.#uses.has(caller.apiKey)) return
    this.#uses.set(caller.apiKey, { atMs: this.#clock.nowMs(), address: socket.remoteAddress, agent: headers['user-agent'] })
  }

  start(everyMs: number = writeEveryMs): void {
    this.#timer = setInterval(() => void this.flush(), everyMs)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Writes what was heard until now. It never throws: what cannot be written is lost, and comes again with the next use. */
  flush(): Promise<void> {
    return this.#underWay = this.#underWay.then(async () => {
      if (this.#uses.size === 0) return
      const uses = [...this.#uses].map(([key, { atMs, address, agent }]): KeyUse => (
        { key, atMs, network: networkOf(address ?? '') ?? '', agent: plainAgent(agent) ?? '' }
      ))
      this.#uses = new Map()
      await this.#write(uses).catch((err: unknown) => this.#logger.warn({ err }, 'when keys were used last could not be kept'))
    })
  }
}
