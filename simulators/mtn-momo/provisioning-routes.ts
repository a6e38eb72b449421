import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Books } from './books.ts'
import { digestOf, single, type Callers, type RandomBytes } from './callers.ts'
import { environments } from './environments.ts'
import { products } from './operations.ts'
import { refusal } from './refusal.ts'

const userIdSchema = z.uuid({ version: 'v4' })
const bodySchema = z.strictObject({
  providerCallbackHost: z.string().min(1).max(253),
  // MTN's own sandbox knows only itself; production users come from a portal that the simulator has none of.
  targetEnvironment: z.string().refine((name) => environments.has(name)).default('sandbox'),
  // MTN knows it from the subscription; a user without one may use either product here.
  product: z.enum(products).nullable().default(null),
})

/** API users and their keys. */
export function provisioningRoutes(server: FastifyInstance, books: Books, callers: Callers, randomBytes: RandomBytes): void {
  server.post('/v1_0/apiuser', async (request, reply) => {
    const subscriptionKey = callers.subscriptionKey(request.headers)
    if (typeof subscriptionKey !== 'string') return reply.code(subscriptionKey.status).send(subscriptionKey.body)
    const id = userIdSchema.safeParse(single(request.headers['x-reference-id']))
    const body = bodySchema.safeParse(request.body)
    if (!id.success || !body.success) return reply.code(400).send(refusal(400, 'BAD_REQUEST', 'The request does not follow the specification.').body)
    const { providerCallbackHost, targetEnvironment, product } = body.data
    const user = { id: id.data, subscriptionKey, callbackHost: providerCallbackHost, environment: targetEnvironment, product }
    if (await books.addUser(user) === 'exists') {
      return reply.code(409).send(refusal(409, 'RESOURCE_ALREADY_EXIST', 'Duplicated reference id. Creation of resource failed.').body)
    }
    return reply.code(201).send()
  })

  server.get<{ Params: { id: string } }>('/v1_0/apiuser/:id', async (request, reply) => {
    const user = ownUser(books, callers.subscriptionKey(request.headers), request.params.id)
    if (user === undefined) return reply.code(404).send(unknownUser.body)
    return { providerCallbackHost: user.callbackHost, targetEnvironment: user.environment }
  })

  server.post<{ Params: { id: string } }>('/v1_0/apiuser/:id/apikey', async (request, reply) => {
    const user = ownUser(books, callers.subscriptionKey(request.headers), request.params.id)
    if (user === undefined) return reply.code(404).send(unknownUser.body)
    const apiKey = randomBytes(16).toString('hex')
    await books.setKey(user, digestOf(apiKey))
    return reply.code(201).send({ apiKey })
  })
}

const unknownUser = refusal(404, 'RESOURCE_NOT_FOUND', 'Requested resource was not found.')

function ownUser(books: Books, subscriptionKey: ReturnType<Callers['subscriptionKey']>, id: string): ReturnType<Books['user']> {
  const user = books.user(id)
  return user?.subscriptionKey === subscriptionKey ? user : undefined
}
