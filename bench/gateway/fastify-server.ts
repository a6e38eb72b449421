import { createHash, timingSafeEqual } from 'node:crypto'
import cors from '@fastify/cors'
import helmet from '@fastify/helmet'
import rateLimit from '@fastify/rate-limit'
import Fastify from 'fastify'

export type FastifyOrder = { readonly key: string; readonly body: string; readonly requestsPerMinuteMax: number }

/**
 * What a team would put behind nginx without us: Fastify with helmet, CORS, a rate limit in memory for each key, a hashed
 * key that is looked up in memory, and a JSON schema for the body. Plain HTTP; nginx ends TLS in front of it.
 */
process.once('message', (order: FastifyOrder) => void serve(order).then((port) => process.send?.({ port })))
process.once('disconnect', () => process.exit())

const payment = {
  type: 'object', additionalProperties: false, required: ['amount', 'currency', 'network', 'payer', 'reference'],
  properties: {
    amount: { type: 'string', pattern: '^(?:0|[1-9][0-9]{0,14})(?:\\.[0-9]{1,4})?$' },
    currency: { type: 'string', pattern: '^[A-Z]{3}$' },
    network: { type: 'string', maxLength: 32 },
    payer: {
      type: 'object', additionalProperties: false, required: ['phone'],
      properties: { phone: { type: 'string', pattern: '^\\+[1-9][0-9]{6,14}$' } },
    },
    reference: { type: 'string', maxLength: 64 },
    description: { type: 'string', maxLength: 160 },
  },
}

async function serve({ key, body, requestsPerMinuteMax }: FastifyOrder): Promise<number> {
  const app = Fastify({ trustProxy: true, keepAliveTimeout: 60_000 })
  await app.register(helmet)
  await app.register(cors, { origin: ['https://shop.example.com'] })
  await app.register(rateLimit, {
    max: requestsPerMinuteMax, timeWindow: 60_000, keyGenerator: (request) => request.headers.authorization ?? request.ip,
  })
  const known = new Map([[key.slice(0, 42), createHash('sha256').update(key).digest()]])
  app.addHook('preHandler', (request, reply, done) => {
    const text = request.headers.authorization?.slice('Bearer '.length) ?? ''
    const expected = known.get(text.slice(0, 42))
    if (expected !== undefined && timingSafeEqual(expected, createHash('sha256').update(text).digest())) return done()
    void reply.code(401).send({ code: 'unauthenticated' })
  })
  const answer: unknown = JSON.parse(body)
  app.get('/v1/payments/:id', async () => answer)
  app.post('/v1/payments', { schema: { body: payment } }, async () => answer)
  const address = await app.listen({ host: '127.0.0.1', port: 0 })
  return Number(new URL(address).port)
}
