import { Fault } from '@ngome/kernel'

/**
 * SQLSTATEs that say that the database cannot serve us now: connection exceptions (class 08), invalid authorization
 * (28, while passwords rotate), insufficient resources (53), operator intervention with statement timeouts (57),
 * a transaction that sat idle (25P03), read-only after a failover (25006), serialization and deadlock (40); and our own of a ledger
 * that came from another cluster (NG030), whose sums somebody has to make anew.
 */
const unavailableStates = /^(08|28|53|57|40|25P03$|25006$|NG030$)/
const networkCodes = new Set([
  'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN',
])
/** pg names these failures by their words alone. */
const driverMessages = [
  'Connection terminated', 'timeout expired', 'timeout exceeded when trying to connect', 'Query read timeout',
  'Client has encountered a connection error', 'Client was closed', 'Cannot use a pool after calling end',
  'driver has already been destroyed',
]

/**
 * @returns `store/unavailable` for a database that is away or overwhelmed; every other error as it is, but without the
 * rows and statements that PostgreSQL quotes in it: whoever logs it must not log them
 */
export function storeFault(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof Fault) return error
  for (const quoting of ['detail', 'where', 'internalQuery']) {
    if (quoting in error) Reflect.deleteProperty(error, quoting)
  }
  const code = errorCode(error)
  const isAway = code !== undefined && (unavailableStates.test(code) || networkCodes.has(code))
  if (isAway || driverMessages.some((words) => error.message.includes(words))) {
    const why = code === foreignLedger ? error.message : `the database is away: ${code ?? error.message}`
    return new Fault('store/unavailable', why, { cause: error })
  }
  // Happy Eyeballs gathers the failures of all addresses.
  if (error instanceof AggregateError && error.errors.some((inner) => storeFault(inner) instanceof Fault)) {
    return new Fault('store/unavailable', 'the database is away', { cause: error })
  }
  return error
}

/** Raised by `ngome.ledger_era`. */
const foreignLedger = 'NG030'

/** @returns the SQLSTATE or the system's error code, where the error has one */
export function errorCode(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : undefined
}

/** @returns the name of the constraint that refused, where one did */
export function violatedConstraint(error: unknown): string | undefined {
  const name = error instanceof Error && 'constraint' in error ? error.constraint : undefined
  return typeof name === 'string' ? name : undefined
}

export const foreignKeyViolation = '23503'
export const uniqueViolation = '23505'
export const lockNotAvailable = '55P03'

/** @returns `store/unavailable` where another held a row for too long; every other error as it is */
export function heldRowFault(error: unknown): unknown {
  return errorCode(error) === lockNotAvailable ? new Fault('store/unavailable', 'a row was not free in time', { cause: error }) : error
}

/** Runs a use of the database and turns its absence into the one fault for it. */
export async function guarded<R>(use: () => Promise<R>): Promise<R> {
  try {
    return await use()
  } catch (error) {
    throw storeFault(error)
  }
}
