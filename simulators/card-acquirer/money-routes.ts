import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Account, Order, RefundRefusal } from './books.ts'
import { callBackLater, callbackMannerOf, waited } from './call-back-later.ts'
import { garbage } from './callbacks.ts'
import type { EnquiryManner, RequestManner } from './manners.ts'
import { readPayment, readRefund, type Refusal } from './read-order.ts'
import { callerOf } from './signed-calls.ts'
import type { Simulation } from './simulation.ts'
import { testCard } from './test-cards.ts'

const operations = { payments: 'payment', refunds: 'refund' } as const

/** The calls of a merchant's server: every one is signed, and an order is taken once under its reference. */
export function moneyRoutes(server: FastifyInstance, simulation: Simulation): void {
  const { books } = simulation

  server.get('/v1/account', async (request, reply) => {
    const account = admitted(simulation, request, reply)
    return account === undefined ? reply : reply.send({ account: account.id, status: 'active' })
  })
  for (const path of ['payments', 'refunds'] as const) {
    server.post(`/v1/${path}`, async (request, reply) => {
      const account = admitted(simulation, request, reply)
      if (account === undefined) return reply
      const key = request.headers['idempotency-key']
      const from = { account, key: typeof key === 'string' ? key : undefined, body: request.body as Buffer }
      const order = path === 'payments' ? readPayment(simulation, from) : await readRefund(simulation, from)
      if (!('operation' in order)) return refuse(reply, order)
      return behave(simulation, reply, account, order)
    })
    server.get<{ Params: { reference: string } }>(`/v1/${path}/:reference`, async (request, reply) => {
      const account = admitted(simulation, request, reply)
      if (account === undefined) return reply
      const order = await books.find({ account: account.id, operation: operations[path], reference: request.params.reference })
      return order === undefined ? refuse(reply, { status: 404, code: 'not_found' }) : show(simulation, reply, order)
    })
  }
}

/** @returns `undefined` where it was answered already */
function admitted(simulation: Simulation, request: FastifyRequest, reply: FastifyReply): Account | undefined {
  const { method, url: path, headers } = request
  // A call without a body has none.
  const body = request.body instanceof Buffer ? new Uint8Array(request.body) : new Uint8Array()
  const account = callerOf({ method, path, headers, body }, simulation.books, simulation.nowMs())
  if (account === undefined) void refuse(reply, { status: 401, code: 'signature_refused' })
  else if (!simulation.callCap.take(account.id)) void refuse(reply, { status: 429, code: 'too_many_calls' })
  else return account
  return undefined
}

/** Takes the order, with the manner that its card or the script has for this moment. */
async function behave(simulation: Simulation, reply: FastifyReply, account: Account, order: Order): Promise<FastifyReply> {
  const own = testCard(order.card)?.request
  const manner: RequestManner | undefined = simulation.manners.take('request', order.card, order.operation)
    ?? (order.operation !== 'payment' || own === undefined ? undefined : own === 'take_and_hang' ? { kind: own } : { kind: own, status: 503 })
  switch (manner?.kind) {
    case 'answer': return refuse(reply, { status: manner.status, code: 'unavailable' })
    case 'hang': return reply.hijack()
    case 'garbage': return page(reply)
    case 'answer_then_take':
      void waited(simulation, manner.delayMs).then(async (isDue) => { if (isDue) await take(simulation, account, order) })
      return refuse(reply, { status: manner.status, code: 'unavailable' })
    case 'take_and_hang':
      await take(simulation, account, order)
      return reply.hijack()
    case 'take_and_answer':
      await take(simulation, account, order)
      return refuse(reply, { status: manner.status, code: 'unavailable' })
    default: {
      const taken = await take(simulation, account, order)
      if (manner?.kind === 'take_and_answer_late') await waited(simulation, manner.delayMs)
      if (typeof taken === 'string') return refuse(reply, { status: 422, code: taken })
      if (taken.digest !== order.digest) return refuse(reply, { status: 409, code: 'reference_reused' })
      return reply.code(201).send({ ...viewOf(simulation, taken), ...manner?.kind === 'redirect' ? redirectTo(manner.url) : {} })
    }
  }
}

async function take(simulation: Simulation, account: Account, read: Order): Promise<Order | RefundRefusal> {
  // What a challenge decides is told when that has ended.
  const manner = read.challenge === null ? callbackMannerOf(simulation, read) : undefined
  const isAtOnce = manner?.kind === 'before_answer'
  const order = isAtOnce ? { ...read, afterMs: 0 } : read
  const taken = await simulation.books.take(order)
  if (taken !== order) return taken
  const calling = callBackLater(simulation, account, order, manner)
  if (isAtOnce) await calling
  return order
}

function show(simulation: Simulation, reply: FastifyReply, order: Order): FastifyReply {
  const { books, manners, nowMs } = simulation
  const own = testCard(order.card)?.enquiry
  const isDecided = books.stateOf(order, nowMs()).status !== 'processing'
  const manner: EnquiryManner | undefined = manners.take('enquiry', order.card, order.operation)
    ?? (own === undefined || isDecided ? undefined : { kind: own })
  const view = viewOf(simulation, order)
  switch (manner?.kind) {
    case 'answer': return refuse(reply, { status: manner.status, code: 'unavailable' })
    case 'hang': return reply.hijack()
    case 'not_found': return refuse(reply, { status: 404, code: 'not_found' })
    case 'ambiguous': return reply.send({ ...view, status: 'unknown', code: null })
    case 'processing': return reply.send({ ...view, status: 'processing', code: null, action: null })
    case 'garbage': return page(reply)
    case 'another': {
      const other = books.orders().find(({ reference, operation }) => operation === order.operation && reference !== order.reference)
      return reply.send(other === undefined ? view : viewOf(simulation, other))
    }
    case 'redirect': return reply.send({ ...view, ...redirectTo(manner.url) })
    default: return reply.send(view)
  }
}

function viewOf({ books, nowMs, pageOrigin }: Simulation, order: Order): object {
  const { reference, order: named, amountMinor, currency, id, challenge } = order
  const { status, code } = books.stateOf(order, nowMs())
  return {
    id, reference, order: named, amount_minor: amountMinor, currency, card: { last_four: order.card.slice(-4) }, status, code,
    action: status === 'requires_action' && challenge !== null ? { type: 'redirect', url: `${pageOrigin()}/challenge/${challenge.session}` } : null,
  }
}

function redirectTo(url: string): object {
  return { status: 'requires_action', code: null, action: { type: 'redirect', url } }
}

function page(reply: FastifyReply): FastifyReply {
  return reply.code(200).type('text/html; charset=utf-8').send(garbage)
}

function refuse(reply: FastifyReply, { status, code }: Refusal): FastifyReply {
  return reply.code(status).send({ code })
}
