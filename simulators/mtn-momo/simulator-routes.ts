import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { reportCsv } from '../common/report-csv.ts'
import type { Books } from './books.ts'
import { scriptSchema, type Manners } from './manners.ts'
import { stateOf, type Movement } from './movement.ts'
import { refusal } from './refusal.ts'

const floatSchema = z.strictObject({ apiUser: z.uuid(), amount: z.string().regex(/^[1-9][0-9]{0,11}(\.[0-9]{1,2})?$/) })

/** What MTN does not have: a look into its books, money for the float, and a script of bad manners. */
export function simulatorRoutes(
  server: FastifyInstance, books: Books, manners: Manners, { nowMs, seed }: { readonly nowMs: () => number; readonly seed: number },
): void {
  server.get('/simulator/movements', async () => ({ movements: books.movements().map((movement) => viewOf(movement, nowMs())) }))
  server.get('/simulator/charges', async () => ({
    charges: books.movements().filter(({ operation }) => operation === 'requesttopay').map((movement) => chargeOf(movement, nowMs())),
  }))

  // The report that the portal would give: of one environment, and so of one currency, where the query names it.
  server.get<{ Querystring: { environment?: string } }>('/simulator/report.csv', async (request, reply) => {
    const { environment } = request.query
    const movements = books.movements().filter((movement) => environment === undefined || movement.environment === environment)
    return reply.type('text/csv; charset=utf-8').send(reportCsv([reportHeaders, ...movements.map((movement) => reportRow(movement, nowMs()))]))
  })

  server.get<{ Params: { reference: string } }>('/simulator/charges/:reference', async (request, reply) => {
    const movement = await books.movement(request.params.reference)
    return movement?.operation === 'requesttopay'
      ? chargeOf(movement, nowMs())
      : reply.code(404).send(refusal(404, 'RESOURCE_NOT_FOUND', 'No such charge.').body)
  })

  server.post('/simulator/float', async (request, reply) => {
    const order = floatSchema.safeParse(request.body)
    const user = order.success ? books.user(order.data.apiUser) : undefined
    if (!order.success || user === undefined) return reply.code(400).send({ code: 'BAD_ORDER', message: 'Names an API user and an amount.' })
    await books.topUp(user, order.data.amount)
    return { availableBalance: books.balanceOf(user.id, 'disbursement', nowMs()) }
  })

  server.post('/simulator/script', async (request, reply) => {
    const script = scriptSchema.safeParse(request.body)
    if (!script.success) return reply.code(400).send({ code: 'BAD_SCRIPT', message: script.error.message })
    const inForce = { seed: script.data.seed ?? seed, rules: script.data.rules }
    manners.replace(inForce)
    return { seed: inForce.seed, rules: inForce.rules.length }
  })
}

const reportHeaders = ['Date', 'Type', 'Status', 'Amount', 'Currency', 'Reference Id', 'Financial Transaction Id']

function reportRow(movement: Movement, now: number): readonly string[] {
  const { takenAtMs, operation, amount, currency, reference, financialTransactionId } = movement
  return [new Date(takenAtMs).toISOString(), operation, stateOf(movement, now).status, amount, currency, reference, financialTransactionId]
}

function viewOf(movement: Movement, nowMs: number): object {
  return { ...movement, status: stateOf(movement, nowMs).status }
}

/** A request to pay: the person at its other end is its payer. */
function chargeOf(movement: Movement, nowMs: number): object {
  return { ...viewOf(movement, nowMs), payer: movement.party }
}
