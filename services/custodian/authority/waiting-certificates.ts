import type { Reading } from '../store/store.ts'

/** What is waited for: that all trust the next authority, or that all have a certificate of it. */
export type Waited = 'trusts' | 'authority'

/**
 * Counts the certificates that somebody may still stand on: valid, not revoked, not followed by another, and not of a
 * gateway that has ended. Our own are left out: this process takes up at once what the store says.
 */
export async function countWaiting(store: Reading, nowMs: number, waited: Waited, version: number): Promise<number> {
  // Whoever shows the public certificate trusts by another.
  const condition = waited === 'trusts' ? `c.kind = 'process' AND c.trusts < ?` : `c.kind <> 'own' AND c.authority < ?`
  const row = await store.get(
    `SELECT count(*) AS count FROM certificates c
     WHERE c.not_after_ms > ? AND c.revoked_at_ms IS NULL AND ${condition}
       AND NOT EXISTS (SELECT 1 FROM certificates n WHERE n.kind = c.kind AND n.line = c.line AND n.serial <> c.serial
         AND (n.previous_serial = c.serial OR (c.kind = 'public' AND n.issued_at_ms > c.issued_at_ms)))
       AND NOT EXISTS (SELECT 1 FROM certificates p JOIN signers s ON s.id = p.signer
         WHERE p.line = c.line AND s.until_ms <= ?)`,
    nowMs, version, nowMs,
  )
  return Number(row?.['count'])
}
