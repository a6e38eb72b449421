import type { Transport, TransportOptions } from './transport.ts'

/** What a client needs of where it runs; passed in, so that a test holds the time and the dice. */
export type Runtime = {
  /** Milliseconds since 1970. */
  readonly nowMs: () => number
  /** Milliseconds that only go forward. */
  readonly elapsedMs: () => number
  /** From 0 up to, not including, 1. Spreads retries; nothing secret is made of it. */
  readonly random: () => number
  /** A text that nobody guesses or meets twice. */
  readonly uuid: () => string
  /** Does the work later. @returns what cancels it */
  readonly after: (ms: number, work: () => void) => () => void
  readonly environment: (name: string) => string | undefined
  readonly warn: (message: string) => void
  /** Where whoever visits can read what is loaded. */
  readonly isBrowser: boolean
  readonly userAgent: string | undefined
  readonly transport: (options: TransportOptions) => Transport
}

/** Waits, unless the signal ends it. @throws the signal's reason, by the caller's `throwIfAborted` */
export function pause(runtime: Pick<Runtime, 'after'>, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      cancel()
      signal.removeEventListener('abort', end)
      resolve()
    }
    const cancel = runtime.after(ms, end)
    signal.addEventListener('abort', end, { once: true })
    if (signal.aborted) end()
  })
}
