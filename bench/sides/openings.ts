import { createPublicKey } from 'node:crypto'
import type { RecordContext } from '@ngome/envelope'
import { systemRandom } from '@ngome/kernel'
import { custodianClient, type Identity } from '@ngome/runtime'
import { opener, type OpenSealed, type SealedRecord } from '../../services/dispatcher/custodian/open-sealed.ts'
import type { LoadReport } from './load.ts'

/** Where the custodian is, who asks, and what there is to open. */
export type OpeningsOrder = {
  readonly port: number
  readonly identity: ReturnType<Identity['secureContext']>
  /** The custodian's statement key, SPKI, PEM. */
  readonly statementKey: string
  /** base64url, of all records. */
  readonly dataKey: string
  readonly records: readonly { readonly context: RecordContext; readonly blob: string }[]
}

/** One run: as many openings as there are jobs under way, for this time. */
export type OpeningsRun = { readonly atOnce: number; readonly durationMs: number }

let open: OpenSealed | undefined
let records: readonly SealedRecord[] = []
let next = 0

/** A dispatcher that does nothing but open: its own client and its own way to share calls. */
process.on('message', (message: OpeningsOrder | OpeningsRun) => {
  if ('durationMs' in message) void run(message).then((report) => process.send?.(report))
  else process.send?.(prepare(message))
})
process.once('disconnect', () => process.exit())

function prepare({ port, identity, statementKey, dataKey, records: given }: OpeningsOrder): object {
  const own = { secureContext: () => identity, onRenewal: () => () => undefined, isExpired: () => false, hearAuthorities: () => undefined }
  open = opener(custodianClient(own, { custodian: { host: '127.0.0.1', port } }), createPublicKey(statementKey), systemRandom)
  const sealed = Buffer.from(dataKey, 'base64url')
  records = given.map(({ context, blob }) => ({ dataKey: sealed, context, blob: Buffer.from(blob, 'base64url') }))
  return {}
}

async function run({ atOnce, durationMs }: OpeningsRun): Promise<LoadReport> {
  const startedAtMs = performance.now()
  const times: number[] = []
  let failed = 0
  const signal = new AbortController().signal
  await Promise.all(Array.from({ length: atOnce }, async () => {
    while (performance.now() < startedAtMs + durationMs) {
      const record = records[next++ % records.length]
      const beganAtMs = performance.now()
      if (record !== undefined && (await open?.('dispatch', record, signal))?.kind === 'opened') times.push(performance.now() - beganAtMs)
      else failed++
    }
  }))
  times.sort((a, b) => a - b)
  return {
    answered: times.length, failed, failures: failed === 0 ? {} : { 'no opening': failed }, seconds: (performance.now() - startedAtMs) / 1_000,
    p99Ms: times[Math.floor(times.length * 0.99)] ?? 0,
  }
}
