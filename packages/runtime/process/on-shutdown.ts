import type { Logger } from '../logs/create-logger.ts'

export type ShutdownStep = {
  readonly name: string
  /** The step is left behind when it takes longer. */
  readonly deadlineMs: number
  run(): unknown
}

/** The part of `process` that this needs. */
export type ShutdownHost = Pick<NodeJS.Process, 'on' | 'exit'>

export type Shutdown = {
  /** Begins the shutdown for a reason of the process's own; a second call changes nothing. */
  begin(reason: string): Promise<void>
  isBegun(): boolean
}

/**
 * Ends the process in order: on SIGTERM, SIGINT or the launcher's end (IPC `disconnect`) the steps run one after the
 * other, then the process exits with 0, or 1 where a step failed or was late. A bug (an exception or a rejection that
 * nobody caught) ends it at once with 1: what state it is in is unknown.
 */
export function onShutdown({ steps, totalMs, logger, host = process }: {
  readonly steps: readonly ShutdownStep[]
  /** Bound of the whole: when it is over the process exits, whatever still runs. */
  readonly totalMs: number
  readonly logger: Logger
  readonly host?: ShutdownHost
}): Shutdown {
  let running: Promise<void> | undefined
  const begin = (reason: string): Promise<void> => {
    running ??= shutDown(reason)
    return running
  }
  const shutDown = async (reason: string): Promise<void> => {
    logger.info({ reason }, 'shutting down')
    const total = setTimeout(() => {
      logger.error({ totalMs }, 'the shutdown took too long')
      host.exit(1)
    }, totalMs)
    let failed = 0
    for (const step of steps) if (!await runStep(step, logger)) failed++
    clearTimeout(total)
    logger.info({ failed }, 'shut down')
    host.exit(failed === 0 ? 0 : 1)
  }
  const onBug = (error: unknown) => {
    logger.fatal({ err: error }, 'a bug: nobody caught this')
    host.exit(1)
  }
  // A second signal changes nothing: Ctrl-C reaches a child from the terminal and from the launcher.
  host.on('SIGTERM', () => void begin('SIGTERM'))
  host.on('SIGINT', () => void begin('SIGINT'))
  host.on('disconnect', () => void begin('the launcher has gone'))
  host.on('uncaughtException', onBug)
  host.on('unhandledRejection', onBug)
  return { begin, isBegun: () => running !== undefined }
}

async function runStep(step: ShutdownStep, logger: Logger): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not done in ${step.deadlineMs} ms`)), step.deadlineMs)
  })
  try {
    await Promise.race([(async () => step.run())(), late])
    return true
  } catch (error) {
    logger.error({ step: step.name, err: error }, 'a step of the shutdown failed')
    return false
  } finally {
    clearTimeout(timer)
  }
}
