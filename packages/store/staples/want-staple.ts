import { sql } from 'kysely'
import type { Database } from '../database.ts'
import { inPlatform } from '../transaction.ts'

/**
 * Says, as a gateway, that this certificate is served and an OCSP answer about it is wanted.
 * @param leaf SHA-256 of the certificate (DER)
 * @param chain PEM, the leaf first
 * @returns false where too many are wanted
 * @throws Fault `store/unavailable`
 */
export async function wantStaple(db: Database, leaf: Uint8Array, chain: string): Promise<boolean> {
  const { rows } = await inPlatform(db, (tx) => sql<{ wanted: boolean }>`SELECT ngome.want_staple(${leaf}, ${chain}) AS wanted`.execute(tx))
  return rows[0]?.wanted === true
}
