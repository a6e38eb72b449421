import { loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { attacks, type Harvest } from './dos/attacks.ts'
import type { AttackOrder } from './dos/attacker.ts'
import type { HonestOrder, HonestReport } from './dos/honest.ts'
import { timeCase, type BenchCase, type BenchReport } from './harness.ts'
import { raiseGateway, type GatewayStand } from './sides/gateway-stand.ts'
import { cpuSeconds, Worker } from './sides/worker.ts'

/** Four hundred reads and two hundred payments each, so that a p99 is more than the worst. */
const phaseMs = 10_000
/** An attack is under way, and its limits have been met, before we look. */
const rampMs = 2_000
const order = '{"amount":"5.00","currency":"EUR","network":"mtn-sandbox","payer":{"phone":"+46733123499"},"reference":"order-42"}'
/** As on a machine of its own, where loopback is nobody special, and with the limits that an operator has who set none. */
const env: Readonly<Record<string, string>> = {
  NGOME_GATEWAY__NEVER_BANNED: '192.0.2.1/32',
  ...Object.fromEntries(([['TEST__KEY', '500', '1000'], ['TEST__MERCHANT', '1000', '2000'], ['TEST__ROUTE', '500', '1000'], ['ADDRESS', '2000', '4000']] as const)
    .flatMap(([name, rate, burst]) => [[`NGOME_LIMITS__${name}__RATE_PER_S`, rate], [`NGOME_LIMITS__${name}__BURST`, burst]])),
}

/** How long an honest merchant waits while somebody attacks, beside the quiet before it. */
export async function bench(): Promise<BenchReport> {
  return benchFor(phaseMs)
}

/** @param ms of each phase */
export async function benchFor(ms: number, names: readonly string[] = Object.keys(attacks)): Promise<BenchReport> {
  const stand = await raiseGateway(env)
  const [honest, attacker] = [new Worker('dos/honest.ts'), new Worker('dos/attacker.ts')]
  try {
    const attackersKey = await stand.platform.addMerchant()
    const merchant = await honestOrder(stand, ms)
    await honest.ask<HonestReport>(merchant)
    const cases: BenchCase[] = []
    const notes: string[] = []
    for (const [at, attack] of names.entries()) {
      process.stderr.write(`${attack}\n`)
      const quiet = await phase(stand, () => honest.ask<HonestReport>(merchant))
      const { port, ca } = merchant
      const under = attacker.ask<Harvest>({ attack, port, ca, key: attackersKey, network: `${at + 10}.0`, durationMs: rampMs + ms } satisfies AttackOrder)
      await sleep(rampMs)
      const attacked = await phase(stand, () => honest.ask<HonestReport>(merchant))
      cases.push(timeCase(`${attack}: GET, p99`, 'ms', attacked.report.get.p99Ms, quiet.report.get.p99Ms), timeCase(`${attack}: POST, p99`, 'ms', attacked.report.post.p99Ms, quiet.report.post.p99Ms))
      notes.push(harvestNote(attack, await under, quiet, attacked))
    }
    return { bench: 'dos', cases, notes: [...notes, ...surroundings, `Load of the machine at the end: ${loadavg()[0]?.toFixed(1) ?? ''}; past its cores others work on it, and the gateway\u2019s part of a core says more than a ratio.`] }
  } finally {
    honest.stop()
    attacker.stop()
    await stand.close()
  }
}

type Phase = { readonly report: HonestReport; readonly core: number | undefined }

/** How the merchant fared, and what part of a core the gateway used meanwhile. */
async function phase({ gateway }: GatewayStand, run: () => Promise<HonestReport>): Promise<Phase> {
  const pid = gateway.child.pid ?? 0
  const [before, beganAtMs] = [cpuSeconds(pid), performance.now()]
  const report = await run()
  const [after, seconds] = [cpuSeconds(pid), (performance.now() - beganAtMs) / 1_000]
  return { report, core: before === undefined || after === undefined ? undefined : (after - before) / seconds }
}

const surroundings = [
  'An honest merchant at 127.0.0.1 reads a payment 40 times and makes one 20 times a second; attackers have four addresses of their',
  'own, so that limits by address count them, and a key of their own where one is needed. The bar: at most twice the quiet\'s p99,',
  'a ratio of 50 %. Merchant, attacker (at the lowest priority but one), gateway, custodian and PostgreSQL share the machine. The',
  'neighbour that only computes says what of a ratio is the machine\'s: an attack that is no worse than it costs nothing more.',
]

function harvestNote(attack: string, { connections, answers }: Harvest, quiet: Phase, attacked: Phase): string {
  const got = Object.entries(answers).map(([status, count]) => `${count} of ${status}`).join(', ')
  const [before, during] = [quiet, attacked].map(({ report: { get, post }, core }) =>
    `p50 ${get.p50Ms.toFixed(1)}/${post.p50Ms.toFixed(1)} ms, gateway ${core === undefined ? '?' : (core * 100).toFixed(0)} % of a core`)
  return `${attack}: ${connections} connections, answers ${got === '' ? 'none' : got}. GET/POST of the merchant: ${before}; attacked: ${during}, ${attacked.report.failed} failed.`
}

async function honestOrder({ platform }: GatewayStand, durationMs: number): Promise<HonestOrder> {
  const client = platform.client()
  const answer = await client.call({ method: 'POST', path: '/v1/payments', body: JSON.parse(order), idempotencyKey: 'first' })
  client.close()
  const { id } = JSON.parse(answer.text) as { id: string }
  return { port: platform.folders.ports.gateway, ca: platform.custody.authority.pem, key: platform.key, payment: id, body: order, durationMs }
}
