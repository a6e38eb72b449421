import { pino, stdTimeFunctions, type DestinationStream, type Logger } from 'pino'
import { redact, redactLine, redactText } from './redact.ts'

export type { Logger } from 'pino'
export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace'

/**
 * Makes the log of a process: JSON lines on standard output, without secrets. What is logged is copied and redacted by
 * name, type and form before it is written; the line itself is looked through once more, for what a library serialises
 * on its own ways.
 * @param process the name that each line carries
 * @param destination where lines go instead of standard output
 */
export function createLogger({ process: name, level, destination }: {
  readonly process: string
  readonly level: LogLevel
  readonly destination?: DestinationStream
}): Logger {
  const logger = pino({
    level,
    base: { process: name },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    // Errors come out of `redact` as plain objects; pino's own serialiser would copy every property of them.
    serializers: { err: (value: unknown) => value },
    hooks: {
      logMethod(args, method) {
        method.apply(this, redactArguments(args) as Parameters<typeof method>)
      },
      streamWrite: redactLine,
    },
  }, destination ?? pino.destination({ fd: 1, sync: true }))
  redactBindings(logger)
  return logger
}

function redactArguments([first, ...rest]: readonly unknown[]): unknown[] {
  const clean = rest.map((part) => redact(part))
  if (!(first instanceof Error)) return [redact(first), ...clean]
  return [{ err: redact(first) }, ...(clean.length === 0 ? [redactText(first.message)] : clean)]
}

/** Bindings of children do not pass the hook of the methods; children inherit these two from the logger. */
function redactBindings(logger: Logger): void {
  const prototype = Object.getPrototypeOf(logger) as Pick<Logger, 'child' | 'setBindings'>
  const clean = (bindings: object) => redact(bindings) as Record<string, unknown>
  Object.assign(logger, {
    child(this: Logger, bindings: object, options?: object): object {
      return prototype.child.call(this, clean(bindings), options)
    },
    setBindings(this: Logger, bindings: object): void {
      prototype.setBindings.call(this, clean(bindings))
    },
  })
}
