import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyReply } from 'fastify'
import { accepted, alreadyExists, answer, brokenAnswer, garbageAnswer, garbled } from './answers.ts'
import { forgedFrom, oppositeOf, viewOf } from './callbacks.ts'
import { unauthorised } from './callers.ts'
import type { CallbackManner } from './manners.ts'
import type { Movement } from './movement.ts'
import type { Network } from './network.ts'
import { decidedAs } from './read-order.ts'
import type { Refusal } from './refusal.ts'

/** Between two callbacks that come in the wrong order. */
const disorderMs = 50

/** Takes an order, or behaves as the script says. */
export async function takeOrder(network: Network, order: Movement, reply: FastifyReply): Promise<FastifyReply> {
  const manner = network.manners.take('request', order.party, order.operation)
  if (manner === undefined) return answer(reply, await take(network, order))
  switch (manner.kind) {
    case 'answer': return answer(reply, brokenAnswer(manner.status))
    case 'garbage': return garbled(reply, garbageAnswer)
    case 'hang': return reply.hijack()
    case 'token_expired': return answer(reply, unauthorised)
    case 'take_and_hang':
      await take(network, order)
      return reply.hijack()
    case 'take_and_answer_late': {
      const result = await take(network, order)
      await sleep(manner.delayMs, undefined, { signal: network.stopping })
      return answer(reply, result)
    }
    case 'take_and_answer':
      await take(network, order)
      return answer(reply, brokenAnswer(manner.status))
    case 'answer_then_take':
      void later(network, manner.delayMs, async () => { await take(network, order) })
      return answer(reply, brokenAnswer(manner.status))
    case 'decide': return answer(reply, await take(network, decidedAs(order, manner.reason)))
    default: return manner satisfies never
  }
}

/** Writes the order into the books and sees to its one callback; the answer is 202, or 409 where it is there already. */
async function take(network: Network, order: Movement): Promise<Refusal> {
  const manner = order.callbackUrl === null ? undefined : network.manners.take('callback', order.party, order.operation)
  const isEarly = manner?.kind === 'before_answer'
  const movement = await network.books.take(isEarly ? { ...order, decidedAtMs: order.takenAtMs } : order)
  if (movement === 'exists') return alreadyExists
  if (isEarly) await network.sendCallback(movement, viewOf(movement, movement.outcome))
  if (movement.callbackUrl === null || manner?.kind === 'drop' || isEarly) return accepted
  const extraMs = manner?.kind === 'late' ? manner.delayMs : 0
  void later(network, movement.decidedAtMs - network.nowMs() + extraMs, () => tell(network, movement, manner))
  return accepted
}

/** The callback, or what the script makes of it. */
async function tell({ sendCallback, stopping }: Network, movement: Movement, manner: CallbackManner | undefined): Promise<void> {
  const truth = viewOf(movement, movement.outcome)
  switch (manner?.kind) {
    case 'lie': return sendCallback(movement, viewOf(movement, oppositeOf(movement.outcome)))
    case 'garbage': return sendCallback(movement, garbageAnswer)
    case 'by': return sendCallback(movement, truth, manner.method)
    case 'forge':
      await sendCallback(movement, forgedFrom(movement))
      return sendCallback(movement, truth)
    case 'twice':
      await sendCallback(movement, truth)
      return sendCallback(movement, truth)
    case 'out_of_order':
      await sendCallback(movement, truth)
      await sleep(disorderMs, undefined, { signal: stopping, ref: false })
      return sendCallback(movement, viewOf(movement, { status: 'PENDING' }))
    case undefined:
    case 'late':
    case 'drop':
    case 'before_answer': return sendCallback(movement, truth)
    default: return manner satisfies never
  }
}

async function later(network: Network, delayMs: number, act: () => Promise<void>): Promise<void> {
  try {
    await sleep(Math.max(0, delayMs), undefined, { signal: network.stopping, ref: false })
    await act()
  } catch {
    // Only the stopping of the program ends a wait early; what was due then is lost, as MTN would lose it.
  }
}
