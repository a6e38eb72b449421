import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Ngome } from '@ngome/sdk'
import { Platform, type PlatformProcess } from '@ngome/testkit'
import { rateCase, type BenchCase } from '../harness.ts'
import { memoryCases, rateBetween, residentMib } from '../sides/memory-of.ts'
import { Worker } from '../sides/worker.ts'
import type { SendOrder, SendReport, SendStep } from './sender.ts'

const lookEveryMs = 1_000
/** For how long nothing more may be sent before that is taken for an error. */
const stillMsMax = 60_000
const watched = ['dispatcher', 'gateway', 'custodian'] as const satisfies readonly PlatformProcess[]
/** The network answers at once, and about as many questions as are asked: what is measured is the platform. */
const settings = {
  NGOME_NETWORKS__MTN_SANDBOX__ENQUIRIES_PER_SECOND_MAX: '1000', MTN_MOMO_SIMULATOR_STATUS_PER_SECOND_MAX: '100000',
  MTN_MOMO_SIMULATOR_DECIDE_AFTER_MS: '50', MTN_MOMO_SIMULATOR_FLOAT: '1000000000',
}

/** A batch on a whole platform: how many rows its dispatcher sends to the network's simulator, while they are accepted and end beside it. */
export async function sentRows(count: number, tell: (text: string) => void): Promise<BenchCase[]> {
  tell('a whole platform starts')
  const platform = await Platform.start(settings)
  const sender = new Worker('payouts/sender.ts')
  try {
    const order = await orderOf(platform)
    await collect(platform, order, count)
    const accepting = sender.ask<SendReport>({ ...order, count, pids: [] } satisfies SendOrder)
    const [{ sent, ended }] = await Promise.all([untilEnded(platform, count, tell), accepting])
    return [
      rateCase('rows sent to the network, beside those that it ended', '1/s', rateBetween(sent, 0, count), rateBetween(ended, 0, count)),
      rateCase('rows sent to the network, the last tenth beside the first', '1/s', rateBetween(sent, count * 0.9, count), rateBetween(sent, 0, count * 0.1)),
      ...memoryCases(watched.map((name) => `the ${name}, sending`), sent, count),
    ]
  } finally {
    sender.stop()
    await platform.remove()
  }
}

async function orderOf(platform: Platform): Promise<Omit<SendOrder, 'pids' | 'count'>> {
  const file = join(platform.folder, 'signing-key.pem')
  const made = await platform.run('merchants', 'keys', 'make', platform.merchant, '--algorithm', 'ed25519', '--private-key', file, '--json')
  if (made.code !== 0) throw new Error(`no key for the merchant: ${made.stderr}`)
  const { key } = JSON.parse(made.stdout) as { key: string }
  return {
    port: platform.ports.gateway, ca: readFileSync(join(platform.dataFolder, 'ca.pem'), 'utf8'), key: platform.key,
    signingKey: { keyId: key, privateKey: readFileSync(file, 'utf8') },
  }
}

/** What is paid out has to be there. */
async function collect(platform: Platform, { port, ca, key }: Omit<SendOrder, 'pids' | 'count'>, count: number): Promise<void> {
  const ngome = new Ngome({ apiKey: key, baseUrl: `https://localhost:${port}`, ca, world: 'test' })
  try {
    const { id } = await ngome.payments.create({
      amount: `${count}.00`, currency: 'EUR', network: 'mtn-sandbox', payer: { phone: '+46733123499' }, reference: 'funds',
    })
    for (let waitedMs = 0; waitedMs < stillMsMax; waitedMs += 100) {
      const { status } = await ngome.payments.get(id)
      if (status === 'succeeded') return
      await sleep(100)
    }
    throw new Error(`nothing was collected to pay out of: ${platform.output}`)
  } finally {
    ngome.close()
  }
}

type Course = { readonly sent: readonly SendStep[]; readonly ended: readonly SendStep[] }

async function untilEnded(platform: Platform, count: number, tell: (text: string) => void): Promise<Course> {
  const auditor = platform.auditor()
  const [sent, ended]: [SendStep[], SendStep[]] = [[], []]
  const startedAtMs = performance.now()
  try {
    for (let [stillSinceMs, before, told] = [startedAtMs, 0, 0]; ;) {
      const { rows: [row] } = await auditor.pool.query<{ sent: bigint; ended: bigint }>(`SELECT count(*) FILTER (WHERE status NOT IN ('awaiting_approval', 'accepted')) AS sent,
        count(*) FILTER (WHERE status = 'succeeded') AS ended FROM ngome.payments WHERE direction = 'payout'`)
      const [sentSoFar, endedSoFar] = [Number(row?.sent ?? 0n), Number(row?.ended ?? 0n)]
      const atMs = performance.now() - startedAtMs
      const mib = watched.map((name) => residentMib(platform.pidOf(name) ?? 0))
      sent.push({ done: sentSoFar, atMs, mib })
      ended.push({ done: endedSoFar, atMs, mib: [] })
      if (endedSoFar >= count) return { sent, ended }
      if (sentSoFar + endedSoFar > before) stillSinceMs = performance.now()
      if (performance.now() - stillSinceMs > stillMsMax) throw new Error(`of ${count} rows ${sentSoFar} were sent and ${endedSoFar} ended, and no more`)
      before = sentSoFar + endedSoFar
      if (atMs - told >= 10_000) {
        told = atMs
        tell(`${sentSoFar.toLocaleString('en')} rows sent, ${endedSoFar.toLocaleString('en')} ended`)
      }
      await sleep(lookEveryMs)
    }
  } finally {
    await auditor.close()
  }
}
