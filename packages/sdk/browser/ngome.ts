import { ambientAfter, ambientClock, ambientDice, emitWarning, isBrowser } from '../ambient.ts'
import { Client } from '../client.ts'
import type { NgomeOptions } from '../options.ts'
import type { Runtime } from '../runtime.ts'
import { fetchTransport } from '../transport-fetch.ts'

/** The API for browsers, with publishable keys only, and for other runtimes that have `fetch`. */
export class Ngome extends Client {
  /** @throws ConfigurationError where the options cannot be worked with, a secret key in a browser among them */
  constructor(options: NgomeOptions = {}) {
    super(options, fetchRuntime())
  }
}

function fetchRuntime(): Runtime {
  return {
    ...ambientClock, ...ambientDice,
    after: ambientAfter,
    // A page has none, and what a bundler puts in its place is in everybody's hands.
    environment: () => undefined,
    warn: emitWarning,
    isBrowser: isBrowser(),
    userAgent: undefined,
    transport: fetchTransport,
  }
}
