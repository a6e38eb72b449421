import { generateKeyPairSync } from 'node:crypto'
import {
  generateMerchantKeyPair, makeDataKey, openSealedDataKey, signStatement, verifyStatement, type DataKey,
} from '@ngome/envelope'
import { newId, systemClock, systemRandom, toBase64Url } from '@ngome/kernel'
import type { CustodianClient, Identity } from '@ngome/runtime'
import { CustodianProcess } from '../services/custodian/testing/custodian-process.ts'
import { openRequest, sealedRecord } from '../services/custodian/testing/sealed-record.ts'
import { median, rateCase, type BenchCase, type BenchReport } from './harness.ts'
import type { BareServerOrder } from './sides/bare-server.ts'
import { cpuCase, inTurnsOf, loadedBy, rounds, type Runner } from './sides/in-turns.ts'
import type { LoadReport } from './sides/load.ts'
import type { OpeningsOrder } from './sides/openings.ts'
import { Worker } from './sides/worker.ts'

const from = { clock: systemClock, random: systemRandom }
/** As many calls under way as a busy dispatcher has jobs. */
const connections = 64
/** Each record may be opened twelve times; enough of them that no run spends that. */
const recordsOpened = 24_000
/** The most that one call opens. */
const batchSize = 64
const batches = 400
/** 64 at a time soon come to what may be opened within an hour. */
const batchRounds = 3
const coldKeys = 1_200
const coldAtOnce = 8

type Stand = {
  readonly custodian: CustodianProcess
  readonly identity: Identity
  readonly client: CustodianClient
  readonly dataKeys: readonly DataKey[]
  readonly load: Worker
}
type Measured = (stand: Stand) => Promise<readonly BenchCase[]>

/** Openings over mutual TLS, each counted and in the log on disk, beside a server that only answers. */
export async function bench(): Promise<BenchReport> {
  const load = new Worker('sides/load.ts')
  const cases: BenchCase[] = []
  const all: readonly Measured[] = [
    openings,
    (stand) => warm(stand, 'open of a record in a call of its own', { perCall: 1, calls: recordsOpened, times: rounds }),
    (stand) => warm(stand, `open of ${batchSize} records in a call`, { perCall: batchSize, calls: batches, times: batchRounds }),
    async ({ client, dataKeys }) => [await cold(dataKeys.slice(1), (body) => client.call('/v1/open', body))],
  ]
  try {
    // Each on a custodian of its own: what one may open within an hour is less than all of these open together.
    for (const measure of all) {
      const custodian = await CustodianProcess.create()
      try {
        await custodian.ready()
        const { identity, client, dataKeys } = await custodian.dispatcherWithDataKeys(coldKeys + 1)
        cases.push(...await measure({ custodian, identity, client, dataKeys, load }))
        client.close()
      } finally {
        await custodian.remove()
      }
    }
  } finally {
    load.stop()
  }
  return { bench: 'custodian', cases, notes }
}

const notes = [
  `Openings: ${connections} under way; the baseline is a Node HTTPS server with the same TLS settings that asks for the same`,
  `certificates and echoes what it receives, on ${connections} kept connections. Ours reads strict JSON, checks caller, purpose,`,
  'context and budgets, derives, and has counted and logged each opening on the disk before it answers. The first line asks as a',
  'dispatcher does, whose jobs share calls, and decrypts each record; the second makes a call of each record by itself.',
  'Openings with a data key that nobody has opened before: beside how often this process alone can check the signature and',
  'decapsulate, without network, unwrapping, counting or log.',
]

/** What a dispatcher gets that has so many jobs at once, each of which opens one record. */
async function openings({ custodian, dataKeys: [dataKey], identity, load }: Stand): Promise<BenchCase[]> {
  if (dataKey === undefined) throw new TypeError('no data key')
  const { port } = custodian.config.custodian
  const dispatcher = new Worker('sides/openings.ts')
  const records = Array.from({ length: recordsOpened }, () => sealedRecord(systemClock, dataKey, '{"payer":"+256772123456"}'))
  const order: OpeningsOrder = {
    port, identity: identity.secureContext(), statementKey: identity.statementKey.export({ format: 'pem', type: 'spki' }).toString(),
    dataKey: toBase64Url(dataKey.sealed), records: records.map(({ context, blob }) => ({ context, blob: toBase64Url(blob) })),
  }
  await dispatcher.ask(order)
  const body = JSON.stringify(openRequest(dataKey.sealed, records.slice(0, 1)))
  const { bare, runner } = await bareSide(identity, load, [posted(body)])
  const [ours, baseline] = await inTurnsOf([
    { pid: custodian.child?.pid ?? 0, run: (durationMs) => dispatcher.ask<LoadReport>({ atOnce: connections, durationMs }) },
    runner,
  ])
  bare.stop()
  dispatcher.stop()
  const name = 'open of a record, data key cached'
  return [rateCase(name, '1/s', median(ours.perSecond), median(baseline.perSecond)), ...cpuCase(name, ours, baseline)]
}

async function warm(
  stand: Stand, name: string, { perCall, calls, times }: { readonly perCall: number; readonly calls: number; readonly times: number },
): Promise<BenchCase[]> {
  const { custodian, dataKeys: [dataKey], identity, load } = stand
  if (dataKey === undefined) throw new TypeError('no data key')
  const bodies = Array.from({ length: calls }, () => JSON.stringify(openRequest(
    dataKey.sealed, Array.from({ length: perCall }, () => sealedRecord(systemClock, dataKey, '')),
  )))
  const { port } = custodian.config.custodian
  const requests = bodies.map((body) => posted(body))
  const { bare, runner } = await bareSide(identity, load, requests)
  const own = { pid: custodian.child?.pid ?? 0, order: { ...loadFrom(identity), requests, port } }
  const [ours, baseline] = await inTurnsOf([loadedBy(load, own), runner], times)
  bare.stop()
  return [rateCase(name, 'calls/s', median(ours.perSecond), median(baseline.perSecond)), ...cpuCase(name, ours, baseline)]
}

function loadFrom(identity: Identity) {
  const { key, cert, ca } = identity.secureContext()
  return { ca, client: { key, cert }, connections, status: 200 }
}

async function bareSide(identity: Identity, load: Worker, requests: readonly string[]): Promise<{ bare: Worker; runner: Runner }> {
  const bare = new Worker('sides/bare-server.ts')
  const { port } = await bare.ask<{ port: number }>(bareOrder(identity))
  return { bare, runner: loadedBy(load, { pid: bare.pid, order: { ...loadFrom(identity), requests, port } }) }
}

function posted(body: string): string {
  return ['POST /v1/open HTTP/1.1', 'Host: localhost', 'Content-Type: application/json', `Content-Length: ${body.length}`, '', body].join('\r\n')
}

/** The same certificates asked for, and the custodian's own headers on what it echoes. */
function bareOrder(identity: Identity): BareServerOrder {
  const tls = { ...identity.secureContext(), requestCert: true, rejectUnauthorized: true }
  return { tls, headers: ['content-type', 'application/json; charset=utf-8', 'cache-control', 'no-store'] }
}

/** Every opening decapsulates anew. */
async function cold(dataKeys: readonly DataKey[], open: (body: ReturnType<typeof openRequest>) => Promise<unknown>): Promise<BenchCase> {
  const bodies = dataKeys.map((dataKey) => openRequest(dataKey.sealed, [sealedRecord(systemClock, dataKey, '')]))
  const startedAtMs = performance.now()
  await Promise.all(Array.from({ length: coldAtOnce }, async () => {
    for (let body = bodies.pop(); body !== undefined; body = bodies.pop()) await open(body)
  }))
  const ours = dataKeys.length * 1_000 / (performance.now() - startedAtMs)
  return rateCase('open of a record, data key not cached', '1/s', ours, await suiteRate())
}

/** How often a second this process alone checks a data key's signature and decapsulates it. */
async function suiteRate(): Promise<number> {
  const merchant = await generateMerchantKeyPair('hybrid')
  const [custodian, gateway] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')]
  const nowMs = systemClock.nowMs()
  const statement = verifyStatement(signStatement({
    keyId: newId('merchantKey', from), tenant: { merchant: newId('merchant', from), world: 'test' }, retention: 'payment',
    period: 0, notBeforeMs: nowMs - 1_000, notAfterMs: nowMs + 3_600_000, suite: 'hybrid', publicKey: merchant.publicKey,
  }, custodian.privateKey), custodian.publicKey)
  const { sealed } = await makeDataKey({ statement, signer: { id: newId('signer', from), privateKey: gateway.privateKey }, ...from })
  const open = () => openSealedDataKey({ sealed, suite: 'hybrid', privateKey: merchant.privateKey, signerPublicKey: gateway.publicKey })
  for (let count = 0; count < 100; count++) await open()
  const startedAtMs = performance.now()
  for (let count = 0; count < coldKeys; count++) await open()
  return coldKeys * 1_000 / (performance.now() - startedAtMs)
}
