import { setTimeout as sleep } from 'node:timers/promises'
import { checkLedger } from '@ngome/store'
import { cents, KillMerchant, payingPhone, type KillOrder, type KillView } from './kill-merchant.ts'
import type { SimulatorMovement } from './mtn-momo-simulator.ts'
import type { Platform, PlatformProcess } from './platform.ts'
import { SeededRandom } from './random.ts'

export type KillLoop = {
  readonly platform: Platform
  readonly payments: number
  readonly seed: number
  readonly victims: readonly PlatformProcess[]
  /** A pause between two kills, in milliseconds, from and to. */
  readonly pauseMs: readonly [number, number]
  readonly tell: (line: string) => void
}

export type KillReport = {
  readonly kills: Readonly<Record<string, number>>
  readonly acknowledged: number
  /** Everything that went wrong, a line each; none is the promise. */
  readonly wrongs: readonly string[]
}

/** MTN's documented numbers, and what a payment from each must come to, or a payout to it. */
const parties: readonly Pick<KillOrder, 'phone' | 'expected'>[] = [
  { phone: payingPhone, expected: 'succeeded' },
  { phone: '+46733123498', expected: 'succeeded' },
  { phone: '+46733123451', expected: 'failed' },
]
const ways = ['collection', 'collection', 'payout', 'refund'] as const
const clients = 6
const settleMsMax = 180_000
const tailMs = 3_000
const processCount = 5
/** How often a platform that is still recovering is hit again. */
const hitsInRecovery = 0.2
/** A client's pause between two orders, so that the kills fall among many. */
const thinkMsMax = 200

/**
 * Orders collections, payouts, refunds and a batch while processes are killed at random points, then holds what was acknowledged against the database,
 * the ledger, the merchant's balance and the provider's books. Clients retry as the SDK will: the same key until there is an answer.
 */
export async function runKillLoop(loop: KillLoop): Promise<KillReport> {
  const random = new SeededRandom(loop.seed)
  const wrongs: string[] = []
  const merchant = await KillMerchant.begin(loop.platform, wrongs)
  const orders = Array.from({ length: loop.payments }, (_, at): KillOrder => {
    const way = random.pick(ways)
    return { way, ...way === 'refund' ? { phone: payingPhone, expected: 'succeeded' } : random.pick(parties), reference: `kill-${loop.seed}-${at}` }
  })
  const pace = new SeededRandom(loop.seed + 1)
  const ids = new Map<string, string>()
  const over = new AbortController()
  const killer = killAtRandom(loop, random, over.signal)
  const waiting = [...orders]
  const batch = merchant.orderBatch(loop.seed)
  await Promise.all(Array.from({ length: clients }, async () => {
    for (let order = waiting.shift(); order !== undefined; order = waiting.shift()) {
      const id = await merchant.order(order)
      if (id !== undefined) ids.set(order.reference, id)
      await sleep(Math.floor(pace.next() * thinkMsMax))
      if (ids.size % 50 === 0) loop.tell(`${ids.size} of ${loop.payments} acknowledged`)
    }
  }))
  const rows = await batch
  // What was acknowledged last is dispatched and enquired about under fire too.
  await sleep(tailMs)
  over.abort()
  const kills = await killer
  const views = await waitForEnds(merchant, ids.size + rows.length + 1, wrongs)
  merchant.close()
  const all = [...orders, ...rows]
  for (const { id, reference } of views) if (rows.some((row) => row.reference === reference)) ids.set(reference, id)
  for (const order of all) judgeOrder(order, ids, views, wrongs)
  if (views.length !== all.length + 1) wrongs.push(`${views.length} orders stand in the database, ${all.length + 1} were acknowledged`)
  judgeMovements(await loop.platform.movements(), [...ids.values(), merchant.funds], wrongs)
  judgeBalance(await loop.platform.movements(), views, await merchant.balanceCents(), wrongs)
  await judgeLedger(loop.platform, wrongs)
  return { kills, acknowledged: ids.size - rows.length, wrongs }
}

async function killAtRandom(loop: KillLoop, random: SeededRandom, signal: AbortSignal): Promise<Record<string, number>> {
  const kills: Record<string, number> = {}
  while (!signal.aborted) {
    const isOver = await sleep(random.between(...loop.pauseMs), false, { signal }).catch(() => true)
    if (isOver) break
    // Mostly a whole platform is hit, sometimes one that is still recovering; if all hits fell into recoveries, the
    // launcher's growing pauses would leave nothing up to take a payment.
    const isWhole = loop.platform.processes().length >= processCount
    if (!isWhole && random.next() > hitsInRecovery) continue
    const victim = random.pick(loop.victims)
    if (loop.platform.kill(victim)) kills[victim] = (kills[victim] ?? 0) + 1
  }
  return kills
}

async function waitForEnds(merchant: KillMerchant, count: number, wrongs: string[]): Promise<readonly KillView[]> {
  const untilMs = performance.now() + settleMsMax
  for (;;) {
    const views = await merchant.listAll().catch(() => undefined)
    const open = views?.filter(({ status }) => status !== 'succeeded' && status !== 'failed')
    const isOver = views !== undefined && views.length >= count && open?.length === 0
    if (isOver || performance.now() > untilMs) {
      for (const view of open ?? []) wrongs.push(`${view.id} is still ${view.status}`)
      if (views === undefined) wrongs.push('what was ordered could not be listed')
      return views ?? []
    }
    await sleep(500)
  }
}

function judgeOrder({ reference, expected }: KillOrder, ids: ReadonlyMap<string, string>, views: readonly KillView[], wrongs: string[]): void {
  const found = views.filter((view) => view.reference === reference)
  const [view] = found
  if (view === undefined || found.length !== 1 || view.id !== ids.get(reference)) wrongs.push(`${reference} was acknowledged as ${ids.get(reference)}, and is ${found.map(({ id }) => id).join(', ') || 'not there'}`)
  else if (view.status !== expected) wrongs.push(`${reference} ended as ${view.status}, not as ${expected}`)
}

function judgeMovements(movements: readonly SimulatorMovement[], ids: readonly string[], wrongs: string[]): void {
  const times = new Map<string, number>()
  for (const { externalId } of movements) times.set(externalId, (times.get(externalId) ?? 0) + 1)
  for (const id of ids) {
    if (times.get(id) !== 1) wrongs.push(`${id} stands ${times.get(id) ?? 0} times in the provider's books`)
    times.delete(id)
  }
  for (const id of times.keys()) wrongs.push(`the provider was asked for ${id}, which was never acknowledged`)
}

/** What the merchant has is what the provider moved for it, less what the platform says that it took of each as fee. */
function judgeBalance(movements: readonly SimulatorMovement[], views: readonly KillView[], balanceCents: number, wrongs: string[]): void {
  const moved = movements.filter(({ status }) => status === 'SUCCESSFUL')
    .reduce((sum, { operation, amount }) => sum + (operation === 'requesttopay' ? 1 : -1) * cents(amount), 0)
  const fees = views.filter(({ status }) => status === 'succeeded').reduce((sum, { fee }) => sum + cents(fee), 0)
  if (moved - fees !== balanceCents) wrongs.push(`the balance is ${balanceCents} cents, the provider moved ${moved} and fees are ${fees}`)
}

async function judgeLedger(platform: Platform, wrongs: string[]): Promise<void> {
  const auditor = platform.auditor()
  try {
    const { wrong, misheld } = await checkLedger(auditor)
    for (const id of wrong) wrongs.push(`the ledger is wrong about ${id}`)
    for (const account of misheld) wrongs.push(`${account} holds another sum than that of its transfers, or less than nothing`)
  } finally {
    await auditor.close()
  }
}
