import fastify from 'fastify'
import { Books } from './books.ts'
import { callbackSender, type CallbackSettings } from './callbacks.ts'
import { Callers, type RandomBytes } from './callers.ts'
import { collectionRoutes } from './collection-routes.ts'
import { openJournal } from '../common/journal.ts'
import { Manners } from './manners.ts'
import { provisioningRoutes } from './provisioning-routes.ts'
import type { Delays } from './request-to-pay.ts'
import { simulatorRoutes } from './simulator-routes.ts'

export type SimulatorSettings = {
  readonly host: string
  readonly port: number
  readonly folder: string
  readonly delays: Delays
  readonly statusPerSecondMax: number
  readonly callbacks: CallbackSettings
}

/** MTN's bodies are a few hundred bytes; a script of bad manners is the largest that comes. */
const bodyBytesMax = 65_536

/** Opens the books and listens; `stop` lets running requests end and cuts those that hang. */
export async function startSimulator(
  settings: SimulatorSettings, world: { readonly nowMs: () => number; readonly randomBytes: RandomBytes }, log: (line: object) => void,
): Promise<{ port: number; stop: () => Promise<void> }> {
  const { nowMs, randomBytes } = world
  const { journal, entries } = await openJournal(settings.folder)
  const books = new Books(journal, entries)
  const callers = new Callers(books, nowMs, randomBytes)
  const manners = new Manners()
  const stopping = new AbortController()
  const server = fastify({ bodyLimit: bodyBytesMax, forceCloseConnections: true, logger: false })
  provisioningRoutes(server, books, callers, randomBytes)
  simulatorRoutes(server, books, manners, nowMs)
  collectionRoutes(server, {
    books, callers, manners, nowMs, randomBytes,
    sendCallback: callbackSender(settings.callbacks, log),
    delays: settings.delays,
    statusPerSecondMax: settings.statusPerSecondMax,
    stopping: stopping.signal,
  })
  await server.listen({ host: settings.host, port: settings.port })
  const address = server.server.address()
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server without a port')
  return {
    port: address.port,
    stop: async () => {
      stopping.abort()
      await server.close()
      await journal.close()
    },
  }
}
