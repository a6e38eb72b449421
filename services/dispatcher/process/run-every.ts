import type { Logger } from '@ngome/runtime'

/** Runs work at once and then again and again until the signal, never twice at the same time; a failure ends one run. */
export function runEvery(everyMs: number, name: string, logger: Logger, signal: AbortSignal, work: () => Promise<void>): void {
  let isRunning = false
  const run = async (): Promise<void> => {
    if (isRunning) return
    isRunning = true
    try {
      await work()
    } catch (error) {
      logger.warn({ err: error }, `${name} failed; it runs again`)
    } finally {
      isRunning = false
    }
  }
  const timer = setInterval(() => void run(), everyMs)
  timer.unref()
  signal.addEventListener('abort', () => { clearInterval(timer) }, { once: true })
  void run()
}
