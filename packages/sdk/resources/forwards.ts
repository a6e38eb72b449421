import type { Forward } from '../api/answers.ts'
import type { CreateForward } from '../api/requests.ts'
import type { CallOptions, Caller } from '../caller.ts'
import { assertId } from '../check-input.ts'
import { TimeoutError } from '../errors.ts'
import { pause, type Runtime } from '../runtime.ts'

export type WaitOptions = {
  /** Milliseconds for the whole wait; 60,000 where left out. */
  readonly waitMs?: number | undefined
  /** Milliseconds between two looks; 1,000 where left out, 250 at least. */
  readonly everyMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

const waitMsDefault = 60_000
const everyMsDefault = 1_000
const everyMsMin = 250

export class Forwards {
  readonly #caller: Caller
  readonly #runtime: Pick<Runtime, 'elapsedMs' | 'after'>

  constructor(caller: Caller, runtime: Pick<Runtime, 'elapsedMs' | 'after'>) {
    this.#caller = caller
    this.#runtime = runtime
  }

  /** Sends a request with tokens to an address that the operator allowed. It may not be over yet: `wait` for it. */
  async create(forward: CreateForward, options?: CallOptions): Promise<Forward> {
    return this.#caller.call('createForward', { body: forward }, options)
  }

  async get(id: string, options?: CallOptions): Promise<Forward> {
    assertId(id, 'fwd')
    return this.#caller.call('getForward', { params: { id } }, options)
  }

  /** Looks again and again until it is over. @throws TimeoutError `sdk/wait_timeout` where it is not within the wait */
  async wait(id: string, { waitMs = waitMsDefault, everyMs = everyMsDefault, signal }: WaitOptions = {}): Promise<Forward> {
    const endsAtMs = this.#runtime.elapsedMs() + waitMs
    for (;;) {
      const forward = await this.get(id, { signal, timeoutMs: Math.max(1, endsAtMs - this.#runtime.elapsedMs()) })
      if (forward.status !== 'accepted' && forward.status !== 'sent') return forward
      const pauseMs = Math.max(everyMsMin, everyMs)
      if (this.#runtime.elapsedMs() + pauseMs >= endsAtMs) {
        throw new TimeoutError({ code: 'sdk/wait_timeout', message: `${id} was not over within ${waitMs} ms; read it later` })
      }
      await pause(this.#runtime, pauseMs, signal ?? new AbortController().signal)
    }
  }
}
