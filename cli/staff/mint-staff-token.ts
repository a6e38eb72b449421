import { sign } from 'node:crypto'
import { staffEnrolmentBytes } from '@ngome/contracts'
import { toBase64Url, type Clock, type Random } from '@ngome/kernel'
import type { Person } from './staff-key.ts'

/** A command uses its token at once. */
const tokenLifeMs = 120_000
const nonceBytes = 16

/** What people may enrol as: the auditor only reads. */
export type StaffRole = 'operator' | 'auditor'

/** A one-time token with which a person enrols under his own name. */
export function mintStaffToken(
  { id, privateKey }: Person, role: StaffRole, { clock, random }: { readonly clock: Clock; readonly random: Random },
): string {
  const claim = {
    role, expiresAtMs: clock.nowMs() + tokenLifeMs, nonce: toBase64Url(random.bytes(nonceBytes)), staff: id,
  }
  const body = toBase64Url(Buffer.from(JSON.stringify(claim), 'utf8'))
  return `${body}.${toBase64Url(sign(null, staffEnrolmentBytes(body), privateKey))}.staff`
}
