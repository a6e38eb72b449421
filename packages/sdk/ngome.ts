import { ambientAfter, ambientClock, ambientDice, ambientEnvironment, emitWarning, isBrowser } from './ambient.ts'
import { Client } from './client.ts'
import type { NgomeOptions } from './options.ts'
import type { Runtime } from './runtime.ts'
import { nodeTransport } from './transport-node.ts'
import { sdkVersion } from './version.ts'

/** The API for servers, on Node 20 or later. */
export class Ngome extends Client {
  /** @throws ConfigurationError where the options cannot be worked with */
  constructor(options: NgomeOptions = {}) {
    super(options, nodeRuntime())
  }
}

function nodeRuntime(): Runtime {
  return {
    ...ambientClock, ...ambientDice,
    after: ambientAfter,
    environment: ambientEnvironment,
    warn: emitWarning,
    isBrowser: isBrowser(),
    userAgent: `ngome-sdk/${sdkVersion}`,
    transport: nodeTransport,
  }
}
