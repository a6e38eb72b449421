import fastify from 'fastify'
import { Books } from './books.ts'
import { callbackSender, type CallbackSettings } from './callbacks.ts'
import { Callers, type RandomBytes } from './callers.ts'
import { openJournal } from '../common/journal.ts'
import { listen } from '../common/listen.ts'
import { Manners } from './manners.ts'
import { productRoutes } from './product-routes.ts'
import { provisioningRoutes } from './provisioning-routes.ts'
import type { Delays } from './read-order.ts'
import { simulatorRoutes } from './simulator-routes.ts'
import type { Openings } from './wallets.ts'

export type SimulatorSettings = {
  readonly host: string
  readonly port: number
  readonly folder: string
  readonly delays: Delays
  readonly statusPerSecondMax: number
  readonly callbacks: CallbackSettings
  readonly openings: Openings
  /** What bad manners are drawn from, where a script brings no seed of its own. */
  readonly seed: number
}

/** MTN's bodies are a few hundred bytes; a script of bad manners is the largest that comes. */
const bodyBytesMax = 65_536

/** Opens the books and listens. */
export async function startSimulator(
  settings: SimulatorSettings, world: { readonly nowMs: () => number; readonly randomBytes: RandomBytes }, log: (line: object) => void,
): Promise<{ port: number; stop: () => Promise<void> }> {
  const { nowMs, randomBytes } = world
  const { journal, entries } = await openJournal(settings.folder)
  const books = new Books(journal, entries, settings.openings)
  const callers = new Callers(books, nowMs, randomBytes)
  const manners = new Manners(settings.seed)
  const stopping = new AbortController()
  const server = fastify({ bodyLimit: bodyBytesMax, forceCloseConnections: true, logger: false })
  provisioningRoutes(server, books, callers, randomBytes)
  simulatorRoutes(server, books, manners, { nowMs, seed: settings.seed })
  productRoutes(server, {
    books, callers, manners, nowMs,
    sendCallback: callbackSender(settings.callbacks, log),
    delays: settings.delays,
    statusPerSecondMax: settings.statusPerSecondMax,
    stopping: stopping.signal,
  })
  return listen(server, settings, stopping, journal)
}
