import type { ProcessRole } from '@ngome/kernel'
import type { ProvenCaller } from '../calls/caller.ts'
import type { RefusalReason } from '../calls/refusal.ts'
import type { Reading } from '../store/store.ts'

export type Identified =
  | { readonly ok: true; readonly caller: ProvenCaller }
  | { readonly ok: false; readonly reason: RefusalReason }

/**
 * Says who holds a certificate that TLS has found to be of our authority. Our own record has the last word: a
 * certificate that we cannot find, that was revoked, or that ended while its connection stayed open, is nobody's.
 * @param peer serial number and SPIFFE role as the certificate has them
 */
export async function identifyCaller(
  store: Reading, peer: { readonly serial: string; readonly role: string | undefined }, nowMs: number,
): Promise<Identified> {
  const sql = 'SELECT kind, role, not_after_ms, revoked_at_ms FROM certificates WHERE serial = ?'
  const row = await store.get(sql, peer.serial)
  if (row === undefined) return { ok: false, reason: 'certificate_unknown' }
  if (row['revoked_at_ms'] !== null) return { ok: false, reason: 'certificate_revoked' }
  if (Number(row['not_after_ms']) <= nowMs) return { ok: false, reason: 'certificate_expired' }
  if (row['kind'] !== 'process' || row['role'] !== peer.role) return { ok: false, reason: 'certificate_not_for_calls' }
  return { ok: true, caller: { role: row['role'] as ProcessRole, serial: peer.serial } }
}
