import fastify from 'fastify'
import type { CallBackSettings } from '../common/call-back.ts'
import { openJournal } from '../common/journal.ts'
import { listen } from '../common/listen.ts'
import { RateCap } from '../common/rate-cap.ts'
import { Books } from './books.ts'
import { callbackSender } from './callbacks.ts'
import { challengeRoutes } from './challenge-routes.ts'
import { Manners } from './manners.ts'
import { moneyRoutes } from './money-routes.ts'
import type { Delays, Simulation } from './simulation.ts'
import { simulatorRoutes } from './simulator-routes.ts'

export type SimulatorSettings = {
  readonly host: string
  readonly port: number
  readonly folder: string
  readonly seed: number
  readonly delays: Delays
  readonly callsPerSecondMax: number
  readonly callbacks: CallBackSettings
}
type World = { readonly nowMs: () => number; readonly randomBytes: (length: number) => Buffer }

/** Bodies are a few hundred bytes; a script of bad manners is the largest that comes. */
const bodyBytesMax = 65_536

/** Opens the books and listens. */
export async function startSimulator(
  settings: SimulatorSettings, { nowMs, randomBytes }: World, log: (line: object) => void,
): Promise<{ port: number; stop: () => Promise<void> }> {
  const { journal, entries } = await openJournal(settings.folder)
  const stopping = new AbortController()
  let pageOrigin = ''
  const simulation: Simulation = {
    books: new Books(journal, entries),
    manners: new Manners(settings.seed),
    seed: settings.seed,
    sendCallback: callbackSender(settings.callbacks, log),
    delays: settings.delays,
    pageOrigin: () => pageOrigin,
    callCap: new RateCap(settings.callsPerSecondMax, nowMs),
    nowMs,
    randomBytes,
    stopping: stopping.signal,
  }
  const server = fastify({ bodyLimit: bodyBytesMax, forceCloseConnections: true, logger: false })
  // As bytes: a signature is over what was sent, not over what was meant.
  server.removeAllContentTypeParsers()
  const types = ['application/json', 'application/x-www-form-urlencoded']
  server.addContentTypeParser(types, { parseAs: 'buffer' }, (_request, body, done) => { done(null, body) })
  simulatorRoutes(server, simulation)
  moneyRoutes(server, simulation)
  challengeRoutes(server, simulation)
  const listening = await listen(server, settings, stopping, journal)
  pageOrigin = `http://${settings.host}:${listening.port}`
  return listening
}
