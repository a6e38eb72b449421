import { Secret, type PayoutBatchId } from '@ngome/kernel'
import { acceptPayoutPart, clientConfig, type Connection } from '@ngome/store'
import { testPayoutPart, type TestMerchant } from '@ngome/testkit'
import pg from 'pg'
import { writtenDown } from '../sides/written-down.ts'

export type RawPartsOrder = {
  readonly connection: Omit<Connection, 'password'> & { readonly password: string }
  readonly merchant: TestMerchant
  readonly batch: PayoutBatchId
  readonly firstPart: number
  readonly parts: number
  readonly rowsOfPart: number
}
export type RawPartsReport = { readonly rows: number; readonly seconds: number }

process.on('message', (order: RawPartsOrder) => void run(order).then((report) => process.send?.(report)))
process.once('disconnect', () => process.exit())

/**
 * The transactions of parts, by the statements of the store itself, one after the other by one connection, each waiting for its answer:
 * nothing is sealed, signed or sent by HTTP. They are made before the clock goes on.
 */
async function run({ connection, merchant, batch, firstPart, parts, rowsOfPart }: RawPartsOrder): Promise<RawPartsReport> {
  const client = new pg.Client(clientConfig({ ...connection, password: new Secret(connection.password) }))
  await client.connect()
  let seconds = 0
  for (let part = firstPart; part < firstPart + parts; part++) {
    const statements = await writtenDown((db) => acceptPayoutPart(db, testPayoutPart(merchant, batch, part, rowsOfPart, { amountMinor: 100n })))
    const startedAtMs = performance.now()
    for (const { text, values } of statements) await client.query(text, values)
    seconds += (performance.now() - startedAtMs) / 1_000
  }
  await client.end()
  return { rows: parts * rowsOfPart, seconds }
}
