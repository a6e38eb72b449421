import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
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

  server.post('/simulator/script', async (request, reply) => {
    const script = scriptSchema.safeParse(parseJson(request.body as Buffer))
    if (!script.success) return reply.code(400).send({ code: 'BAD_SCRIPT', message: script.error.message })
    const { seed = simulation.seed, rules } = script.data
    manners.replace({ seed, rules })
    return { seed, rules: rules.length }
  })
}
