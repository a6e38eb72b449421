import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { reportCsv } from '../common/report-csv.ts'
import type { Transaction } from './books.ts'
import { digestOf } from './callers.ts'
import { countries } from './countries.ts'
import { shownKey } from './keys.ts'
import { scriptSchema } from './manners.ts'
import { parseJson } from './money-request.ts'
import type { Simulation } from './simulation.ts'

const applicationSchema = z.strictObject({
  country: z.string().refine((name) => countries.has(name)),
  /** The one address that a portal has for all callbacks; a request's own goes before it. */
  callbackUrl: z.url({ protocol: /^https?$/ }).nullable().default(null),
})

/** What Airtel has in its portal, and what it does not have: a look into its books, and a script of bad manners. */
export function simulatorRoutes(server: FastifyInstance, simulation: Simulation): void {
  const { books, manners, keys, randomBytes } = simulation

  server.post('/simulator/applications', async (request, reply) => {
    const parsed = applicationSchema.safeParse(parseJson(request.body as Buffer))
    if (!parsed.success) return reply.code(400).send({ code: 'BAD_APPLICATION', message: 'The portal does not take this.' })
    const { country, callbackUrl } = parsed.data
    const clientId = randomBytes(16).toString('hex')
    const clientSecret = randomBytes(16).toString('hex')
    const callbackKey = randomBytes(16).toString('hex')
    const pin = String(randomBytes(4).readUInt32BE() % 10_000).padStart(4, '0')
    await books.addApplication({ clientId, secretDigest: digestOf(clientSecret), country, pinDigest: digestOf(pin), callbackKey, callbackUrl })
    const scheme = countries.get(country)?.pinScheme ?? 'rsa-oaep-sha256'
    return reply.code(201).send({ clientId, clientSecret, callbackKey, pin, pinKey: shownKey(keys.pins[scheme]) })
  })

  server.get<{ Params: { id: string } }>('/simulator/applications/:id', async (request, reply) => {
    const application = books.application(request.params.id)
    if (application === undefined) return reply.code(404).send({ code: 'NOT_FOUND', message: 'No such application.' })
    return { country: application.country, callbackUrl: application.callbackUrl }
  })

  const viewOf = ({ steps, ...transaction }: Transaction): object => (
    { ...transaction, status: books.stateOf({ ...transaction, steps }, simulation.nowMs()).status, isReversed: books.isReversed({ ...transaction, steps }) }
  )
  server.get('/simulator/transactions', async () => ({ transactions: books.transactions().map(viewOf) }))

  // Airtel takes back what succeeded, and says so.
  server.post<{ Params: { airtelMoneyId: string } }>('/simulator/transactions/:airtelMoneyId/reverse', async (request, reply) => {
    const transaction = books.transactions().find(({ airtelMoneyId }) => airtelMoneyId === request.params.airtelMoneyId)
    const application = transaction === undefined ? undefined : books.application(transaction.application)
    if (transaction === undefined || application === undefined) return reply.code(404).send({ code: 'NOT_FOUND', message: 'No such transaction.' })
    const { status, code } = books.stateOf(transaction, simulation.nowMs())
    const isReversed = status === 'TS' && await books.reverse(transaction.airtelMoneyId, simulation.nowMs()) === 'reversed'
    if (!isReversed) return reply.code(409).send({ code: 'NOT_NOW', message: 'It has not succeeded.' })
    void simulation.sendCallback(application, transaction, { status: 'TR', code })
    return { status: 'TR' }
  })

  // The report that the portal would give, of one country and so of one currency where the query names it. Airtel knows a refund by what
  // it gives back: it is a row of its own, under the same id, and the collection's row stays what it was.
  server.get<{ Querystring: { country?: string } }>('/simulator/report.csv', async (request, reply) => {
    const { country } = request.query
    const transactions = books.transactions().filter((transaction) => country === undefined || transaction.country === country)
    const rows = transactions.flatMap((transaction) => reportRows(transaction, books.stateOf(transaction, simulation.nowMs()).status))
    return reply.type('text/csv; charset=utf-8').send(reportCsv([reportHeaders, ...rows]))
  })

  server.post('/simulator/script', async (request, reply) => {
    const script = scriptSchema.safeParse(parseJson(request.body as Buffer))
    if (!script.success) return reply.code(400).send({ code: 'BAD_SCRIPT', message: script.error.message })
    const { seed = simulation.seed, rules } = script.data
    manners.replace({ seed, rules })
    return { seed, rules: rules.length }
  })
}

const reportHeaders = ['Transaction Date', 'Transaction Type', 'Transaction Status', 'Transaction Amount', 'Currency', 'External Reference', 'Airtel Money Id']

function reportRows(transaction: Transaction, status: string): readonly (readonly string[])[] {
  const { takenAtMs, product, amount, currency, id, airtelMoneyId } = transaction
  const row = (type: string, stands: string, reference: string) => [new Date(takenAtMs).toISOString(), type, stands, amount, currency, reference, airtelMoneyId]
  const moved = row(product === 'collection' ? 'Merchant Payment' : 'Disbursement', status === 'TR' ? 'TS' : status, id)
  return status === 'TR' ? [moved, row('Refund', 'TS', '')] : [moved]
}
