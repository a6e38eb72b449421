import fastify from 'fastify'
import type { CallBackSettings } from '../common/call-back.ts'
import { openJournal } from '../common/journal.ts'
import { listen } from '../common/listen.ts'
import { RateCap } from '../common/rate-cap.ts'
import { Books } from './books.ts'
import { callbackSender } from './callbacks.ts'
import { Callers, type RandomBytes } from './callers.ts'
import { enquiryRoutes } from './enquiry-routes.ts'
import { keysOf, makePrivateKeys } from './keys.ts'
import { Manners } from './manners.ts'
import type { Delays } from './money-request.ts'
import { moneyRoutes } from './money-routes.ts'
import type { Simulation } from './simulation.ts'
import { simulatorRoutes } from './simulator-routes.ts'

export type SimulatorSettings = {
  readonly host: string
  readonly port: number
  readonly folder: string
  readonly seed: number
  readonly delays: Delays
  readonly tokenLifeS: number
  readonly callsPerSecondMax: number
  readonly callbacks: CallBackSettings
}

/** Airtel's bodies are a few hundred bytes; a script of bad manners is the largest that comes. */
const bodyBytesMax = 65_536

/** Opens the books and listens. */
export async function startSimulator(
  settings: SimulatorSettings, world: { readonly nowMs: () => number; readonly randomBytes: RandomBytes }, log: (line: object) => void,
): Promise<{ port: number; stop: () => Promise<void> }> {
  const { nowMs, randomBytes } = world
  const { journal, entries } = await openJournal(settings.folder)
  const books = new Books(journal, entries)
  const stopping = new AbortController()
  const simulation: Simulation = {
    books,
    callers: new Callers(books, settings.tokenLifeS, nowMs, randomBytes),
    keys: keysOf(await books.keys(makePrivateKeys)),
    manners: new Manners(settings.seed),
    seed: settings.seed,
    sendCallback: callbackSender(settings.callbacks, log),
    delays: settings.delays,
    callCap: new RateCap(settings.callsPerSecondMax, nowMs),
    nowMs,
    randomBytes,
    stopping: stopping.signal,
  }
  const server = fastify({ bodyLimit: bodyBytesMax, forceCloseConnections: true, logger: false })
  // As bytes: a signature is over what was sent, not over what was meant.
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => { done(null, body) })
  simulatorRoutes(server, simulation)
  enquiryRoutes(server, simulation)
  moneyRoutes(server, simulation)
  return listen(server, settings, stopping, journal)
}
