import { Secret } from '@ngome/kernel'
import { acceptPayment, clientConfig, type Connection } from '@ngome/store'
import { testAcceptance, type TestMerchant } from '@ngome/testkit'
import pg from 'pg'
import { writtenDown, type Statement } from '../sides/written-down.ts'

export type RawSqlStart = { readonly connection: Omit<Connection, 'password'> & { readonly password: string }; readonly merchant: TestMerchant; readonly connections: number }
/** Makes the statements of so many transactions; a run uses them up. */
export type RawSqlPrepare = { readonly transactions: number }
export type RawSqlRun = { readonly durationMs: number }
export type RawSqlReport = { readonly committed: number; readonly seconds: number; readonly statements: number }

let clients: readonly pg.Client[] = []
let merchant: TestMerchant | undefined
let prepared: (readonly Statement[])[] = []

process.on('message', (message: RawSqlStart | RawSqlPrepare | RawSqlRun) => void handle(message).then((report) => process.send?.(report)))
process.once('disconnect', () => process.exit())

function handle(message: RawSqlStart | RawSqlPrepare | RawSqlRun): Promise<object> {
  if ('connection' in message) return start(message)
  return 'transactions' in message ? prepare(message) : run(message)
}

async function start(given: RawSqlStart): Promise<object> {
  merchant = given.merchant
  const config = clientConfig({ ...given.connection, password: new Secret(given.connection.password) })
  clients = await Promise.all(Array.from({ length: given.connections }, async () => {
    const client = new pg.Client(config)
    await client.connect()
    return client
  }))
  // The first makes the merchant's accounts, which the store then knows and leaves out.
  for (const { text, values } of await statementsOfOne()) await clients[0]?.query(text, values)
  return {}
}

async function prepare({ transactions }: RawSqlPrepare): Promise<object> {
  prepared = []
  for (let count = 0; count < transactions; count++) prepared.push(await statementsOfOne())
  return {}
}

/**
 * The statements of one acceptance, sent as a program without our store would: unprepared, one after the other, each
 * waiting for its answer. They are made before the clock starts.
 */
async function run({ durationMs }: RawSqlRun): Promise<RawSqlReport> {
  const statements = prepared[0]?.length ?? 0
  const startedAtMs = performance.now()
  let committed = 0
  await Promise.all(clients.map(async (client) => {
    while (performance.now() - startedAtMs < durationMs) {
      const next = prepared.pop()
      if (next === undefined) throw new RangeError('more transactions than were made: prepare more')
      for (const { text, values } of next) await client.query(text, values)
      committed++
    }
  }))
  return { committed, seconds: (performance.now() - startedAtMs) / 1_000, statements }
}

async function statementsOfOne(): Promise<readonly Statement[]> {
  const paying = merchant
  if (paying === undefined) throw new TypeError('not started')
  return writtenDown((db) => acceptPayment(db, testAcceptance(paying)))
}
