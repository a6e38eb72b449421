import type { TestGateway } from './test-gateway.ts'

/** Has the network say what came of the last payment of a session. */
export async function settleTry({ database }: TestGateway, session: string, status: 'succeeded' | 'failed', failure: string | null = null): Promise<void> {
  const [row] = await database.asAdmin('SELECT payment FROM ngome.checkout_tries WHERE session = $1 ORDER BY try DESC LIMIT 1', [session])
  const move = 'UPDATE ngome.payments SET status = $2, failure = $3, updated_at = now() WHERE id = $1'
  await database.asAdmin(move, [row?.['payment'], 'processing', null])
  await database.asAdmin(move, [row?.['payment'], status, failure])
}
