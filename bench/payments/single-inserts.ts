import { Secret } from '@ngome/kernel'
import { clientConfig, type Connection } from '@ngome/store'
import pg from 'pg'

export type InsertsStart = { readonly connection: Omit<Connection, 'password'> & { readonly password: string }; readonly connections: number }
export type InsertsRun = { readonly durationMs: number }
export type InsertsReport = { readonly committed: number; readonly seconds: number }

let clients: readonly pg.Client[] = []
let serial = 0

process.on('message', (message: InsertsStart | InsertsRun) => void ('connection' in message ? start(message) : run(message)).then((report) => process.send?.(report)))
process.once('disconnect', () => process.exit())

async function start({ connection, connections }: InsertsStart): Promise<object> {
  const config = clientConfig({ ...connection, password: new Secret(connection.password) })
  clients = await Promise.all(Array.from({ length: connections }, async () => {
    const client = new pg.Client(config)
    await client.connect()
    return client
  }))
  return {}
}

/** As pgbench's own history: one row of a table with one key, prepared, a transaction of its own that is on disk before it counts. */
async function run({ durationMs }: InsertsRun): Promise<InsertsReport> {
  const startedAtMs = performance.now()
  let committed = 0
  await Promise.all(clients.map(async (client) => {
    while (performance.now() - startedAtMs < durationMs) {
      await client.query({
        name: 'insert', text: 'INSERT INTO public.single_inserts (id, amount_minor, note, at) VALUES ($1, $2, $3, now())',
        values: [`${process.pid}-${++serial}`, 500, 'filler-of-a-row'],
      })
      committed++
    }
  }))
  return { committed, seconds: (performance.now() - startedAtMs) / 1_000 }
}
