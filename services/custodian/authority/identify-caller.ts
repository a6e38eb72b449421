import type { ProcessRole, StaffId } from '@ngome/kernel'
import type { ProvenCaller } from '../calls/caller.ts'
import type { RefusalReason } from '../calls/refusal.ts'
import type { Custodian } from '../custodian.ts'
import { findStaff } from '../staff/staff-rows.ts'

export type Identified =
  | { readonly ok: true; readonly caller: ProvenCaller }
  | { readonly ok: false; readonly reason: RefusalReason }

/**
 * Says who holds a certificate that TLS has found to be of our authority. Our own record has the last word: a
 * certificate that we cannot find, that was revoked, that ended while its connection stayed open, or whose person was
 * retired, is nobody's.
 * @param peer serial number and SPIFFE role as the certificate has them
 */
export async function identifyCaller(
  { certificates, store, rowTagKey }: Pick<Custodian, 'certificates' | 'store' | 'rowTagKey'>,
  peer: { readonly serial: string; readonly role: string | undefined }, nowMs: number,
): Promise<Identified> {
  const row = await certificates.find(peer.serial)
  if (row === undefined) return { ok: false, reason: 'certificate_unknown' }
  if (row['revoked_at_ms'] !== null) return { ok: false, reason: 'certificate_revoked' }
  if (Number(row['not_after_ms']) <= nowMs) return { ok: false, reason: 'certificate_expired' }
  if (row['kind'] !== 'process' || row['role'] !== peer.role) return { ok: false, reason: 'certificate_not_for_calls' }
  const staff = row['staff'] as StaffId | null
  if (staff !== null && (await findStaff(store, rowTagKey, staff))?.retiredAtMs !== null) {
    return { ok: false, reason: 'certificate_revoked' }
  }
  return { ok: true, caller: { role: row['role'] as ProcessRole, serial: peer.serial, staff } }
}
