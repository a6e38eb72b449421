import type { Reading } from '../store/store.ts'

/** @returns the ids of the roots that have a successor, and are not destroyed yet */
export async function findFormerRoots(store: Reading): Promise<readonly string[]> {
  const rows = await store.all(`SELECT name FROM key_lives WHERE purpose = 'root' AND state = 'decrypt-only' ORDER BY name`)
  return rows.map((row) => String(row['name']))
}
