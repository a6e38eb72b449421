import { setTimeout as sleep } from 'node:timers/promises'
import { checkLedger } from '@ngome/store'
import type { MerchantClient } from './merchant-client.ts'
import type { SimulatorCharge } from './mtn-momo-simulator.ts'
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

type Plan = { readonly key: string; readonly phone: string; readonly expected: 'succeeded' | 'failed' }
type View = { readonly id: string; readonly status: string }

/** MTN's documented numbers, and what a payment from each must come to. */
const payers: readonly Omit<Plan, 'key'>[] = [
  { phone: '+46733123499', expected: 'succeeded' },
  { phone: '+46733123498', expected: 'succeeded' },
  { phone: '+46733123451', expected: 'failed' },
]
const clients = 6
const answerMsMax = 120_000
const settleMsMax = 180_000
const tailMs = 3_000
const processCount = 5
/** How often a platform that is still recovering is hit again. */
const hitsInRecovery = 0.2
/** A client's pause between two payments, so that the kills fall among many. */
const thinkMsMax = 200

/**
 * Takes payments while processes are killed at random points, then holds what was acknowledged against the database,
 * the ledger and the provider's books. Clients retry as the SDK will: the same key until there is an answer.
 */
export async function runKillLoop(loop: KillLoop): Promise<KillReport> {
  const random = new SeededRandom(loop.seed)
  const plans = Array.from({ length: loop.payments }, (_, at): Plan => {
    return { ...random.pick(payers), key: `kill-${loop.seed}-${at}` }
  })
  const pace = new SeededRandom(loop.seed + 1)
  const client = loop.platform.client()
  const wrongs: string[] = []
  const ids = new Map<string, string>()
  const over = new AbortController()
  const killer = killAtRandom(loop, random, over.signal)
  const waiting = [...plans]
  await Promise.all(Array.from({ length: clients }, async () => {
    for (let plan = waiting.shift(); plan !== undefined; plan = waiting.shift()) {
      const id = await payUntilAnswered(client, plan, wrongs)
      if (id !== undefined) ids.set(plan.key, id)
      await sleep(Math.floor(pace.next() * thinkMsMax))
      if (ids.size % 50 === 0) loop.tell(`${ids.size} of ${loop.payments} acknowledged`)
    }
  }))
  // What was acknowledged last is dispatched and enquired about under fire too.
  await sleep(tailMs)
  over.abort()
  const kills = await killer
  const ends = await waitForEnds(client, ids.size, wrongs)
  client.close()
  for (const plan of plans) judgePlan(plan, ids, ends, wrongs)
  if (ends.size !== ids.size) wrongs.push(`${ends.size} payments stand in the database, ${ids.size} were acknowledged`)
  judgeCharges(await loop.platform.charges(), plans, ids, wrongs)
  await judgeLedger(loop.platform, wrongs)
  return { kills, acknowledged: ids.size, wrongs }
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

/** @returns the payment's id from the 201, which the platform has promised by then */
async function payUntilAnswered(client: MerchantClient, plan: Plan, wrongs: string[]): Promise<string | undefined> {
  const body = {
    amount: '5.00', currency: 'EUR', network: 'mtn-sandbox', payer: { phone: plan.phone }, reference: plan.key,
  }
  const untilMs = performance.now() + answerMsMax
  while (performance.now() < untilMs) {
    const answer = await client.call({ method: 'POST', path: '/v1/payments', body, idempotencyKey: plan.key, timeoutMs: 15_000 })
      .catch(() => undefined)
    if (answer?.status === 201) return (JSON.parse(answer.text) as View).id
    if (answer !== undefined && answer.status < 500 && answer.status !== 409) {
      wrongs.push(`${plan.key} was answered ${answer.status}: ${answer.text}`)
      return undefined
    }
    await sleep(100)
  }
  wrongs.push(`${plan.key} got no answer in ${answerMsMax / 1000} s`)
  return undefined
}

async function waitForEnds(client: MerchantClient, count: number, wrongs: string[]): Promise<ReadonlyMap<string, string>> {
  const untilMs = performance.now() + settleMsMax
  for (;;) {
    const views = await listAll(client).catch(() => undefined)
    const open = views?.filter(({ status }) => status !== 'succeeded' && status !== 'failed')
    const isOver = views !== undefined && views.length >= count && open?.length === 0
    if (isOver || performance.now() > untilMs) {
      for (const view of open ?? []) wrongs.push(`${view.id} is still ${view.status}`)
      if (views === undefined) wrongs.push('the payments could not be listed')
      return new Map((views ?? []).map(({ id, status }) => [id, status]))
    }
    await sleep(500)
  }
}

async function listAll(client: MerchantClient): Promise<readonly View[]> {
  const views: View[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const answer = await client.call({ path: `/v1/payments?limit=100${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}` })
    if (answer.status !== 200) throw new Error(`the list answered ${answer.status}: ${answer.text}`)
    const page = JSON.parse(answer.text) as { data: View[]; next_cursor: string | null }
    views.push(...page.data)
    cursor = page.next_cursor
  }
  return views
}

function judgePlan(plan: Plan, ids: ReadonlyMap<string, string>, ends: ReadonlyMap<string, string>, wrongs: string[]): void {
  const id = ids.get(plan.key)
  if (id === undefined) return
  const end = ends.get(id)
  if (end === undefined) wrongs.push(`${plan.key} was acknowledged as ${id}, which is not there`)
  else if (end !== plan.expected) wrongs.push(`${plan.key} ended as ${end}, not as ${plan.expected}`)
}

function judgeCharges(
  charges: readonly SimulatorCharge[], plans: readonly Plan[], ids: ReadonlyMap<string, string>, wrongs: string[],
): void {
  const byPayment = new Map<string, SimulatorCharge[]>()
  for (const charge of charges) byPayment.set(charge.externalId, [...(byPayment.get(charge.externalId) ?? []), charge])
  for (const plan of plans) {
    const id = ids.get(plan.key)
    if (id === undefined) continue
    const found = byPayment.get(id) ?? []
    if (found.length !== 1) wrongs.push(`${id} stands ${found.length} times in the provider's books`)
    byPayment.delete(id)
  }
  for (const id of byPayment.keys()) wrongs.push(`the provider was asked for ${id}, which was never acknowledged`)
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
