import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import { newApiKey } from '@ngome/access'
import { systemClock, systemRandom } from '@ngome/kernel'
import { TestAuthority } from '@ngome/testkit'
import { median, rateCase, timeCase, type BenchCase, type BenchReport } from './harness.ts'
import type { BareServerOrder } from './sides/bare-server.ts'
import { cpuCase, inTurnsOf, type Runner } from './sides/in-turns.ts'
import type { LoadReport } from './sides/load.ts'
import type { MerchantOrder } from './sides/merchant.ts'
import { Worker } from './sides/worker.ts'

const calls = 16
const answer = JSON.stringify({
  id: 'pay_01k8z3f7q2e9d8m4n6p0r5s7tv', object: 'payment', world: 'test', status: 'accepted', amount: '5.00', currency: 'EUR', network: 'mtn-sandbox',
  payer: { phone: '+46•••499' }, reference: 'order-42', failure: null, created_at: '2026-11-22T09:30:00.000Z', updated_at: '2026-11-22T09:30:00.000Z',
})

/** A merchant's program through the SDK beside one on `node:https`: the same calls to the same server. */
export async function bench(): Promise<BenchReport> {
  const authority = await TestAuthority.create()
  const server = new Worker('sides/bare-server.ts')
  const workers = { sdk: new Worker('sides/merchant.ts'), 'sdk-signed': new Worker('sides/merchant.ts'), bare: new Worker('sides/merchant.ts') }
  try {
    const { port } = await server.ask<{ port: number }>({
      tls: { ...await authority.issueWithKey('gateway'), minVersion: 'TLSv1.3' },
      headers: ['content-type', 'application/json', 'content-length', String(Buffer.byteLength(answer))], body: answer,
    } satisfies BareServerOrder)
    const order = {
      port, ca: authority.pem, calls,
      key: newApiKey({ world: 'test', clock: systemClock, random: systemRandom }).text.expose((text) => text),
      signingKey: generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    }
    const runner = (through: MerchantOrder['through']): Runner => ({
      pid: workers[through].pid,
      run: (durationMs) => workers[through].ask<LoadReport>({ ...order, through, durationMs } satisfies MerchantOrder),
    })
    const cases = [
      ...await beside('POST', runner('sdk'), runner('bare')), ...await beside('POST, signed by Ed25519', runner('sdk-signed'), runner('bare')),
      ...sizes(),
    ]
    return { bench: 'sdk', cases, notes }
  } finally {
    for (const worker of [server, ...Object.values(workers)]) worker.stop()
  }
}

const notes = [
  `${calls} calls at once on kept TLS connections; the server answers every request with the same bytes, on the same machine. The baseline is`,
  'node:https with the same headers and the answer parsed, and neither limits, deadlines, retries nor checks. Signed calls are',
  'held against the unsigned baseline: the ratio is what signing costs a program that does nothing else. Sizes are of the built package,',
  'each entry with all that it imports, with gzip, against their bar.',
]

/** Of the package as it is published, which a script builds and weighs. */
function sizes(): BenchCase[] {
  const script = join(import.meta.dirname, '..', 'scripts', 'weigh-sdk.ts')
  const weighed = JSON.parse(execFileSync(process.execPath, [script], { encoding: 'utf8' })) as Weighed
  return weighed.entries.map(({ entry, bytes }) => timeCase(`size of ${entry}, compressed`, 'bytes', bytes, weighed.bytesMax))
}

type Weighed = { readonly bytesMax: number; readonly entries: readonly { readonly entry: string; readonly bytes: number }[] }

async function beside(name: string, ours: Runner, bare: Runner): Promise<BenchCase[]> {
  const [one, other] = await inTurnsOf([ours, bare])
  return [rateCase(`${name}, calls`, '1/s', median(one.perSecond), median(other.perSecond)), ...cpuCase(name, one, other)]
}
