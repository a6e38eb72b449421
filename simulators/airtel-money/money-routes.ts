import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { brokenAnswer, busRefusal, envelope, rateCapped, unauthorised, type Answer } from './answers.ts'
import { balanceOf } from './balance.ts'
import type { Transaction } from './books.ts'
import { oppositeOf } from './callbacks.ts'
import type { Caller } from './callers.ts'
import {
  decidedAs, parseJson, parseMoneyRequest, refuseSignature, signatureMismatch, type MoneyRequest,
} from './money-request.ts'
import type { CallbackManner, Decision } from './manners.ts'
import type { Simulation } from './simulation.ts'
import { refundOf, type Product } from './test-numbers.ts'

/** The calls that move money: each is signed where its country wants that, and taken once under its id. */
export function moneyRoutes(server: FastifyInstance, simulation: Simulation): void {
  const { callers, keys } = simulation

  const take = (product: Product) => async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const caller = callers.authorise(request.headers)
    if ('status' in caller) return answer(reply, caller)
    if (!simulation.callCap.take(caller.application.clientId)) return answer(reply, rateCapped)
    const { headers, body } = { headers: request.headers, body: request.body as Buffer }
    const unsigned = refuseSignature(product, { caller, headers, body, keys })
    if (unsigned !== undefined) return answer(reply, unsigned)
    const from = { caller, headers, body, keys, delays: simulation.delays, nowMs: simulation.nowMs(), randomBytes: simulation.randomBytes }
    const asked = parseMoneyRequest(product, from)
    if (!('kind' in asked)) return answer(reply, asked)
    if (asked.refusal !== undefined) return answer(reply, asked.refusal)
    return behave(simulation, reply, product, asked.transaction.msisdn, (decided) => (
      takeMoney(simulation, caller, { ...asked, transaction: decided === undefined ? asked.transaction : decidedAs(asked.transaction, decided) })
    ))
  }
  for (const version of ['v1', 'v2']) server.post(`/merchant/${version}/payments/`, take('collection'))
  for (const version of ['v1', 'v2', 'v3']) server.post(`/standard/${version}/disbursements/`, take('disbursement'))

  for (const version of ['v1', 'v2']) server.post(`/standard/${version}/payments/refund`, async (request, reply) => {
    const caller = callers.authorise(request.headers)
    if ('status' in caller) return answer(reply, caller)
    if (!simulation.callCap.take(caller.application.clientId)) return answer(reply, rateCapped)
    const body = request.body as Buffer
    const unsigned = refuseSignature('collection', { caller, headers: request.headers, body, keys })
    if (unsigned !== undefined) return answer(reply, unsigned)
    const parsed = refundSchema.safeParse(parseJson(body))
    if (!parsed.success) return answer(reply, busRefusal('ESB000008'))
    const original = simulation.books.byMoneyId(caller.application.clientId, parsed.data.transaction.airtel_money_id)
    if (original?.product !== 'collection') return answer(reply, busRefusal('ESB000045'))
    return behave(simulation, reply, 'collection', original.msisdn, () => giveBack(simulation, original))
  })
}

const refundSchema = z.object({ transaction: z.object({ airtel_money_id: z.string().min(1).max(64) }) })

/** Does what it is for, with the manner that the script has for this moment. */
async function behave(
  simulation: Simulation, reply: FastifyReply, product: Product, msisdn: string, act: (decided?: Decision) => Promise<Answer>,
): Promise<FastifyReply> {
  const manner = simulation.manners.take('request', msisdn)
  if (manner === undefined) return answer(reply, await act())
  switch (manner.kind) {
    case 'answer': return answer(reply, brokenAnswer(manner.status))
    case 'hang': return reply.hijack()
    case 'token_expired': return answer(reply, unauthorised)
    case 'rate_capped': return answer(reply, rateCapped)
    case 'signature_mismatch': return answer(reply, signatureMismatch(product))
    case 'take_and_hang':
      await act()
      return reply.hijack()
    case 'take_and_answer_late': {
      const result = await act()
      await sleep(manner.delayMs, undefined, { signal: simulation.stopping })
      return answer(reply, result)
    }
    case 'take_and_answer':
      await act()
      return answer(reply, brokenAnswer(manner.status))
    case 'take_and_say':
      await act()
      return answer(reply, envelope(manner.code))
    case 'answer_then_take':
      void later(simulation, manner.delayMs, async () => { await act() })
      return answer(reply, brokenAnswer(manner.status))
    case 'decide': return answer(reply, await act(manner))
    default: return manner satisfies never
  }
}

/** Writes the transaction into the books and sees to its one callback; an id that is there already is refused. */
async function takeMoney(simulation: Simulation, caller: Caller, { transaction: requested, answerCode }: MoneyRequest): Promise<Answer> {
  const { books, manners } = simulation
  const { product } = requested
  const manner = requested.callbackUrl === null ? undefined : manners.take('callback', requested.msisdn)
  const isAtOnce = manner?.kind === 'before_answer'
  const poor = product === 'disbursement' && balanceOf(simulation, caller) < Number(requested.amount)
  const funded = poor ? decidedAs(requested, { status: 'TF', code: 'DP00900001007' }) : requested
  const transaction = isAtOnce ? { ...funded, steps: funded.steps.map((step) => ({ ...step, atMs: funded.takenAtMs })) } : funded
  if (await books.take(transaction) === 'exists') {
    return product === 'collection' ? busRefusal('ESB000041') : envelope('DP00900001017')
  }
  const calling = callBackLater(simulation, caller, transaction, manner)
  if (isAtOnce) await calling
  if (answerCode !== undefined) return envelope(answerCode)
  const { id, airtelMoneyId, reference } = transaction
  if (product === 'collection') return envelope('DP00800001006', { transaction: { id, status: 'SUCCESS' } })
  const { status, code } = books.stateOf(transaction, simulation.nowMs())
  return envelope(code, { transaction: { reference_id: reference, airtel_money_id: airtelMoneyId, id, status } })
}

async function giveBack(simulation: Simulation, original: Transaction): Promise<Answer> {
  const { books } = simulation
  const nowMs = simulation.nowMs()
  const when = refundOf(original.msisdn)
  if (books.isReversed(original)) return busRefusal('ESB000041')
  if (when === 'refused' || books.stateOf(original, nowMs).status !== 'TS') return busRefusal('ESB000011', 200)
  const afterMs = when === 'at_once' ? 0 : simulation.delays[when]
  if (await books.reverse(original.airtelMoneyId, nowMs + afterMs) === 'before') return busRefusal('ESB000041')
  const { body } = busRefusal('ESB000010', 200)
  // As documented: a refund that was taken says success: false.
  return { status: 200, body: { data: { transaction: { airtel_money_id: original.airtelMoneyId, status: 'SUCCESS' } }, ...body } }
}

async function callBackLater(simulation: Simulation, caller: Caller, transaction: Transaction, manner: CallbackManner | undefined): Promise<void> {
  const last = transaction.steps.findLast(({ status }) => status !== 'TR')
  if (transaction.callbackUrl === null || last === undefined || manner?.kind === 'drop') return
  const { sendCallback, books } = simulation
  const { application } = caller
  const extraMs = manner?.kind === 'late' ? manner.delayMs : 0
  await later(simulation, last.atMs - simulation.nowMs() + extraMs, async () => {
    switch (manner?.kind) {
      case 'lie': return sendCallback(application, transaction, oppositeOf(transaction, last))
      case 'forge': return sendCallback(application, transaction, last, 'forge')
      case 'out_of_order':
        await sendCallback(application, transaction, last)
        return sendCallback(application, transaction, books.stateOf(transaction, transaction.takenAtMs - 1))
      case 'twice':
        await sendCallback(application, transaction, last)
        return sendCallback(application, transaction, last)
      default: return sendCallback(application, transaction, last)
    }
  })
}

export function answer(reply: FastifyReply, { status, body }: Answer): FastifyReply {
  return reply.code(status).send(body)
}

async function later(simulation: Simulation, delayMs: number, act: () => Promise<void>): Promise<void> {
  try {
    if (delayMs > 0) await sleep(delayMs, undefined, { signal: simulation.stopping, ref: false })
  } catch {
    // Only the stopping of the program ends the wait early; what was due then is lost, as Airtel would lose it.
    return
  }
  await act()
}
