import { isIP } from 'node:net'
import { createClient } from '@redis/client'
import type { Grant, Want } from '@ngome/access'
import type { Config } from '@ngome/runtime'
import { z } from 'zod'
import { takeScript } from './take-script.ts'

type StoreConfig = NonNullable<Config['limits']['store']>

/** Each try to connect. */
const connectTimeoutMs = 1_000
/** Between tries: a store that is back is found within it. */
const reconnectMs = 250
/** Commands that wait for an answer; more are refused here, which counts as away. */
const commandsMax = 1_000
/** Names of ours in a store that others may use too. */
const prefix = 'ngome:limits:'
const perGrant = 3
const idSchema = z.string().regex(/^[0-9a-f]{40}$/)
const answerSchema = z.array(z.string().regex(/^-?[0-9]{1,16}$/))

/** One connection to Valkey or Redis that runs the script; `take` waits for as long as it takes. */
export type RedisStore = {
  readonly take: (wants: readonly Want[]) => Promise<readonly Grant[]>
  readonly ping: () => Promise<void>
  /** Drops the connection and makes another: for one that is dead without a word. */
  readonly reconnect: () => void
  readonly stop: () => void
}

/** Connects in the background, and again whenever the connection is lost. */
export function connectRedis(config: StoreConfig, onError: (error: unknown) => void): RedisStore {
  const made: { client?: ReturnType<typeof newClient> } = {}
  const connect = (): void => {
    made.client?.destroy()
    const client = made.client = newClient(config)
    client.on('error', onError)
    client.connect().catch(onError)
  }
  connect()
  const send = (args: readonly string[]): Promise<unknown> => made.client?.sendCommand([...args]) ?? Promise.reject(new Error('not connected'))
  let scriptId: string | undefined
  const run = async (wants: readonly Want[]): Promise<unknown> => {
    // The store's own name for it; it stays the same for as long as the script does.
    scriptId ??= idSchema.parse(await send(['SCRIPT', 'LOAD', takeScript]))
    return runScript(send, scriptId, wants)
  }
  return {
    take: async (wants) => grantsIn(await run(wants), wants.length),
    ping: async () => { await send(['PING']) },
    reconnect: connect,
    stop: () => made.client?.destroy(),
  }
}

function newClient(config: StoreConfig) {
  const url = new URL(config.url)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const port = Number(url.port === '' ? 6379 : url.port)
  const common = { host, port, connectTimeout: connectTimeoutMs, reconnectStrategy: () => reconnectMs, noDelay: true }
  return createClient({
    socket: url.protocol === 'rediss:'
      // An address is no name to ask for (RFC 6066 §3); the certificate is held against it all the same.
      ? { ...common, tls: true, ...(isIP(host) === 0 ? { servername: host } : {}), minVersion: 'TLSv1.3', ...authorityOf(config) } : common,
    ...(config.user === undefined ? {} : { username: config.user }),
    ...(config.password === undefined ? {} : { password: config.password.expose((text) => text) }),
    ...(url.pathname.length > 1 ? { database: Number(url.pathname.slice(1)) } : {}),
    // What was not sent is refused at once: a gateway that waits for a store serves nobody.
    disableOfflineQueue: true,
    commandsQueueMaxLength: commandsMax,
  })
}

function authorityOf({ authority }: StoreConfig): { readonly ca?: string } {
  return authority === undefined ? {} : { ca: authority.expose((text) => text) }
}

async function runScript(
  send: (args: readonly string[]) => Promise<unknown>, scriptId: string, wants: readonly Want[],
): Promise<unknown> {
  const keys = [`${prefix}began`, ...wants.map(({ bucket }) => prefix + bucket)]
  const args = wants.flatMap(({ pace, need, want, debt }) => [pace.capacity, pace.gain, need, want, debt].map(String))
  const rest = [String(keys.length), ...keys, ...args]
  try {
    return await send(['EVALSHA', scriptId, ...rest])
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
    return send(['EVAL', takeScript, ...rest])
  }
}

function grantsIn(answer: unknown, count: number): readonly Grant[] {
  const numbers = answerSchema.length(count * perGrant).parse(answer).map(Number)
  return Array.from({ length: count }, (_, at) => ({
    taken: numbers[at * perGrant] ?? 0, level: numbers[at * perGrant + 1] ?? 0, waitUs: numbers[at * perGrant + 2] ?? 0,
  }))
}
