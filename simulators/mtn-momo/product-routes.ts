import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { RateCap } from '../common/rate-cap.ts'
import { answer, brokenAnswer, garbageAnswer, garbled, notFound, rateCapped } from './answers.ts'
import { viewOf } from './callbacks.ts'
import { tokenLifeS, unauthorised } from './callers.ts'
import { stateOf } from './movement.ts'
import type { Network } from './network.ts'
import { operationNames, operations, products, type OperationName, type Product } from './operations.ts'
import { readOrder } from './read-order.ts'
import { refusal } from './refusal.ts'
import { takeOrder } from './take-order.ts'

/** Numbers that have no account, by what MTN documents for each product. */
const strangers: Readonly<Record<Product, string>> = { collection: '46733123455', disbursement: '46733123457' }

/** The products: tokens, orders, their states, account holders, balances. */
export function productRoutes(server: FastifyInstance, network: Network): void {
  for (const product of products) {
    tokenRoute(server, network, product)
    accountRoutes(server, network, product)
  }
  const statusCap = new RateCap(network.statusPerSecondMax, network.nowMs)
  for (const operation of operationNames) {
    orderRoutes(server, network, operation)
    stateRoute(server, network, operation, statusCap)
  }
}

function tokenRoute(server: FastifyInstance, { callers, manners }: Network, product: Product): void {
  server.post(`/${product}/token/`, async (request, reply) => {
    const manner = manners.take('token', undefined, product)
    if (manner?.kind === 'hang') return reply.hijack()
    if (manner?.kind === 'answer') return answer(reply, brokenAnswer(manner.status))
    if (manner?.kind === 'garbage') return garbled(reply, garbageAnswer)
    const token = callers.issueToken(request.headers, product)
    if (typeof token !== 'string') return answer(reply, token)
    return { access_token: token, token_type: 'access_token', expires_in: tokenLifeS }
  })
}

function orderRoutes(server: FastifyInstance, network: Network, operation: OperationName): void {
  const { product, versions } = operations[operation]
  for (const version of versions) {
    server.post(`/${product}/${version}/${operation}`, async (request, reply) => {
      const caller = network.callers.authorise(request.headers, product)
      if ('status' in caller) return answer(reply, caller)
      const received = { headers: request.headers, body: request.body, atMs: network.nowMs() }
      const movement = await readOrder(operation, caller, received, network.books, network.delays)
      return 'status' in movement ? answer(reply, movement) : takeOrder(network, movement, reply)
    })
  }
}

function stateRoute(server: FastifyInstance, network: Network, operation: OperationName, cap: RateCap): void {
  const { product } = operations[operation]
  server.get<{ Params: { reference: string } }>(`/${product}/v1_0/${operation}/:reference`, async (request, reply) => {
    const caller = network.callers.authorise(request.headers, product)
    if ('status' in caller) return answer(reply, caller)
    const movement = await network.books.movement(request.params.reference)
    const manner = network.manners.take('status', movement?.party, operation)
    if (manner?.kind === 'hang') return reply.hijack()
    if (manner?.kind === 'answer') return answer(reply, brokenAnswer(manner.status))
    if (manner?.kind === 'garbage') return garbled(reply, garbageAnswer)
    if (manner?.kind === 'token_expired') return answer(reply, unauthorised)
    if (manner?.kind === 'rate_capped' || !cap.take(caller.user.id)) return answer(reply, rateCapped)
    if (manner?.kind === 'answer_late') await sleep(manner.delayMs, undefined, { signal: network.stopping })
    const isTheirs = movement?.user === caller.user.id && movement.operation === operation
    if (manner?.kind === 'not_found' || !isTheirs) return answer(reply, notFound)
    return viewOf(movement, manner?.kind === 'pending' ? { status: 'PENDING' } : stateOf(movement, network.nowMs()))
  })
}

function accountRoutes(server: FastifyInstance, { books, callers, nowMs }: Network, product: Product): void {
  server.get<{ Params: { type: string; id: string } }>(
    `/${product}/v1_0/accountholder/:type/:id/active`,
    async (request, reply): Promise<object | FastifyReply> => {
      const caller = callers.authorise(request.headers, product)
      if ('status' in caller) return answer(reply, caller)
      if (request.params.type.toLowerCase() !== 'msisdn') return answer(reply, refusal(400, 'BAD_REQUEST', 'Unknown id type.'))
      return { result: request.params.id !== strangers[product] }
    },
  )
  server.get(`/${product}/v1_0/account/balance`, async (request, reply) => {
    const caller = callers.authorise(request.headers, product)
    if ('status' in caller) return answer(reply, caller)
    return { availableBalance: books.balanceOf(caller.user.id, product, nowMs()), currency: caller.currency }
  })
}
