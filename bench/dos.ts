import { loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { attacks } from './dos/attacks.ts'
import type { AttackOrder, AttackReport } from './dos/attacker.ts'
import type { HonestOrder, HonestReport } from './dos/honest.ts'
import { timeCase, type BenchCase, type BenchReport } from './harness.ts'
import { raiseGateway, type GatewayStand } from './sides/gateway-stand.ts'
import { cpuSeconds, Worker } from './sides/worker.ts'

/** Quiet and attack take turns, so that a neighbour's burst falls on both: 480 reads and 240 payments each in all. */
const turns = 3
const turnMs = 4_000
/** An attack is under way, and its limits have been met, before we look. */
const rampMs = 2_000
/** Bans of the turn before are taken out of the database, and the gateway has read that (`bans/share-bans.ts`). */
const unbanMs = 2_500
/** Behind everybody else while a merchant is to be served: an attacker brings his own machine, and ours is to attack, not to compute. */
const niceness = 10
const order = '{"amount":"5.00","currency":"EUR","network":"mtn-sandbox","payer":{"phone":"+46733123499"},"reference":"order-42"}'
/** As on a machine of its own, where loopback is nobody special, and with the limits that an operator has who set none. */
const env: Readonly<Record<string, string>> = {
  NGOME_GATEWAY__NEVER_BANNED: '192.0.2.1/32',
  ...Object.fromEntries(([['TEST__KEY', '500', '1000'], ['TEST__MERCHANT', '1000', '2000'], ['TEST__ROUTE', '500', '1000'], ['ADDRESS', '2000', '4000']] as const)
    .flatMap(([name, rate, burst]) => [[`NGOME_LIMITS__${name}__RATE_PER_S`, rate], [`NGOME_LIMITS__${name}__BURST`, burst]])),
}

/** What each attack costs the gateway, and how long an honest merchant waits meanwhile, beside the quiet between its turns. */
export async function bench(): Promise<BenchReport> {
  return benchFor(turnMs)
}

/** @param ms of each turn */
export async function benchFor(ms: number, names: readonly string[] = Object.keys(attacks), rounds = turns): Promise<BenchReport> {
  const stand = await raiseGateway(env)
  const [honest, attacker, alone] = [new Worker('dos/honest.ts'), new Worker('dos/attacker.ts'), new Worker('dos/attacker.ts')]
  try {
    const merchant = await honestOrder(stand, ms)
    await honest.ask<HonestReport>(merchant)
    const cases: BenchCase[] = []
    const notes: string[] = []
    for (const [at, attack] of names.entries()) {
      process.stderr.write(`${attack}\n`)
      const cost = await costOf({ stand, attacker: alone, merchant, niceness: 0 }, attack, `${at + 10}.200`)
      const seen = { quiet: nothing(), attacked: nothing() }
      for (let round = 0; round < rounds; round++) {
        add(seen.quiet, await honest.ask<HonestReport>(merchant))
        await unban(stand)
        const { under } = await begin({ stand, attacker, merchant, niceness }, attack, `${at + 10}.${round}`)
        add(seen.attacked, await honest.ask<HonestReport>(merchant))
        await under
      }
      cases.push(...casesOf(attack, seen))
      notes.push(costNote(attack, cost, seen))
    }
    return { bench: 'dos', cases, notes: [...notes, ...surroundings, `Load of the machine at the end: ${loadavg()[0]?.toFixed(1) ?? ''}; past its cores others work on it, and the CPU for one says more than a ratio.`] }
  } finally {
    honest.stop()
    attacker.stop()
    alone.stop()
    await stand.close()
  }
}

type Seen = { readonly getMs: number[]; readonly postMs: number[]; failed: number }
/** What part of a core the attack took, past what the gateway uses when nobody asks. */
type Cost = AttackReport & { readonly core: number | undefined }
type Scene = { readonly stand: GatewayStand; readonly attacker: Worker; readonly merchant: HonestOrder; readonly niceness: number }

const nothing = (): Seen => ({ getMs: [], postMs: [], failed: 0 })

function add(to: Seen, { getMs, postMs, failed }: HonestReport): void {
  to.getMs.push(...getMs)
  to.postMs.push(...postMs)
  to.failed += failed
}

/** Begins an attack whose addresses and key nobody knows: none answers for the turn before. It resolves after the ramp. */
async function begin({ stand, attacker, merchant, niceness: nice }: Scene, attack: string, network: string): Promise<{ readonly under: Promise<AttackReport> }> {
  const key = await stand.platform.addMerchant()
  const { port, ca, durationMs } = merchant
  const under = attacker.ask<AttackReport>({ attack, port, ca, key, network, rampMs, durationMs, niceness: nice } satisfies AttackOrder)
  await sleep(rampMs)
  return { under }
}

async function unban({ database }: GatewayStand): Promise<void> {
  await database.asAdmin('DELETE FROM ngome.address_bans')
  await sleep(unbanMs)
}

/** An attack alone, with nobody else to serve. */
async function costOf(scene: Scene, attack: string, network: string): Promise<Cost> {
  const { stand, merchant } = scene
  const idle = await coreDuring(stand, () => unban(stand))
  const { under } = await begin(scene, attack, network)
  const core = await coreDuring(stand, () => sleep(merchant.durationMs))
  return { ...await under, core: core === undefined || idle === undefined ? undefined : Math.max(0, core - idle) }
}

/** What part of a core the gateway used meanwhile; `undefined` where the system does not tell. */
async function coreDuring({ gateway }: GatewayStand, run: () => Promise<unknown>): Promise<number | undefined> {
  const pid = gateway.child.pid ?? 0
  const [before, beganAtMs] = [cpuSeconds(pid), performance.now()]
  await run()
  const [after, seconds] = [cpuSeconds(pid), (performance.now() - beganAtMs) / 1_000]
  return before === undefined || after === undefined ? undefined : (after - before) / seconds
}

function casesOf(attack: string, { quiet, attacked }: { readonly quiet: Seen; readonly attacked: Seen }): BenchCase[] {
  return ([['GET', 'getMs'], ['POST', 'postMs']] as const).map(([what, times]) => timeCase(`${attack}: ${what}, p99`, 'ms', below(attacked[times], 0.99), below(quiet[times], 0.99)))
}

function below(times: readonly number[], part: number): number {
  return times.toSorted((one, other) => one - other)[Math.floor(times.length * part)] ?? 0
}

const surroundings = [
  'An honest merchant at 127.0.1.1 reads a payment 40 times and makes one 20 times a second; attackers have four addresses of their',
  'own (slowhttptest one), anew for each turn, so that limits by address count them, and a key of their own where one is needed. The bar: at most',
  'twice the quiet\'s p99, a ratio of 50 %. Merchant, attacker (behind all others), gateway, custodian and PostgreSQL share the',
  'machine. The neighbour that only computes says what of a ratio is the machine\'s: an attack that is no worse than it costs nothing more.',
  'What one costs is the gateway\'s CPU under the attack alone, less its CPU when nobody asks, for each of what the attacker did meanwhile.',
]

function costNote(attack: string, { units, seconds, connections, answers, core: used }: Cost, { quiet, attacked }: { readonly quiet: Seen; readonly attacked: Seen }): string {
  const got = Object.entries(answers).map(([status, count]) => `${count} of ${status}`).join(', ')
  const unit = attacks[attack]?.unit ?? 'turn'
  const each = used === undefined || units === 0 ? '' : `, ${(used * seconds * 1e6 / units).toFixed(1)} µs for a ${unit}`
  const medians = [quiet, attacked].map(({ getMs, postMs }) => `${below(getMs, 0.5).toFixed(1)}/${below(postMs, 0.5).toFixed(1)}`)
  return `${attack}: ${connections} connections, answers ${got === '' ? 'none' : got}; ${Math.round(units / seconds)} ${unit}s a second take ${used === undefined ? '?' : (used * 100).toFixed(1)} % of a core${each}. `
    + `GET/POST of the merchant, p50: ${medians.join(' ms, attacked ')} ms; failed: ${quiet.failed}, attacked ${attacked.failed}.`
}

async function honestOrder({ platform }: GatewayStand, durationMs: number): Promise<HonestOrder> {
  const client = platform.client()
  const answer = await client.call({ method: 'POST', path: '/v1/payments', body: JSON.parse(order), idempotencyKey: 'first' })
  client.close()
  const { id } = JSON.parse(answer.text) as { id: string }
  return { port: platform.folders.ports.gateway, ca: platform.custody.authority.pem, key: platform.key, payment: id, body: order, durationMs }
}
