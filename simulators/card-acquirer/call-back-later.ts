import { setTimeout as sleep } from 'node:timers/promises'
import type { Account, Order } from './books.ts'
import { oppositeOf } from './callbacks.ts'
import type { CallbackManner } from './manners.ts'
import type { Simulation } from './simulation.ts'
import { testCard } from './test-cards.ts'

/** How an order's end will be told: as the script has it, or else its card. */
export function callbackMannerOf({ manners }: Simulation, { callbackUrl, card, operation }: Order): CallbackManner | undefined {
  if (callbackUrl === null) return undefined
  const own = testCard(card)?.callback
  return manners.take('callback', card, operation) ?? (own === undefined ? undefined : { kind: own })
}

/** Tells of an order's end when it comes. */
export async function callBackLater(simulation: Simulation, account: Account, order: Order, manner: CallbackManner | undefined): Promise<void> {
  const end = simulation.books.endOf(order)
  if (end === undefined || order.callbackUrl === null || manner?.kind === 'drop') return
  const { sendCallback } = simulation
  if (!await waited(simulation, end.atMs - simulation.nowMs() + (manner?.kind === 'late' ? manner.delayMs : 0))) return
  switch (manner?.kind) {
    case 'lie': return sendCallback(account, order, oppositeOf(end))
    case 'forge': return sendCallback(account, order, oppositeOf(end), 'forge')
    case 'garbage': return sendCallback(account, order, end, 'garbage')
    case 'out_of_order':
      await sendCallback(account, order, end)
      return sendCallback(account, order, { status: 'processing', code: null })
    case 'twice':
      await sendCallback(account, order, end)
      return sendCallback(account, order, end)
    default: return sendCallback(account, order, end)
  }
}

/** @returns false where the program stops before; what was due then is lost */
export async function waited({ stopping }: Pick<Simulation, 'stopping'>, delayMs: number): Promise<boolean> {
  try {
    if (delayMs > 0) await sleep(delayMs, undefined, { signal: stopping, ref: false })
    return true
  } catch {
    return false
  }
}
