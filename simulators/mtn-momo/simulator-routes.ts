import type { FastifyInstance } from 'fastify'
import { stateOf, type Books, type Charge } from './books.ts'
import { scriptSchema, type Manners } from './manners.ts'
import { refusal } from './refusal.ts'

/** What MTN does not have: a look into its books, and a script of bad manners. */
export function simulatorRoutes(server: FastifyInstance, books: Books, manners: Manners, nowMs: () => number): void {
  server.get('/simulator/charges', async () => ({ charges: books.charges().map((charge) => viewOf(charge, nowMs())) }))

  server.get<{ Params: { reference: string } }>('/simulator/charges/:reference', async (request, reply) => {
    const charge = await books.charge(request.params.reference)
    return charge === undefined
      ? reply.code(404).send(refusal(404, 'RESOURCE_NOT_FOUND', 'No such charge.').body)
      : viewOf(charge, nowMs())
  })

  server.post('/simulator/script', async (request, reply) => {
    const script = scriptSchema.safeParse(request.body)
    if (!script.success) return reply.code(400).send({ code: 'BAD_SCRIPT', message: script.error.message })
    manners.replace(script.data)
    return { seed: script.data.seed, rules: script.data.rules.length }
  })
}

function viewOf(charge: Charge, nowMs: number): object {
  const { outcome, ...rest } = charge
  return { ...rest, status: stateOf(charge, nowMs).status, outcome }
}
