import type { Database } from '@ngome/store'

/** Tries a statement and takes back what it did. @returns PostgreSQL's code of its refusal, `undefined` where it was let */
export async function attemptAs({ pool }: Database, statement: string): Promise<string | undefined> {
  const client = await pool.connect()
  try {
    await client.query('BEGIN')
    await client.query(statement)
    return undefined
  } catch (error) {
    if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code
    throw error
  } finally {
    await client.query('ROLLBACK').catch(() => undefined)
    client.release()
  }
}
