/** Tells the launcher, where there is one, that a simulator listens, and stops it when anybody asks. */
export function runUntilStopped(
  simulator: { readonly port: number; readonly stop: () => Promise<void> }, log: (line: object) => void,
): void {
  let stopping: Promise<void> | undefined
  const stop = (): void => {
    stopping ??= simulator.stop().then(() => {
      log({ msg: 'stopped' })
      // The channel to the launcher would keep the process alive.
      if (process.connected) process.disconnect?.()
    })
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
  process.once('disconnect', stop)
  process.on('message', (message: unknown) => {
    if (typeof message === 'object' && message !== null && 'type' in message && message.type === 'drain') stop()
  })
  log({ msg: 'listening', port: simulator.port })
  process.send?.({ type: 'ready', port: simulator.port })
}
