import type { Database } from '@ngome/store'

export type Statement = { readonly text: string; readonly values: unknown[] }

let current: unknown
// One object, so that the store knows the accounts after the first use, as a running gateway does.
const database = { pool: { connect: async () => current }, wake: () => undefined }

/** Takes the statements of a transaction from the store itself, through a connection that only writes them down. */
export async function writtenDown(act: (db: Database) => Promise<unknown>): Promise<readonly Statement[]> {
  const written: Statement[] = []
  current = {
    query: async ({ text, values }: Statement) => {
      written.push({ text, values })
      return { command: text, rows: [] }
    },
    connection: { stream: { cork: () => undefined, uncork: () => undefined } },
    getTransactionStatus: () => 'I',
    release: () => undefined,
  }
  await act(database as unknown as Database)
  return written
}
