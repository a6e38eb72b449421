import { generateKeyPairSync } from 'node:crypto'
import { Purse, testPayoutBatch } from '@ngome/testkit'
import { rateCase, type BenchCase } from '../harness.ts'
import { workerConnection } from '../sides/acceptances.ts'
import { raiseGateway, type GatewayStand } from '../sides/gateway-stand.ts'
import { memoryCases, rateBetween } from '../sides/memory-of.ts'
import { Worker } from '../sides/worker.ts'
import type { RawPartsOrder, RawPartsReport } from './raw-parts.ts'
import type { SendOrder, SendReport } from './sender.ts'

const rowsOfPart = 500
/** What the plain SQL writes before the batch, and again after it: enough for a rate. */
const rawRowsMax = 20_000

/** A batch through the SDK and HTTPS, with no dispatcher beside it, and plain SQL of the same transactions before and after. */
export async function acceptedRows(count: number, tell: (text: string) => void): Promise<BenchCase[]> {
  const stand = await raiseGateway()
  const [sender, raw] = [new Worker('payouts/sender.ts'), new Worker('payouts/raw-parts.ts')]
  try {
    const [gateway, dispatcher] = [stand.database.open('ngome_gateway'), stand.database.open('ngome_dispatcher')]
    // What is paid out has to be there.
    await (await Purse.of(stand.platform.tenant, gateway, dispatcher)).move(BigInt(count) * 100n)
    const plain = await Purse.open(stand.database, gateway, dispatcher)
    const parts = Math.ceil(Math.min(count, rawRowsMax) / rowsOfPart)
    const declared = { count: 2 * parts * rowsOfPart, totalMinor: BigInt(2 * parts * rowsOfPart) * 100n }
    await plain.move(declared.totalMinor)
    const batch = await testPayoutBatch(gateway, plain.merchant, declared)
    const rawParts = (firstPart: number): Promise<RawPartsReport> => raw.ask<RawPartsReport>(
      { ...{ merchant: plain.merchant, batch, firstPart, parts, rowsOfPart } satisfies Omit<RawPartsOrder, 'connection'>, connection: workerConnection(stand) })
    tell('parts by plain SQL')
    const before = await rawParts(1)
    const { steps } = await sender.ask<SendReport>({ ...await orderOf(stand, count), count, pids: [stand.gateway.child.pid ?? 0] } satisfies SendOrder)
    tell('parts by plain SQL again')
    const after = await rawParts(parts + 1)
    return [
      rateCase('rows accepted', '1/s', rateBetween(steps, 0, count), (before.rows + after.rows) / (before.seconds + after.seconds)),
      rateCase('rows accepted, the last tenth beside the first', '1/s', rateBetween(steps, count * 0.9, count), rateBetween(steps, 0, count * 0.1)),
      ...memoryCases(['the merchant\'s program', 'the gateway'], steps, count),
    ]
  } finally {
    for (const worker of [sender, raw]) worker.stop()
    await stand.close()
  }
}

async function orderOf({ platform, database }: GatewayStand, count: number): Promise<Omit<SendOrder, 'pids'>> {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const keyId = await platform.custody.addSigningKey(database.open('ngome_operator', { poolMax: 1 }), platform.tenant, publicKey)
  return {
    port: platform.folders.ports.gateway, ca: platform.custody.authority.pem, key: platform.key, count,
    signingKey: { keyId, privateKey: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString() },
  }
}
