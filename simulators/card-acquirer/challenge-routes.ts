import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Order } from './books.ts'
import { callBackLater, callbackMannerOf } from './call-back-later.ts'
import { challengePage, overPage, type ChallengePage } from './challenge-page.ts'
import type { Simulation } from './simulation.ts'

type Route = { Params: { session: string } }

/**
 * The bank's page, where a card's holder says yes or no. Whoever has the session may answer it, once and in time; where he is sent
 * afterwards stands in the order and nowhere in his request, and what he answered is not told there.
 */
export function challengeRoutes(server: FastifyInstance, simulation: Simulation): void {
  const { books, nowMs } = simulation

  server.get<Route>('/challenge/:session', async (request, reply) => {
    const order = books.ofSession(request.params.session)
    return order === undefined || books.stateOf(order, nowMs()).status !== 'requires_action'
      ? shown(reply, order === undefined ? 404 : 410, overPage()) : shown(reply, 200, pageOf(order))
  })

  server.post<Route>('/challenge/:session', async (request, reply) => {
    const { session } = request.params
    const order = books.ofSession(session)
    const challenge = order?.challenge ?? undefined
    if (order === undefined || challenge === undefined) return shown(reply, 404, overPage())
    const answer = new URLSearchParams((request.body as Buffer).toString('utf8')).get('answer')
    if (answer !== 'pass' && answer !== 'fail') return shown(reply, 422, pageOf(order))
    if (await books.answer(session, { isPassed: answer === 'pass', atMs: nowMs() }) === 'over') return shown(reply, 410, overPage())
    const account = books.account(order.account)
    if (account !== undefined) {
      const manner = callbackMannerOf(simulation, order)
      const calling = callBackLater(simulation, account, order, manner)
      if (manner?.kind === 'before_answer') await calling
    }
    return headers(reply).code(303).header('location', challenge.returnUrl).send()
  })
}

function pageOf({ challenge, amountMinor, currency, card }: Order): ChallengePage {
  if (challenge === null) throw new TypeError('nobody is asked about this')
  const amount = `${amountMinor} ${currency} (in its smallest unit)`
  return challengePage({ session: challenge.session, amount, lastFour: card.slice(-4), returnUrl: challenge.returnUrl })
}

function shown(reply: FastifyReply, status: number, { html, contentSecurityPolicy }: ChallengePage): FastifyReply {
  return headers(reply).code(status).header('content-security-policy', contentSecurityPolicy).type('text/html; charset=utf-8').send(html)
}

/** The address is a session: it goes to nobody else, and stays in no cache. */
function headers(reply: FastifyReply): FastifyReply {
  return reply.header('referrer-policy', 'no-referrer').header('cache-control', 'no-store').header('x-content-type-options', 'nosniff')
}
