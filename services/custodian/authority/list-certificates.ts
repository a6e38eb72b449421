import type { CustodianResponse } from '@ngome/contracts'
import type { StaffId } from '@ngome/kernel'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import type { Custodian } from '../custodian.ts'

/** Certificates of a page: some 100 KB of JSON. */
const certificatesPerPage = 500

/** Lists certificates by their serial: who holds which, until when, and what was revoked. */
export async function listCertificates(
  { store, clock }: Custodian, { after, isPresent }: ParsedRequest<'/v1/certificates'>,
): Promise<CustodianResponse<'/v1/certificates'>> {
  const rows = await store.all(
    `SELECT c.serial, c.kind, c.role, c.signer, c.issued_at_ms, c.not_after_ms, c.revoked_at_ms, s.staff FROM certificates c
     LEFT JOIN staff_certificates s ON s.serial = c.serial
     WHERE c.serial > ? AND (? = 0 OR (c.revoked_at_ms IS NULL AND c.not_after_ms > ?)) ORDER BY c.serial LIMIT ?`,
    after ?? '', isPresent ? 1 : 0, clock.nowMs(), certificatesPerPage,
  )
  return {
    certificates: rows.map((row) => ({
      serial: String(row['serial']),
      kind: String(row['kind']),
      role: String(row['role']),
      signer: row['signer'] === null ? null : String(row['signer']),
      staff: row['staff'] as StaffId | null,
      issuedAt: new Date(Number(row['issued_at_ms'])).toISOString(),
      notAfter: new Date(Number(row['not_after_ms'])).toISOString(),
      revokedAt: row['revoked_at_ms'] === null ? null : new Date(Number(row['revoked_at_ms'])).toISOString(),
    })),
  }
}
