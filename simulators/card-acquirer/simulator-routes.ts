import type { FastifyInstance } from 'fastify'
import { scriptSchema } from './manners.ts'
import { parseJson } from './read-order.ts'
import { reportOf } from './report.ts'
import type { Simulation } from './simulation.ts'

/** What an acquirer has in its portal, and what it does not have: a look into its books, and a script of bad manners. */
export function simulatorRoutes(server: FastifyInstance, simulation: Simulation): void {
  const { books, manners, randomBytes, nowMs } = simulation

  server.post('/simulator/accounts', async (_request, reply) => {
    const account = { id: `acc-${randomBytes(8).toString('hex')}`, secret: randomBytes(32).toString('hex') }
    await books.addAccount(account)
    return reply.code(201).send({ account: account.id, secret: account.secret })
  })

  server.get<{ Params: { id: string } }>('/simulator/accounts/:id', async (request, reply) => {
    const account = books.account(request.params.id)
    return account === undefined ? reply.code(404).send({ code: 'not_found' }) : { account: account.id }
  })

  // The books, for reconciliation: as an acquirer's report has them, without whole card numbers but those of tests.
  server.get('/simulator/orders', async () => ({
    orders: books.orders().map((order) => {
      const { operation, reference, order: named, amountMinor, currency, card, original, id, callbackUrl, takenAtMs, challenge } = order
      return {
        operation, reference, order: named, amountMinor, currency, card, original, id, callbackUrl, takenAtMs,
        returnUrl: challenge?.returnUrl ?? null, ...books.stateOf(order, nowMs()),
      }
    }),
  }))

  server.get<{ Querystring: { currency?: string } }>('/simulator/report.csv', async (request, reply) => (
    reply.type('text/csv; charset=utf-8').send(reportOf(books, nowMs(), request.query.currency))))

  // The holder of a card disputes what was paid, the acquirer gives it back, and says so.
  server.post<{ Params: { id: string } }>('/simulator/orders/:id/dispute', async (request, reply) => {
    const order = books.orders().find(({ id }) => id === request.params.id)
    const account = order === undefined ? undefined : books.account(order.account)
    if (order === undefined || account === undefined) return reply.code(404).send({ code: 'not_found' })
    if (await books.dispute(order, nowMs()) !== 'disputed') return reply.code(409).send({ code: 'not_now' })
    void simulation.sendCallback(account, order, { status: 'reversed', code: 'chargeback' })
    return { status: 'reversed' }
  })

  server.post('/simulator/script', async (request, reply) => {
    const script = scriptSchema.safeParse(parseJson(request.body as Buffer))
    if (!script.success) return reply.code(400).send({ code: 'bad_script' })
    const { seed = simulation.seed, rules } = script.data
    manners.replace({ seed, rules })
    return { seed, rules: rules.length }
  })
}
