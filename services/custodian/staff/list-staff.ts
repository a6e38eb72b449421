import type { CustodianResponse } from '@ngome/contracts'
import type { Custodian } from '../custodian.ts'
import { listStaff } from './staff-rows.ts'

/** Everybody who was ever admitted, with who admitted him. */
export async function listStaffMembers({ store, rowTagKey }: Custodian): Promise<CustodianResponse<'/v1/staff'>> {
  const staff = await listStaff(store, rowTagKey)
  return {
    staff: staff.map(({ id, name, publicKey, admittedBy, admittedAtMs, retiredAtMs }) => ({
      id, name, publicKey, admittedBy: [...admittedBy],
      admittedAt: new Date(admittedAtMs).toISOString(),
      retiredAt: retiredAtMs === null ? null : new Date(retiredAtMs).toISOString(),
    })),
  }
}
