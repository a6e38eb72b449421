import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { stateOf, type Books, type Charge } from './books.ts'
import { oppositeOf, viewOf, type SendCallback } from './callbacks.ts'
import { tokenLifeS, unauthorised, type Callers, type RandomBytes } from './callers.ts'
import type { Manners } from './manners.ts'
import { RateCap } from '../common/rate-cap.ts'
import { refusal, type Refusal } from './refusal.ts'
import { decidedAs, parseRequestToPay, type Delays } from './request-to-pay.ts'

export type Collection = {
  readonly books: Books
  readonly callers: Callers
  readonly manners: Manners
  readonly sendCallback: SendCallback
  readonly delays: Delays
  /** Status requests that one API user may make in a second. */
  readonly statusPerSecondMax: number
  readonly nowMs: () => number
  readonly randomBytes: RandomBytes
  /** Aborted when the program stops, so that nothing scheduled holds it. */
  readonly stopping: AbortSignal
}

/** The collection product: token, request to pay, its status, account holder, balance. */
export function collectionRoutes(server: FastifyInstance, collection: Collection): void {
  const { callers, manners } = collection
  const statusCap = new RateCap(collection.statusPerSecondMax, collection.nowMs)

  server.post('/collection/token/', async (request, reply) => {
    const manner = manners.take('token', undefined)
    if (manner?.kind === 'hang') return reply.hijack()
    if (manner?.kind === 'answer') return answer(reply, brokenAnswer(manner.status))
    const token = callers.issueToken(request.headers)
    if (typeof token !== 'string') return answer(reply, token)
    return { access_token: token, token_type: 'access_token', expires_in: tokenLifeS }
  })

  server.post('/collection/v1_0/requesttopay', async (request, reply) => {
    const caller = callers.authorise(request.headers)
    if ('status' in caller) return answer(reply, caller)
    const nowMs = collection.nowMs()
    const charge = parseRequestToPay(caller, request.headers, request.body, collection.delays, nowMs, collection.randomBytes)
    if ('status' in charge) return answer(reply, charge)
    return requestToPay(collection, charge, reply)
  })

  server.get<{ Params: { reference: string } }>('/collection/v1_0/requesttopay/:reference', async (request, reply) => {
    const caller = callers.authorise(request.headers)
    if ('status' in caller) return answer(reply, caller)
    const charge = await collection.books.charge(request.params.reference)
    const manner = manners.take('status', charge?.payer)
    if (manner?.kind === 'hang') return reply.hijack()
    if (manner?.kind === 'answer') return answer(reply, brokenAnswer(manner.status))
    if (manner?.kind === 'token_expired') return answer(reply, unauthorised)
    if (manner?.kind === 'rate_capped' || !statusCap.take(caller.user.id)) return answer(reply, rateCapped)
    if (manner?.kind === 'answer_late') await sleep(manner.delayMs, undefined, { signal: collection.stopping })
    if (manner?.kind === 'not_found' || charge?.user !== caller.user.id) return answer(reply, notFound)
    return viewOf(charge, stateOf(charge, collection.nowMs()))
  })

  server.get<{ Params: { type: string; id: string } }>(
    '/collection/v1_0/accountholder/:type/:id/active',
    async (request, reply) => {
      const caller = callers.authorise(request.headers)
      if ('status' in caller) return answer(reply, caller)
      if (request.params.type.toLowerCase() !== 'msisdn') return answer(reply, refusal(400, 'BAD_REQUEST', 'Unknown id type.'))
      return { result: request.params.id !== '46733123455' }
    },
  )

  server.get('/collection/v1_0/account/balance', async (request, reply) => {
    const caller = callers.authorise(request.headers)
    if ('status' in caller) return answer(reply, caller)
    return { availableBalance: balanceOf(collection, caller.user.id), currency: caller.currency }
  })
}

async function requestToPay(collection: Collection, charge: Charge, reply: FastifyReply): Promise<FastifyReply> {
  const manner = collection.manners.take('request', charge.payer)
  if (manner === undefined) return answer(reply, await take(collection, charge))
  switch (manner.kind) {
    case 'answer': return answer(reply, brokenAnswer(manner.status))
    case 'hang': return reply.hijack()
    case 'token_expired': return answer(reply, unauthorised)
    case 'take_and_hang':
      await take(collection, charge)
      return reply.hijack()
    case 'take_and_answer_late': {
      const result = await take(collection, charge)
      await sleep(manner.delayMs, undefined, { signal: collection.stopping })
      return answer(reply, result)
    }
    case 'take_and_answer':
      await take(collection, charge)
      return answer(reply, brokenAnswer(manner.status))
    case 'answer_then_take':
      void later(collection, manner.delayMs, async () => { await take(collection, charge) })
      return answer(reply, brokenAnswer(manner.status))
    case 'decide': return answer(reply, await take(collection, decidedAs(charge, manner.reason)))
    default: return manner satisfies never
  }
}

/** Writes the charge into the books and sees to its one callback; the answer is 202, or 409 where it is there already. */
async function take(collection: Collection, requested: Charge): Promise<Refusal> {
  const { books, sendCallback } = collection
  const manner = requested.callbackUrl === null ? undefined : collection.manners.take('callback', requested.payer)
  const charge = manner?.kind === 'before_answer' ? { ...requested, decidedAtMs: requested.takenAtMs } : requested
  if (await books.takeCharge(charge) === 'exists') return alreadyExists
  if (manner?.kind === 'before_answer') await sendCallback(charge, charge.outcome)
  if (charge.callbackUrl === null || manner?.kind === 'drop' || manner?.kind === 'before_answer') return accepted
  const extraMs = manner?.kind === 'late' ? manner.delayMs : 0
  void later(collection, charge.decidedAtMs - collection.nowMs() + extraMs, async () => {
    await sendCallback(charge, manner?.kind === 'lie' ? oppositeOf(charge.outcome) : charge.outcome)
    if (manner?.kind === 'twice') await sendCallback(charge, charge.outcome)
  })
  return accepted
}

const accepted: Refusal = { status: 202, body: {} }
const alreadyExists = refusal(409, 'RESOURCE_ALREADY_EXIST', 'Duplicated reference id. Creation of resource failed.')
const notFound = refusal(404, 'RESOURCE_NOT_FOUND', 'Requested resource was not found.')
const rateCapped: Refusal = { status: 429, body: { statusCode: 429, message: 'Rate limit is exceeded. Try again in 1 seconds.' } }

function brokenAnswer(status: number): Refusal {
  return { status, body: { message: 'Internal server error' } }
}

function answer(reply: FastifyReply, { status, body }: Refusal): FastifyReply {
  return status === 202 ? reply.code(status).send() : reply.code(status).send(body)
}

async function later(collection: Collection, delayMs: number, act: () => Promise<void>): Promise<void> {
  try {
    await sleep(Math.max(0, delayMs), undefined, { signal: collection.stopping, ref: false })
  } catch {
    // Only the stopping of the program ends the wait early; what was due then is lost, as MTN would lose it.
    return
  }
  await act()
}

function balanceOf(collection: Collection, user: string): string {
  const nowMs = collection.nowMs()
  let minor = 0n
  for (const charge of collection.books.charges()) {
    if (charge.user !== user || stateOf(charge, nowMs).status !== 'SUCCESSFUL') continue
    const [major = '0', fraction = ''] = charge.amount.split('.')
    minor += BigInt(major) * 100n + BigInt(fraction.padEnd(2, '0'))
  }
  return `${String(minor / 100n)}.${String(minor % 100n).padStart(2, '0')}`
}
