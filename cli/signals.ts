/** Signals, as the commands see them. */
export type Signals = {
  readonly interrupted: AbortSignal
  /** Aborts when Ctrl-C came again: whoever asks twice does not want to wait. */
  readonly insisted: AbortSignal
  readonly onReload: (listener: () => void) => void
}

/** The part of `process` that this needs. */
export type SignalHost = Pick<NodeJS.Process, 'on' | 'channel'>

/**
 * npm and the bootstrap pass on a Ctrl-C that the terminal has sent to all of them already: what comes within this time
 * is the same one.
 */
const sameMs = 700

/**
 * @param hasTerminal whether one was there at the start; at its hang-up it is too late to look
 */
export function watchSignals(host: SignalHost, hasTerminal: boolean, monotonicMs: () => number): Signals {
  const interrupted = new AbortController()
  const insisted = new AbortController()
  const reloads: (() => void)[] = []
  let firstAtMs: number | undefined
  const interrupt = (): void => {
    if (firstAtMs === undefined) {
      firstAtMs = monotonicMs()
      interrupted.abort()
    } else if (monotonicMs() - firstAtMs > sameMs) insisted.abort()
  }
  host.on('SIGINT', interrupt)
  host.on('SIGTERM', interrupt)
  host.on('SIGHUP', () => {
    // A terminal that closes says so with SIGHUP; without one it is the old word for "read your configuration anew".
    if (hasTerminal) interrupt()
    else for (const reload of reloads) reload()
  })
  // The bootstrap that started us has gone and can pass nothing on any more.
  host.on('disconnect', interrupt)
  // Listening alone must not keep a command alive that is done.
  host.channel?.unref()
  return { interrupted: interrupted.signal, insisted: insisted.signal, onReload: (listener) => reloads.push(listener) }
}
