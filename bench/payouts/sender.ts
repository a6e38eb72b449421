import { Ngome, SigningKey, type BatchedPayout } from '@ngome/sdk'
import { residentMib } from '../sides/memory-of.ts'

/** A merchant's program that sends one batch through the SDK. */
export type SendOrder = {
  readonly port: number
  readonly ca: string
  readonly key: string
  readonly signingKey: { readonly keyId: string; readonly privateKey: string }
  readonly count: number
  /** Processes whose memory is looked at, after this one. */
  readonly pids: readonly number[]
}
export type SendStep = { readonly done: number; readonly atMs: number; readonly mib: readonly (number | undefined)[] }
/** `steps`: one when each part was accepted, and one before the first. */
export type SendReport = { readonly batch: string; readonly steps: readonly SendStep[] }

/** A hundred thousand of them are below what the sandbox has a second person approve. */
const amountMinor = 5
/** Out of the way, as a merchant who sends so many sets it. */
const rateLimits = { ratePerS: 1_000_000, burst: 1_000_000, queueMax: 1_000 }
const toldEvery = 10

process.on('message', (order: SendOrder) => void send(order).then((report) => process.send?.(report)))
process.once('disconnect', () => process.exit())

async function send({ port, ca, key, signingKey, count, pids }: SendOrder): Promise<SendReport> {
  const ngome = new Ngome({ apiKey: key, baseUrl: `https://localhost:${port}`, ca, world: 'test', rateLimits, signingKey: new SigningKey(signingKey) })
  const startedAtMs = performance.now()
  const look = (done: number): SendStep => ({ done, atMs: performance.now() - startedAtMs, mib: [process.pid, ...pids].map(residentMib) })
  const steps = [look(0)]
  const { id } = await ngome.payoutBatches.send(
    { reference: `wages-${process.pid}-${Math.floor(startedAtMs)}`, currency: 'EUR', network: 'mtn-sandbox', count, total: euros(count * amountMinor) }, rowsOf(count), {
      idempotencyKey: `wages-${process.pid}-${startedAtMs}`,
      onProgress: ({ rowsAccepted, partsAccepted }) => {
        steps.push(look(rowsAccepted))
        if (partsAccepted % toldEvery === 0) tell(rowsAccepted, count, startedAtMs)
      },
    })
  ngome.close()
  return { batch: id, steps }
}

const euros = (minor: number): string => (minor / 100).toFixed(2)

async function* rowsOf(count: number): AsyncGenerator<BatchedPayout> {
  for (let at = 0; at < count; at++) yield { reference: `wage-${at}`, amount: euros(amountMinor), payee: { phone: '+46733198765' } }
}

function tell(done: number, count: number, startedAtMs: number): void {
  const rate = Math.round(done * 1_000 / (performance.now() - startedAtMs))
  process.stderr.write(`${done.toLocaleString('en')} of ${count.toLocaleString('en')} rows accepted, ${rate}/s\n`)
}
